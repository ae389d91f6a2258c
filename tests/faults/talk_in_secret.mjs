// Three people on six devices write in an encrypted room, all at once, while whoever started this
// kills the server's processes: `node talk_in_secret.mjs URL MESSAGES`, beside the dialogues of
// tests/interop/js. A message that had no answer is sent again by its name, as a client does.
// Meanwhile one more device logs in.
//
// Tells "said N" after each message that was acknowledged, and in the end "All of it was read.",
// once every device has decrypted every message; the last one, those whose sender knew it. The keys
// of the room serve for five messages, so they are sent around all the time.

import { MatrixEvent } from "matrix-js-sdk";
import { device } from "./encrypted.mjs";
import { must, Person, sleep } from "./people.mjs";

const NAMES = ["alice", "bob", "carol"];
const DEVICES_EACH = 2;
const AGAIN_MS = 100;
const PAUSE_MS_MAX = 300;
const READ_MS_MAX = 60_000;
const ENCRYPTION = {
  type: "m.room.encryption",
  state_key: "",
  content: { algorithm: "m.megolm.v1.aes-sha2", rotation_period_msgs: 5 },
};

const [url, messages] = [process.argv[2], Number(process.argv[3])];
const sent = []; // { body, isKnown }: whether the sender knew of the newcomer.
let newcomer = null;

// What was not answered, because somebody was killed, is asked again.
async function insist(what, ask) {
  for (const end = Date.now() + READ_MS_MAX; ; await sleep(AGAIN_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > end) throw new Error(`${what}: ${error}`);
    }
  }
}

async function meet(people) {
  const [alice, ...others] = people.map((devices) => devices[0]);
  const invite = others.map((one) => one.userId);
  const options = { preset: "private_chat", initial_state: [ENCRYPTION], invite };
  const roomId = await alice.makes(options);
  for (const one of others) {
    await one.sees("the invitation", () => one.is(roomId, "invite"));
    await one.joins(roomId);
  }
  const userIds = people.map((devices) => devices[0].userId);
  for (const one of people.flat()) {
    const everybody = () => userIds.every((userId) => one.knows(roomId, userId, "join"));
    await one.sees("everybody", everybody);
    await one.sees("all devices", async () => (await known(one, userIds)) === people.flat().length);
  }
  return roomId;
}

async function known(person, userIds) {
  const found = await person.crypto.getUserDeviceInfo(userIds);
  return [...found.values()].reduce((sum, devices) => sum + devices.size, 0);
}

async function knowsNewcomer(person) {
  if (!newcomer) return false;
  const found = await person.crypto.getUserDeviceInfo([newcomer.userId]);
  return found.get(newcomer.userId).has(newcomer.deviceId);
}

async function says(person, roomId, body) {
  const txnId = person.client.makeTxnId();
  const isKnown = await knowsNewcomer(person);
  const content = { msgtype: "m.text", body };
  const again = async () => {
    const room = person.room(roomId);
    const event = room.getEventForTxnId(txnId);
    // It may have come with the sync: then it was sent all the same.
    if (event?.status === "not_sent") await person.client.resendEvent(event, room);
    else must(!event?.status || event.status === "sent", `it is ${event?.status}`);
  };
  const first = person.client.sendMessage(roomId, null, content, txnId);
  await first.catch(() => insist(body, again));
  sent.push({ body, isKnown });
  console.log(`said ${sent.length}`);
}

async function talk(person, roomId, name, count) {
  for (let at = 0; at < count; at++) {
    await says(person, roomId, `${name} ${at}`);
    await sleep(Math.random() * PAUSE_MS_MAX);
  }
}

// A sync that failed is tried again soon: the SDK would wait for seconds.
function hurry({ client }) {
  client.on("sync", (state) => {
    if (state !== "SYNCING") setTimeout(() => client.retryImmediately(), AGAIN_MS);
  });
}

// All messages of the room, back to its beginning, as the device can read them now.
async function history(person, roomId) {
  const { client } = person;
  const events = [];
  for (let from = null; from !== undefined; ) {
    const page = await client.createMessagesRequest(roomId, from, 100, "b");
    // New objects: one that could not be decrypted is not tried again.
    events.push(...page.chunk.map((event) => new MatrixEvent(event)));
    from = page.end;
  }
  const secret = events.filter((event) => event.getWireType() === "m.room.encrypted");
  await Promise.all(secret.map((event) => client.decryptEventIfNeeded(event)));
  return secret;
}

async function readsAll(person, roomId, wanted) {
  const end = Date.now() + READ_MS_MAX;
  for (;;) {
    const events = await insist("the history", () => history(person, roomId));
    const bodies = events.map((event) => event.getContent().body);
    const missing = wanted.filter((body) => !bodies.includes(body));
    if (!missing.length) {
      const readable = bodies.filter((body) => wanted.includes(body));
      must(readable.length === wanted.length, "a message comes twice");
      return;
    }
    if (Date.now() > end) throw new Error(lacks(person, events, missing));
    await sleep(500);
  }
}

function lacks(person, events, missing) {
  const failures = events
    .filter((event) => event.isDecryptionFailure())
    .map((event) => [event.getId(), event.decryptionFailureReason, event.getWireContent()]);
  const what = JSON.stringify(failures.slice(0, 5), null, 1);
  const who = `${person.userId} ${person.deviceId}`;
  return `${who} cannot read ${missing.length} messages, such as ${missing[0]}\n${what}`;
}

async function everybodyTalks(part, count) {
  await Promise.all(everybody.map((one, at) => talk(one, roomId, `${part}.${at}`, count)));
}

const people = [];
for (const name of NAMES) {
  const { client } = await Person.register(url, name);
  client.stopClient();
  const devices = Array.from({ length: DEVICES_EACH }, () => device({ name }, url));
  people.push(await Promise.all(devices));
}
const everybody = people.flat();
everybody.forEach(hurry);
const roomId = await meet(people);
// Before, while and after one more device logs in.
const count = Math.ceil(messages / everybody.length / 3);
await everybodyTalks("before", count);
const during = everybodyTalks("during", count);
newcomer = await insist("one more device", () => device({ name: "bob" }, url));
hurry(newcomer);
await during;
for (const one of everybody) await one.sees("the newcomer", () => knowsNewcomer(one));
await everybodyTalks("after", count);
console.log("All of it was said.");
const bodies = sent.map(({ body }) => body);
const owed = sent.filter(({ isKnown }) => isKnown).map(({ body }) => body);
must(owed.length >= count * everybody.length, "the newcomer was forgotten");
for (const one of everybody) await readsAll(one, roomId, bodies);
await readsAll(newcomer, roomId, owed);
console.log("All of it was read.");
process.exit(0);
