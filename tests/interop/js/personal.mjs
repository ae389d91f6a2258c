// What Bob arranges for himself on one device is so on the other, and what he calls himself is so
// for all.

import { dialogue, refused, same } from "./people.mjs";

async function arrange(alice, phone, desk, roomId) {
  await phone.client.setRoomTag(roomId, "m.favourite", { order: 0.25 });
  await phone.client.setRoomTag(roomId, "u.Work", {});
  const tags = { "m.favourite": { order: 0.25 }, "u.Work": {} };
  const isTagged = () => JSON.stringify(desk.room(roomId).tags) === JSON.stringify(tags);
  await desk.sees("the tags", isTagged);
  await desk.client.deleteRoomTag(roomId, "u.Work");
  await phone.sees("one less", () => Object.keys(phone.room(roomId).tags).length === 1);
  same(alice.room(roomId).tags, {}, "Alice's tags");

  await phone.client.setAccountData("org.example.theme", { dark: true });
  const theme = () => desk.client.getAccountData("org.example.theme")?.getContent();
  await desk.sees("the theme", () => theme()?.dark === true);
  await desk.client.setRoomAccountData(roomId, "org.example.note", { text: "call back" });
  const note = () => phone.room(roomId).getAccountData("org.example.note")?.getContent();
  await phone.sees("the note", () => note()?.text === "call back");
  const rules = `/user/${phone.userId}/account_data/m.push_rules`;
  const past = phone.client.http.authedRequest("PUT", rules, {}, {});
  await refused(past, "M_BAD_JSON", "push rules set past their endpoints");
}

async function areCalled(alice, phone, desk, roomId) {
  await phone.client.setDisplayName("Bob 🐻");
  await phone.client.setAvatarUrl("mxc://localhost/bear");
  const member = () => alice.room(roomId).getMember(phone.userId);
  await alice.sees("the name", () => member().name === "Bob 🐻");
  await alice.sees("the picture", () => member().getMxcAvatarUrl() === "mxc://localhost/bear");
  await desk.sees("his own name", () => desk.room(roomId).getMember(desk.userId).name === "Bob 🐻");
  same(
    await alice.client.getProfileInfo(phone.userId),
    { displayname: "Bob 🐻", avatar_url: "mxc://localhost/bear" },
    "the profile",
  );
  await alice.client.setDisplayName("Bob 🐻");
  await desk.sees("two of one name", () => {
    return desk.room(roomId).getMember(alice.userId).name === `Bob 🐻 (${alice.userId})`;
  });
}

async function leaveADevice(phone, desk) {
  const { devices } = await phone.client.getDevices();
  same(devices.length, 2, "devices");
  await phone.client.setDeviceDetails(desk.client.getDeviceId(), { display_name: "the desk" });
  const named = await desk.client.getDevice(desk.client.getDeviceId());
  same(named.display_name, "the desk", "its name");
  desk.client.stopClient();
  await desk.client.logout();
  await refused(desk.client.whoami(), "M_UNKNOWN_TOKEN", "to go on with the token");
  same((await phone.client.getDevices()).devices.length, 1, "devices that are left");
}

dialogue("personal", async (alice, phone, urlOfAlice) => {
  const desk = await phone.again(urlOfAlice);
  const roomId = await alice.makes({ preset: "public_chat" });
  await phone.joins(roomId);
  await desk.sees("the room", () => desk.is(roomId, "join"));
  await alice.sees("Bob", () => alice.knows(roomId, phone.userId, "join"));
  await arrange(alice, phone, desk, roomId);
  await areCalled(alice, phone, desk, roomId);
  await leaveADevice(phone, desk);
});
