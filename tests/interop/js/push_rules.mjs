// Bob changes his push rules on one device; the other is told, and judges what Alice says by them.

import { dialogue, must, refused, same } from "./people.mjs";

const KEYWORD = ["notify", { set_tweak: "highlight" }, { set_tweak: "sound", value: "default" }];

const QUIETLY = ["notify", { set_tweak: "highlight", value: false }];

const rules = (person, kind) => person.client.pushRules.global[kind] ?? [];
const rule = (person, kind, id) => rules(person, kind).find((one) => one.rule_id === id);
const own = (person, kind) =>
  rules(person, kind)
    .filter((one) => !one.default)
    .map((one) => one.rule_id);

// What the SDK makes of a message by the rules that it knows.
async function judgement(alice, person, roomId, body) {
  const eventId = await alice.says(roomId, body);
  await person.sees(body, () => person.room(roomId).findEventById(eventId));
  const { notify, tweaks } = person.client.getPushActionsForEvent(
    person.room(roomId).findEventById(eventId),
  );
  return [notify, tweaks.highlight ?? false];
}

async function waitForAWord(alice, phone, desk, roomId) {
  same(await judgement(alice, desk, roomId, "tea is ready"), [true, false], "before");
  const word = { pattern: "tea", actions: KEYWORD };
  await phone.client.addPushRule("global", "content", "drinks", word);
  await desk.sees("the keyword", () => rule(desk, "content", "drinks"));
  same(rule(desk, "content", "drinks").actions, KEYWORD, "its actions");
  same(await judgement(alice, desk, roomId, "Tea, anybody?"), [true, true], "with the keyword");

  await desk.client.setPushRuleEnabled("global", "content", "drinks", false);
  await phone.sees("it off", () => rule(phone, "content", "drinks").enabled === false);
  same(await judgement(alice, phone, roomId, "more tea"), [true, false], "with it off");
  await desk.client.setPushRuleEnabled("global", "content", "drinks", true);
  await phone.client.setPushRuleActions("global", "content", "drinks", QUIETLY);
  await desk.sees("it quieter", () => rule(desk, "content", "drinks").actions.length === 2);
  same(await judgement(alice, desk, roomId, "and tea"), [true, false], "without the highlight");
}

async function order(phone, desk) {
  const put = (id, query) => {
    const path = `/pushrules/global/content/${encodeURIComponent(id)}`;
    return phone.client.http.authedRequest("PUT", path, query, { pattern: id, actions: QUIETLY });
  };
  await put("milk", {});
  await put("cake & jam", { after: "drinks" });
  await put("milk", { before: "drinks" });
  const wanted = JSON.stringify(["milk", "drinks", "cake & jam"]);
  await desk.sees("their order", () => JSON.stringify(own(desk, "content")) === wanted);
  await refused(put("salt", { before: "pepper" }), "M_UNKNOWN", "before what there is not");
  await phone.client.deletePushRule("global", "content", "cake & jam");
  await desk.sees("one go", () => own(desk, "content").length === 2);
  const again = phone.client.deletePushRule("global", "content", "cake & jam");
  await refused(again, "M_NOT_FOUND", "to delete it twice");
}

async function mute(alice, phone, desk, roomId) {
  await phone.client.setRoomMutePushRule("global", roomId, true);
  await desk.sees("the room muted", () => rule(desk, "room", roomId));
  same(await judgement(alice, desk, roomId, "psst"), [false, false], "in the muted room");
  // A word that one waits for has its say before the room.
  same(await judgement(alice, desk, roomId, "milk!"), [true, false], "of a keyword there");
  await desk.client.setRoomMutePushRule("global", roomId, false);
  await phone.sees("it speak again", () => !rule(phone, "room", roomId));

  const master = ["global", "override", ".m.rule.master"];
  for (const isOn of [true, false]) {
    await phone.client.setPushRuleEnabled(...master, isOn);
    await desk.sees("quiet", () => rule(desk, "override", ".m.rule.master").enabled === isOn);
    same(await judgement(alice, desk, roomId, `quiet: ${isOn}`), [!isOn, false], "under it");
  }
  const deletion = phone.client.deletePushRule(...master);
  await refused(deletion, "M_NOT_FOUND", "to delete a rule of the server");
}

async function areMentioned(alice, desk, roomId) {
  const mention = async (content, wanted, what) => {
    const { event_id: eventId } = await alice.client.sendMessage(roomId, {
      msgtype: "m.text",
      body: what,
      "m.mentions": content,
    });
    await desk.sees(what, () => desk.room(roomId).findEventById(eventId));
    const event = desk.room(roomId).findEventById(eventId);
    const { tweaks } = desk.client.getPushActionsForEvent(event);
    same(tweaks.highlight ?? false, wanted, what);
  };
  await mention({ user_ids: [desk.userId] }, true, "to Bob");
  await mention({ user_ids: [alice.userId] }, false, "to Alice");
  await mention({ room: true }, true, "to all");
}

dialogue("push_rules", async (alice, phone, urlOfAlice) => {
  const desk = await phone.again(urlOfAlice);
  // Three in it: what is said is not said to Bob alone. And this SDK does not know yet that the
  // creators of version 12 may speak to all.
  const invite = ["@nobody:localhost"];
  const roomId = await alice.makes({ preset: "public_chat", invite, room_version: "11" });
  await phone.joins(roomId);
  await desk.sees("the room", () => desk.is(roomId, "join"));
  must(rule(desk, "underride", ".m.rule.message").default, "the rules of the server");
  await waitForAWord(alice, phone, desk, roomId);
  await order(phone, desk);
  await mute(alice, phone, desk, roomId);
  await areMentioned(alice, desk, roomId);
});
