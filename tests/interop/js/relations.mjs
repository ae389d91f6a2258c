// Alice and Bob react, edit and talk in threads: `node relations.mjs URL_OF_ALICE URL_OF_BOB`.
//
// Each has the SDK's own sync loop with its support of threads, each in another worker of the
// server. In the end Bob comes back on a new device that missed all of it.

import { createClient, ThreadFilterType } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";

const WAIT_MS_MAX = 60_000;
const LOOK_MS = 20;

logger.setLevel("error");

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function must(isSo, what) {
  if (!isSo) throw new Error(what);
}

async function sees(who, what, isSo) {
  const end = Date.now() + WAIT_MS_MAX;
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`${who} does not see ${what}`);
    await sleep(LOOK_MS);
  }
}

async function refused(promise, errcode, what) {
  const error = await promise.then(
    () => null,
    (found) => found,
  );
  must(error?.errcode === errcode && error.httpStatus === 400, `${what} was not refused: ${error}`);
}

async function register(url, username) {
  const account = await createClient({ baseUrl: url }).registerRequest({
    username,
    password: `secret of ${username}`,
    auth: { type: "m.login.dummy" },
  });
  return start(url, account, 20);
}

async function logInAgain(url, username) {
  const account = await createClient({ baseUrl: url }).loginRequest({
    type: "m.login.password",
    identifier: { type: "m.id.user", user: username },
    password: `secret of ${username}`,
  });
  // So little that the threads are not in it.
  return start(url, account, 2);
}

async function start(url, account, initialSyncLimit) {
  const client = createClient({
    baseUrl: url,
    userId: account.user_id,
    accessToken: account.access_token,
    deviceId: account.device_id,
    timelineSupport: true,
  });
  await client.startClient({ initialSyncLimit, threadSupport: true });
  await sees(account.user_id, "the first sync", () => client.isInitialSyncComplete());
  return client;
}

async function say(client, roomId, body, threadId = null) {
  const { event_id: eventId } = await client.sendMessage(roomId, threadId, {
    msgtype: "m.text",
    body,
  });
  return eventId;
}

const find = (client, roomId, eventId) => client.getRoom(roomId)?.findEventById(eventId);

function reactions(client, roomId, eventId) {
  const relations = client.getRoom(roomId).relations;
  const found = relations.getChildEventsForEvent(eventId, "m.annotation", "m.reaction");
  return found?.getSortedAnnotationsByKey()?.map(([key, events]) => `${key} ${events.size}`) ?? [];
}

async function react(alice, bob, roomId, eventId) {
  const annotate = (client, key) =>
    client.sendEvent(roomId, "m.reaction", {
      "m.relates_to": { rel_type: "m.annotation", event_id: eventId, key },
    });
  const seenAs = (...wanted) => () =>
    JSON.stringify(reactions(alice, roomId, eventId).sort()) === JSON.stringify(wanted);
  await bob.joinRoom(roomId);
  const { event_id: thumb } = await annotate(bob, "👍");
  await annotate(alice, "👍");
  await annotate(bob, "🌹");
  await sees("Alice", "the reactions", seenAs("🌹 1", "👍 2"));
  await refused(annotate(bob, "👍"), "M_DUPLICATE_ANNOTATION", "the same reaction");
  await bob.redactEvent(roomId, thumb);
  await sees("Alice", "a reaction go", seenAs("🌹 1", "👍 1"));
  await annotate(bob, "👍");
  await sees("Alice", "it come again", seenAs("🌹 1", "👍 2"));
}

async function edit(alice, bob, roomId, eventId) {
  await sees("Bob", "the message", () => find(bob, roomId, eventId));
  for (const body of ["first edit", "second edit"]) {
    await alice.sendMessage(roomId, {
      msgtype: "m.text",
      body: `* ${body}`,
      "m.new_content": { msgtype: "m.text", body },
      "m.relates_to": { rel_type: "m.replace", event_id: eventId },
    });
    await sees("Bob", body, () => find(bob, roomId, eventId).getContent().body === body);
  }
}

async function talkInThread(alice, bob, roomId, root) {
  const reply = await say(bob, roomId, "in a thread", root);
  await sees("Alice", "the thread", () => alice.getRoom(roomId).getThread(root)?.length === 1);
  await say(alice, roomId, "in it as well", root);
  await sees("Bob", "two replies", () => bob.getRoom(roomId).getThread(root)?.length === 2);
  const nested = { msgtype: "m.text", body: "deeper" };
  nested["m.relates_to"] = { rel_type: "m.thread", event_id: reply };
  await refused(bob.sendEvent(roomId, "m.room.message", nested), "M_UNKNOWN", "a nested thread");
}

async function comeBack(url, roomId, root, other) {
  const bob = await logInAgain(url, "bob_relations");
  const room = bob.getRoom(roomId);
  must(!room.findEventById(root), "the new device knows the thread already");
  await room.createThreadsTimelineSets();
  await room.fetchRoomThreads();
  const [all, mine] = room.threadsTimelineSets;
  const roots = (set) => set.getLiveTimeline().getEvents().map((event) => event.getId());
  must(mine.threadListType === ThreadFilterType.My, "the lists are in another order");
  // A timeline ends with the newest.
  must(JSON.stringify(roots(all)) === JSON.stringify([other, root]), `threads: ${roots(all)}`);
  must(JSON.stringify(roots(mine)) === JSON.stringify([root]), `own threads: ${roots(mine)}`);
  const thread = room.getThread(root);
  must(thread.length === 2, `the thread has ${thread.length} replies`);
  must(thread.hasCurrentUserParticipated, "Bob took part in it");
  const said = () => thread.events.map((event) => event.getContent().body);
  const wanted = JSON.stringify(["second edit", "in a thread", "in it as well"]);
  await sees("Bob", "the whole thread", () => JSON.stringify(said()) === wanted);

  const { events } = await bob.relations(roomId, root, null, null, { recurse: true, limit: 50 });
  const types = events.map((event) => event.getRelation().rel_type).sort();
  const counts = { "m.annotation": 3, "m.replace": 2, "m.thread": 2 };
  for (const [type, count] of Object.entries(counts)) {
    must(types.filter((one) => one === type).length === count, `relations: ${types}`);
  }
  bob.stopClient();
}

async function main(urlOfAlice, urlOfBob) {
  const alice = await register(urlOfAlice, "alice_relations");
  const bob = await register(urlOfBob, "bob_relations");
  const { room_id: roomId } = await alice.createRoom({ preset: "public_chat" });
  const root = await say(alice, roomId, "the beginning");
  const other = await say(alice, roomId, "another");
  await say(alice, roomId, "a thread of Alice alone", other);
  await react(alice, bob, roomId, root);
  await edit(alice, bob, roomId, root);
  await talkInThread(alice, bob, roomId, root);
  for (const body of ["much", "is", "said", "since"]) await say(alice, roomId, body);
  await comeBack(urlOfAlice, roomId, root, other);
  console.log("All of it was told.");
}

main(...process.argv.slice(2)).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
