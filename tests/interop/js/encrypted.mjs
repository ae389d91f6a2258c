// What the dialogues with keys share: devices with the SDK's own Rust crypto, and what goes over
// their wires.

import { createClient } from "matrix-js-sdk";
import {
  decodeRecoveryKey,
  VerificationPhase,
  VerifierEvent,
} from "matrix-js-sdk/lib/crypto-api/index.js";
import { must, Person, same, sleep } from "./people.mjs";

const NAME = "signed_curve25519";

// The SDK's crypto tells each of its steps.
console.debug = console.info = () => {};

export const secretOf = (person) => `secret of ${person.name}`;

// Asks a device's requests to pass, and keeps what of them the dialogues want to know.
class Wire {
  constructor() {
    this.holds = null; // A part of the paths of requests that have to wait.
    this.posted = []; // Messages to devices: { type, userId, deviceId, content }.
    this.came = []; // Messages to this device, as they stood in the sync.
    this.backedUp = []; // Uploads of message keys that went well: { version, sessions }.
  }

  fetch = async (resource, options) => {
    const { pathname, searchParams } = new URL(resource);
    while (this.holds && pathname.includes(this.holds)) await sleep(20);
    const path = pathname.split("/").slice(4);
    if (path[0] === "sendToDevice") this.notePosted(path[1], JSON.parse(options.body));
    const response = await fetch(resource, options);
    if (response.ok && path[0] === "sync") this.noteCame(await response.clone().json());
    if (response.ok && options.method === "PUT" && path[0] === "room_keys") {
      this.noteBackedUp(searchParams.get("version"), JSON.parse(options.body));
    }
    return response;
  };

  notePosted(type, { messages }) {
    for (const [userId, devices] of Object.entries(messages)) {
      for (const [deviceId, content] of Object.entries(devices)) {
        this.posted.push({ type, userId, deviceId, content });
      }
    }
  }

  noteCame({ to_device: toDevice }) {
    this.came.push(...(toDevice?.events ?? []));
  }

  noteBackedUp(version, { rooms }) {
    const sessions = Object.values(rooms).flatMap((room) => Object.keys(room.sessions));
    this.backedUp.push({ version, sessions });
  }

  // The devices that something encrypted was posted to since then.
  sealedFor(userId, since = 0) {
    const sealed = this.posted.slice(since).filter((one) => one.type === "m.room.encrypted");
    const devices = sealed.filter((one) => one.userId === userId).map((one) => one.deviceId);
    return [...new Set(devices)].sort();
  }
}

// One more device of somebody's, with keys. `cryptoCallbacks`: how it gets at what is secret.
export async function device(person, url, cryptoCallbacks = {}) {
  const user = { type: "m.id.user", user: person.name };
  const account = await createClient({ baseUrl: url }).loginRequest({
    type: "m.login.password",
    identifier: user,
    password: secretOf(person),
  });
  const wire = new Wire();
  const client = createClient({
    baseUrl: url,
    userId: account.user_id,
    accessToken: account.access_token,
    deviceId: account.device_id,
    fetchFn: wire.fetch,
    cryptoCallbacks,
  });
  await client.initRustCrypto({ useIndexedDB: false });
  const found = new Person(person.name, client);
  found.wire = wire;
  found.deviceId = account.device_id;
  found.crypto = client.getCrypto();
  await client.startClient({ initialSyncLimit: 20 });
  await found.sees("the first sync", () => client.isInitialSyncComplete());
  const keysAreThere = async () => (await counts(found))[NAME] > 0;
  await found.sees("its keys on the server", keysAreThere);
  return found;
}

export async function ask(person, method, path, body = undefined) {
  return person.client.http.authedRequest(method, path, {}, body);
}

async function counts(person) {
  return (await ask(person, "POST", "/keys/upload", {})).one_time_key_counts;
}

// What somebody is given for a device: { name, key }, or null.
export async function claim(person, other) {
  const { userId, deviceId } = other;
  const query = { one_time_keys: { [userId]: { [deviceId]: NAME } } };
  const { one_time_keys: keys } = await ask(person, "POST", "/keys/claim", query);
  const found = Object.entries(keys[userId]?.[deviceId] ?? {})[0];
  return found ? { name: found[0], key: found[1] } : null;
}

