// Alice and Bob talk through matrix-js-sdk: `node meeting.mjs URL_OF_ALICE URL_OF_BOB`.
//
// Each has the SDK's own sync loop, which polls all the time, each in another worker of the server.

import { createClient, ReceiptType } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";

const WAIT_MS_MAX = 60_000;
const LOOK_MS = 20;
// So much less than the SDK's poll of 30 s that it was woken, on a busy machine too.
const SOON_MS = 10_000;
const TYPING_MS = 60_000;

logger.setLevel("error");

class Person {
  static async register(url, name) {
    const stranger = createClient({ baseUrl: url });
    const account = await stranger.registerRequest({
      username: name,
      password: `secret of ${name}`,
      auth: { type: "m.login.dummy" },
    });
    const client = createClient({
      baseUrl: url,
      userId: account.user_id,
      accessToken: account.access_token,
      deviceId: account.device_id,
    });
    return new Person(name, client);
  }

  constructor(name, client) {
    this.name = name;
    this.client = client;
    this.userId = client.getUserId();
  }

  async start() {
    await this.client.startClient({ initialSyncLimit: 20 });
    await this.sees("the first sync", () => this.client.isInitialSyncComplete());
  }

  room(roomId) {
    return this.client.getRoom(roomId);
  }

  said(roomId) {
    const events = this.room(roomId)?.getLiveTimeline().getEvents() ?? [];
    return events
      .filter((event) => event.getType() === "m.room.message")
      .map((event) => `${event.getSender()}: ${event.getContent().body}`);
  }

  has(roomId, userId, membership) {
    return this.room(roomId)?.getMember(userId)?.membership === membership;
  }

  async sees(what, isSo) {
    const end = Date.now() + WAIT_MS_MAX;
    while (!isSo()) {
      if (Date.now() > end) throw new Error(`${this.name} does not see ${what}`);
      await sleep(LOOK_MS);
    }
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function must(isSo, what) {
  if (!isSo) throw new Error(what);
}

async function meet(alice, bob) {
  const { room_id: roomId } = await alice.client.createRoom({ name: "A garden", topic: "Roses" });
  await alice.client.invite(roomId, bob.userId);
  await bob.sees("the invitation", () => bob.room(roomId)?.getMyMembership() === "invite");
  await bob.client.joinRoom(roomId);
  await bob.sees("the room", () => bob.room(roomId)?.getMyMembership() === "join");
  await bob.sees("its name", () => bob.room(roomId).name === "A garden");
  await alice.sees("Bob come", () => alice.has(roomId, bob.userId, "join"));
  return roomId;
}

async function talk(alice, bob, roomId) {
  await sleep(500); // Bob's long poll is open.
  const sent = Date.now();
  await alice.client.sendTextMessage(roomId, "Hello, Bob!");
  await bob.sees("the greeting", () => bob.said(roomId).includes(`${alice.userId}: Hello, Bob!`));
  console.log(`arrived after ${Date.now() - sent} ms`);
  must(Date.now() - sent < SOON_MS, "the greeting came late");

  const bobTypes = () => alice.room(roomId).getMember(bob.userId).typing;
  await bob.client.sendTyping(roomId, true, TYPING_MS);
  await alice.sees("Bob type", bobTypes);
  const { event_id: answerId } = await bob.client.sendTextMessage(roomId, "Grüße 🌹");
  await alice.sees("the answer", () => alice.said(roomId).includes(`${bob.userId}: Grüße 🌹`));
  await bob.client.sendTyping(roomId, false, 0);
  await alice.sees("Bob rest", () => !bobTypes());

  const answer = alice.room(roomId).findEventById(answerId);
  await alice.client.sendReadReceipt(answer, ReceiptType.Read);
  const isRead = () => bob.room(roomId).hasUserReadEvent(alice.userId, answerId);
  await bob.sees("that it was read", isRead);
}

async function part(alice, bob, roomId) {
  await bob.client.leave(roomId);
  await alice.sees("Bob go", () => alice.has(roomId, bob.userId, "leave"));
  const refusal = await bob.client.sendTextMessage(roomId, "still here?").catch((error) => error);
  must(refusal.errcode === "M_FORBIDDEN", `Bob was not refused: ${JSON.stringify(refusal)}`);
}

async function main(urlOfAlice, urlOfBob) {
  const alice = await Person.register(urlOfAlice, "alice_js");
  const bob = await Person.register(urlOfBob, "bob_js");
  await Promise.all([alice.start(), bob.start()]);
  const roomId = await meet(alice, bob);
  await talk(alice, bob, roomId);
  await part(alice, bob, roomId);
  console.log("All of it was told.");
}

main(...process.argv.slice(2)).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
