// What the dialogues share: people with matrix-js-sdk, each with the SDK's own sync loop.
//
// A dialogue is a file: `node NAME.mjs URL_OF_ALICE URL_OF_BOB`. It asserts what the one sees of
// what the other did, and ends with "All of it was told.". The URLs lead to two workers.

import { createClient } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";

const WAIT_MS_MAX = 60_000;
const LOOK_MS = 20;


logger.setLevel("error");

// More rounds, and what takes the server's timeouts to see.
export const LONG = process.env.SOMA_INTEROP_LONG === "1";

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function must(isSo, what) {
  if (!isSo) throw new Error(what);
}

export function same(found, wanted, what) {
  const [one, other] = [JSON.stringify(found), JSON.stringify(wanted)];
  must(one === other, `${what}: ${one} instead of ${other}`);
}

export async function refused(promise, errcode, what) {
  const error = await promise.then(
    () => null,
    (found) => found,
  );
  must(error?.errcode === errcode, `${what}: ${error ?? "allowed"} instead of ${errcode}`);
}

export class Person {
  static async register(url, username) {
    const account = await createClient({ baseUrl: url }).registerRequest({
      username,
      password: `secret of ${username}`,
      auth: { type: "m.login.dummy" },
    });
    return Person.start(url, username, account);
  }

  // The same person on one more device, which has seen nothing.
  async again(url) {
    const account = await createClient({ baseUrl: url }).loginRequest({
      type: "m.login.password",
      identifier: { type: "m.id.user", user: this.name },
      password: `secret of ${this.name}`,
    });
    return Person.start(url, this.name, account);
  }

  static async start(url, name, account) {
    const client = createClient({
      baseUrl: url,
      userId: account.user_id,
      accessToken: account.access_token,
      deviceId: account.device_id,
      timelineSupport: true,
    });
    const person = new Person(name, client);
    // As Element does it: a member's event comes when that member is to be shown.
    const options = { initialSyncLimit: 20, threadSupport: true, lazyLoadMembers: true };
    await client.startClient(options);
    await person.sees("the first sync", () => client.isInitialSyncComplete());
    return person;
  }

  constructor(name, client) {
    this.name = name;
    this.client = client;
    this.userId = client.getUserId();
  }

  room(roomId) {
    return this.client.getRoom(roomId);
  }

  // One's own membership.
  is(roomId, membership) {
    return this.room(roomId)?.getMyMembership() === membership;
  }

  // Another's, as this client knows it.
  knows(roomId, userId, membership) {
    return this.room(roomId)?.getMember(userId)?.membership === membership;
  }

  state(roomId, type, stateKey = "") {
    return this.room(roomId)?.currentState.getStateEvents(type, stateKey)?.getContent();
  }

  said(roomId) {
    const events = this.room(roomId)?.getLiveTimeline().getEvents() ?? [];
    return events
      .filter((event) => event.getType() === "m.room.message")
      .map((event) => event.getContent().body);
  }

  async says(roomId, body, threadId = null) {
    const content = { msgtype: "m.text", body };
    return (await this.client.sendMessage(roomId, threadId, content)).event_id;
  }

  async makes(options) {
    return (await this.client.createRoom(options)).room_id;
  }

  async joins(roomId) {
    await this.client.joinRoom(roomId);
    await this.sees("the room", () => this.is(roomId, "join"));
  }

  async leaves(roomId) {
    await this.client.leave(roomId);
    // Before that the SDK answers by itself what it is asked of the room.
    await this.sees("that it is left", () => this.is(roomId, "leave"));
  }

  // What comes with the sync: looks at what the client knows. `isSo` may ask the server, too; `what`
  // may be a function that says what there is instead when it does not come.
  async sees(what, isSo, waitMs = WAIT_MS_MAX) {
    const end = Date.now() + waitMs;
    while (!(await isSo())) {
      if (Date.now() > end) {
        const shown = typeof what === "function" ? what() : what;
        const state = this.client.getSyncState();
        throw new Error(`${this.name}, ${this.client.getDeviceId()} (${state}) does not see ${shown}`);
      }
      await sleep(LOOK_MS);
    }
  }
}

export function dialogue(subject, talk) {
  const urls = process.argv.slice(2);
  const register = (name, at) => Person.register(urls[at], `${name}_${subject}`);
  const people = ["alice", "bob"].map(register);
  Promise.all(people)
    .then(([alice, bob]) => talk(alice, bob, ...urls))
    .then(
      () => {
        console.log("All of it was told.");
        process.exit(0);
      },
      (error) => {
        console.error(error);
        process.exit(1);
      },
    );
}