export async function meet(alice, bob) {
  const encryption = {
    type: "m.room.encryption",
    state_key: "",
    content: { algorithm: "m.megolm.v1.aes-sha2" },
  };
  const options = { preset: "private_chat", initial_state: [encryption], invite: [bob.userId] };
  const roomId = await alice.makes(options);
  await bob.sees("the invitation", () => bob.is(roomId, "invite"));
  await bob.joins(roomId);
  await alice.sees("Bob come", () => alice.knows(roomId, bob.userId, "join"));
  return roomId;
}

export function events(person, roomId) {
  return person.room(roomId)?.getLiveTimeline().getEvents() ?? [];
}

export function failures(person, roomId) {
  return events(person, roomId).filter((event) => event.isDecryptionFailure()).length;
}

export async function reads(person, roomId, ...bodies) {
  for (const body of bodies) {
    await person.sees(`"${body}"`, () => person.said(roomId).includes(body));
  }
}

// With a key of its own.
export async function saysAnew(person, roomId, body) {
  await person.crypto.forceDiscardSession(roomId);
  return person.says(roomId, body);
}

// That somebody knows so many devices of another's.
export async function knowsDevices(person, other, count) {
  const known = async () => {
    const devices = await person.crypto.getUserDeviceInfo([other.userId]);
    return devices.get(other.userId)?.size === count;
  };
  await person.sees(`${count} devices of ${other.name}`, known);
}

// What the password proves; `error` is what the server said to a request without.
export function proof(person, error, password = secretOf(person)) {
  const identifier = { type: "m.id.user", user: person.name };
  return { type: "m.login.password", password, identifier, session: error.data.session };
}

// Makes a request, and once more with the password if it takes that.
export function proving(person, asked = () => {}) {
  return async (request) => {
    try {
      return await request(null);
    } catch (error) {
      asked();
      return await request(proof(person, error));
    }
  };
}

// Publish new cross-signing keys; says how often it took the password.
export async function crossSign(person, isReset) {
  let proofs = 0;
  const prove = proving(person, () => (proofs += 1));
  const options = { authUploadDeviceSigningKeys: prove, setupNewCrossSigning: isReset };
  await person.crypto.bootstrapCrossSigning(options);
  return proofs;
}

// How somebody's devices get at secret storage: by what they have written down.
export class Note {
  words = null;

  callbacks = {
    getSecretStorageKey: async ({ keys }) => [Object.keys(keys)[0], decodeRecoveryKey(this.words)],
  };

  // A new storage, with the secrets of the device in it.
  async store(person, options = {}) {
    const createSecretStorageKey = async () => {
      const key = await person.crypto.createRecoveryKeyFromPassphrase();
      this.words = key.encodedPrivateKey;
      return key;
    };
    await person.crypto.bootstrapSecretStorage({ createSecretStorageKey, ...options });
  }
}

export async function isSigned(person, by = person) {
  const status = await by.crypto.getDeviceVerificationStatus(person.userId, person.deviceId);
  return status?.crossSigningVerified;
}

// Both look at the emoji, and say yes when they are the same. `incoming` is the other's request.
export async function compare(one, request, other, incoming) {
  await incoming.accept();
  await one.sees("that the other is ready", () => request.phase === VerificationPhase.Ready);
  const verifier = await request.startVerification("m.sas.v1");
  await other.sees("the start", () => incoming.verifier);
  const shown = [];
  const both = [verifier, incoming.verifier].map((each) => {
    each.on(VerifierEvent.ShowSas, (sas) => shown.push(sas));
    return each.verify();
  });
  await one.sees("the emoji of both", () => shown.length === 2);
  const [ours, theirs] = shown.map(({ sas }) => sas.emoji.map(([emoji]) => emoji));
  must(ours.length === 7, "there are not seven emoji");
  same(ours, theirs, "the emoji");
  await Promise.all([...shown.map((sas) => sas.confirm()), ...both]);
}
