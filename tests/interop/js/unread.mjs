// What Alice says counts on both of Bob's devices until he has read it on one.

import { NotificationCountType, ReceiptType } from "matrix-js-sdk";
import { dialogue, LONG, same } from "./people.mjs";

const MANY = LONG ? 150 : 12;
const { Total, Highlight } = NotificationCountType;

function counts(person, roomId, threadId = null) {
  const room = person.room(roomId);
  const read = (type) =>
    threadId
      ? room.getThreadUnreadNotificationCount(threadId, type)
      : room.getRoomUnreadNotificationCount(type);
  return [read(Total), read(Highlight)];
}

async function both(devices, roomId, wanted, threadId = null) {
  for (const device of devices) {
    const isSo = () => JSON.stringify(counts(device, roomId, threadId)) === JSON.stringify(wanted);
    // What is there in the end is of interest, not what was there before.
    const where = threadId ? "the thread" : "the room";
    const instead = () => `${wanted} in ${where} instead of ${counts(device, roomId, threadId)}`;
    await device.sees(instead, isSo);
  }
}

async function mention(alice, bob, roomId, body) {
  const content = { msgtype: "m.text", body, "m.mentions": { user_ids: [bob.userId] } };
  return (await alice.client.sendMessage(roomId, null, content)).event_id;
}

let sent = 0;

// COMPAT(matrix-js-sdk 37.4): what one is about to say in a thread that the client is still reading
// for the first time is not sent. So this goes past the client's own idea of threads.
async function saysInThread(person, roomId, root, body, mentioned = []) {
  const content = {
    msgtype: "m.text",
    body,
    "m.mentions": { user_ids: mentioned },
    "m.relates_to": { rel_type: "m.thread", event_id: root },
  };
  const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/thread${(sent += 1)}`;
  return (await person.client.http.authedRequest("PUT", path, undefined, content)).event_id;
}

async function reads(person, roomId, eventId, type = ReceiptType.Read, unthreaded = false) {
  await person.sees("what is read", () => person.room(roomId).findEventById(eventId));
  const event = person.room(roomId).findEventById(eventId);
  await person.client.sendReadReceipt(event, type, unthreaded);
}

async function inTheRoom(alice, phone, desk, roomId) {
  for (let at = 0; at < MANY; at++) await alice.says(roomId, `line ${at}`);
  await both([phone, desk], roomId, [MANY, 0]);
  const middle = await mention(alice, phone, roomId, "Bob?");
  await both([phone, desk], roomId, [MANY + 1, 1]);
  await alice.says(roomId, "Well");
  await both([phone, desk], roomId, [MANY + 2, 1]);
  await reads(phone, roomId, middle);
  await both([desk], roomId, [1, 0]);
  // Who speaks has read what was there.
  await phone.says(roomId, "Yes, Alice?");
  await both([phone, desk], roomId, [0, 0]);
}

async function inThreads(alice, phone, desk, roomId) {
  const root = await alice.says(roomId, "a subject");
  await saysInThread(alice, roomId, root, "one");
  const last = await saysInThread(alice, roomId, root, "two", [phone.userId]);
  await both([phone, desk], roomId, [1, 0]);
  await both([phone, desk], roomId, [2, 1], root);
  // Read in private: the other device knows it, Alice does not.
  await reads(phone, roomId, root, ReceiptType.ReadPrivate);
  await both([desk], roomId, [0, 0]);
  same(counts(desk, roomId, root), [2, 1], "the thread is not read by that");
  await reads(desk, roomId, last);
  await both([phone], roomId, [0, 0], root);

  await saysInThread(alice, roomId, root, "three");
  const newest = await alice.says(roomId, "besides");
  await both([phone, desk], roomId, [1, 0]);
  await both([phone, desk], roomId, [1, 0], root);
  await reads(phone, roomId, newest, ReceiptType.Read, true);
  await both([desk], roomId, [0, 0]);
  await both([desk], roomId, [0, 0], root);
}

async function byRules(alice, phone, desk, roomId) {
  await phone.client.setRoomMutePushRule("global", roomId, true);
  await desk.sees("the mute", () => desk.client.getRoomPushRule("global", roomId));
  await alice.says(roomId, "unheard");
  await mention(alice, phone, roomId, "heard"); // Mentions stand above rooms.
  await both([phone, desk], roomId, [1, 1]);
  await desk.client.setRoomMutePushRule("global", roomId, false);
  await phone.sees("no mute", () => !phone.client.getRoomPushRule("global", roomId));
  const last = await alice.says(roomId, "heard again");
  await both([phone, desk], roomId, [2, 1]);

  const { notifications } = await phone.client.http.authedRequest("GET", "/notifications", {
    limit: "2",
  });
  const heard = notifications.map((one) => [one.event.content.body, one.read]);
  same(heard, [["heard again", false], ["heard", false]], "the notifications");
  await reads(desk, roomId, last);
  await both([phone], roomId, [0, 0]);
}

async function comesBack(alice, phone, roomId, url) {
  await alice.says(roomId, "for later");
  await mention(alice, phone, roomId, "for Bob");
  const tablet = await phone.again(url);
  same(counts(tablet, roomId), [2, 1], "on a new device");
  await phone.client.setRoomAccountData(roomId, "m.marked_unread", { unread: true });
  await tablet.sees("the mark", () => {
    return tablet.room(roomId).getAccountData("m.marked_unread")?.getContent().unread;
  });
}

dialogue("unread", async (alice, phone, urlOfAlice) => {
  const desk = await phone.again(urlOfAlice);
  const roomId = await alice.makes({ preset: "public_chat", invite: ["@nobody:localhost"] });
  await phone.joins(roomId);
  await desk.sees("the room", () => desk.is(roomId, "join"));
  await both([phone, desk], roomId, [0, 0]);
  await inTheRoom(alice, phone, desk, roomId);
  await inThreads(alice, phone, desk, roomId);
  await byRules(alice, phone, desk, roomId);
  await comesBack(alice, phone, roomId, urlOfAlice);
});
