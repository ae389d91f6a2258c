// Alice says much and orders her rooms; Bob looks: `node looking.mjs URL_OF_ALICE URL_OF_BOB`.
//
// What is searched, walked and looked into goes through the SDK's own functions, which page and
// gather by their own rules. Bob asks another worker than the one that took what Alice said.

import { createClient } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";
import { RoomHierarchy } from "matrix-js-sdk/lib/room-hierarchy.js";

logger.setLevel("error");

function must(isSo, what) {
  if (!isSo) throw new Error(what);
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

async function register(url, username) {
  const account = await createClient({ baseUrl: url }).registerRequest({
    username,
    password: `secret of ${username}`,
    auth: { type: "m.login.dummy" },
  });
  return createClient({
    baseUrl: url,
    userId: account.user_id,
    accessToken: account.access_token,
    deviceId: account.device_id,
  });
}

const open = { preset: "public_chat" };

async function say(client, roomId, body) {
  const content = { msgtype: "m.text", body };
  return (await client.sendMessage(roomId, content)).event_id;
}

async function searchIn(alice, bob) {
  const { room_id: roomId } = await alice.createRoom({ ...open, name: "Library" });
  await bob.joinRoom(roomId);
  const lines = {
    图书馆: "我们明天在北京大学图书馆见面",
    都庁: "東京都庁に行きました",
    서울: "서울에서 만나요",
    ภาษา: "ฉันรักภาษาไทย",
    BOOKS: "So many books",
  };
  for (const [term, body] of Object.entries(lines)) {
    const eventId = await say(alice, roomId, body);
    const found = await bob.searchRoomEvents({ term });
    const events = found.results.map((one) => one.context.getEvent().getId());
    must(same(events, [eventId]), `${term} finds ${events}`);
  }
  const sent = [];
  for (let number = 0; number < 14; number += 1) sent.unshift(await say(alice, roomId, "page"));
  const found = await bob.searchRoomEvents({ term: "page", filter: { rooms: [roomId] } });
  must(found.count === 14 && found.results.length === 10, `a page of ${found.results.length}`);
  await bob.backPaginateRoomEventsSearch(found);
  const events = found.results.map((one) => one.context.getEvent().getId());
  must(same(events, sent), `the pages have ${events.length} events`);
  must(!found.next_batch, "there is a page too many");
  const before = found.results[3].context.getTimeline().map((event) => event.getId());
  must(before.includes(sent[4]) && before.includes(sent[2]), "there is nothing around a result");
  return roomId;
}

async function walkSpace(alice, bob) {
  const child = async (options) => (await alice.createRoom({ ...open, ...options })).room_id;
  const space = (name) => child({ name, creation_content: { type: "m.space" } });
  const put = (parent, roomId, order) =>
    alice.sendStateEvent(parent, "m.space.child", { via: ["soma.test"], order }, roomId);
  const root = await space("Root");
  const inner = await space("Inner");
  const leaves = [];
  for (let number = 0; number < 3; number += 1) leaves.push(await child({ name: `${number}` }));
  const hidden = await child({ preset: "private_chat" });
  await put(root, leaves[2], "c");
  await put(root, inner, "b");
  await put(root, leaves[0], "a");
  await put(root, hidden, "d");
  await put(inner, leaves[1], "a");
  await put(inner, root, "b");

  const listed = [];
  // All that RoomHierarchy needs of a room that Bob is not in.
  const hierarchy = new RoomHierarchy({ roomId: root, client: bob }, 2);
  while (hierarchy.canLoadMore) listed.push(...(await hierarchy.load()));
  const found = listed.map((room) => room.room_id);
  must(same(found, [root, leaves[0], inner, leaves[1], leaves[2]]), `the space has ${found}`);
  must(hierarchy.getRelation(inner, leaves[1]), "a child is not known as one");

  const summary = await bob.getRoomSummary(inner, ["soma.test"]);
  must(summary.name === "Inner" && summary.membership === "leave", "the summary is another");
}

async function jump(bob, roomId) {
  const first = await bob.timestampToEvent(roomId, 0, "f");
  const last = await bob.timestampToEvent(roomId, Date.now() + 60_000, "b");
  must(first.origin_server_ts < last.origin_server_ts, "the end is before the beginning");
  const context = await bob.http.authedRequest(
    "GET",
    `/rooms/${encodeURIComponent(roomId)}/context/${encodeURIComponent(first.event_id)}`,
  );
  must(context.event.type === "m.room.create", `the first event is ${context.event.type}`);
}

async function main(urlOfAlice, urlOfBob) {
  const alice = await register(urlOfAlice, "alice_looking");
  const bob = await register(urlOfBob, "bob_looking");
  const roomId = await searchIn(alice, bob);
  await walkSpace(alice, bob);
  await jump(bob, roomId);
  console.log("All of it was told.");
}

main(...process.argv.slice(2)).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
