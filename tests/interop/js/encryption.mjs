// Alice and Bob write to each other in an encrypted room, with the SDK's own Rust crypto: real keys,
// claimed and used. Bob comes with one more device, which reads what is said from then on; when its
// one-time keys are used up, the fallback key serves; once it is gone it gets no more keys. They
// cross-sign their devices and verify each other by comparing emoji, until Alice replaces her keys.

import { createClient } from "matrix-js-sdk";
import { CryptoEvent, VerificationPhase, VerifierEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import { dialogue, LONG, must, Person, same } from "./people.mjs";

const MANY = LONG ? 100 : 8;
// More than a device has one-time keys for.
const CLAIMS = 60;
const NAME = "signed_curve25519";

const secretOf = (person) => `secret of ${person.name}`;

// One more device of somebody's, with keys.
async function device(person, url) {
  const user = { type: "m.id.user", user: person.name };
  const account = await createClient({ baseUrl: url }).loginRequest({
    type: "m.login.password",
    identifier: user,
    password: secretOf(person),
  });
  const client = createClient({
    baseUrl: url,
    userId: account.user_id,
    accessToken: account.access_token,
    deviceId: account.device_id,
  });
  await client.initRustCrypto({ useIndexedDB: false });
  const found = new Person(person.name, client);
  await client.startClient({ initialSyncLimit: 20 });
  await found.sees("the first sync", () => client.isInitialSyncComplete());
  const keysAreThere = async () => (await counts(found))[NAME] > 0;
  await found.sees("its keys on the server", keysAreThere);
  return found;
}

async function post(person, path, body) {
  return person.client.http.authedRequest("POST", path, {}, body);
}

async function counts(person) {
  return (await post(person, "/keys/upload", {})).one_time_key_counts;
}

function failures(person, roomId) {
  const events = person.room(roomId).getLiveTimeline().getEvents();
  return events.filter((event) => event.isDecryptionFailure()).length;
}

async function reads(person, roomId, body) {
  await person.sees(`"${body}"`, () => person.said(roomId).includes(body));
}

async function meet(alice, bob) {
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

async function talk(alice, bob, roomId) {
  for (let at = 0; at < MANY; at++) {
    await alice.says(roomId, `from Alice ${at}`);
    await bob.says(roomId, `from Bob ${at}`);
  }
  for (let at = 0; at < MANY; at++) {
    await reads(bob, roomId, `from Alice ${at}`);
    await reads(alice, roomId, `from Bob ${at}`);
  }
  same([failures(alice, roomId), failures(bob, roomId)], [0, 0], "what cannot be read");
  const sent = alice.room(roomId).getLiveTimeline().getEvents();
  must(
    sent.some((event) => event.getWireType() === "m.room.encrypted"),
    "nothing was encrypted",
  );
}

async function oneMoreDevice(alice, bob, roomId, url) {
  const other = await device(bob, url);
  await other.sees("the room", () => other.is(roomId, "join"));
  const known = async (count) => {
    const devices = await alice.client.getCrypto().getUserDeviceInfo([bob.userId]);
    return devices.get(bob.userId).size === count;
  };
  await alice.sees("Bob's new device", () => known(2));
  await useUp(alice, other);
  await alice.says(roomId, "for both of you");
  await reads(bob, roomId, "for both of you");
  await reads(other, roomId, "for both of you");
  must(!other.said(roomId).includes("from Alice 0"), "what was said before can be read");
  await other.client.logout(true);
  await alice.sees("the device go", () => known(1));
  await alice.says(roomId, "for one of you");
  await reads(bob, roomId, "for one of you");
}

// Somebody claims all one-time keys: the fallback key is left.
async function useUp(alice, other) {
  const deviceId = other.client.getDeviceId();
  const claim = { one_time_keys: { [other.userId]: { [deviceId]: NAME } } };
  const names = new Set();
  for (let at = 0; at < CLAIMS; at++) {
    const { one_time_keys: keys } = await post(alice, "/keys/claim", claim);
    const [[name, key]] = Object.entries(keys[other.userId][deviceId]);
    must(key.fallback || !names.has(name), `${name} was handed out twice`);
    names.add(name);
  }
}

// Publish new cross-signing keys; says how often it took the password.
async function crossSign(person, isReset) {
  let proofs = 0;
  const prove = async (request) => {
    try {
      return await request(null);
    } catch (error) {
      proofs += 1;
      const proof = { type: "m.login.password", password: secretOf(person) };
      const identifier = { type: "m.id.user", user: person.name };
      return await request({ ...proof, identifier, session: error.data.session });
    }
  };
  const crypto = person.client.getCrypto();
  const options = { authUploadDeviceSigningKeys: prove, setupNewCrossSigning: isReset };
  await crypto.bootstrapCrossSigning(options);
  return proofs;
}

async function isSigned(person) {
  const [user, own] = [person.userId, person.client.getDeviceId()];
  const status = await person.client.getCrypto().getDeviceVerificationStatus(user, own);
  return status?.crossSigningVerified;
}

async function isVerified(one, other) {
  const status = await one.client.getCrypto().getUserVerificationStatus(other.userId);
  return status.isCrossSigningVerified();
}

async function compare(verifier) {
  verifier.on(VerifierEvent.ShowSas, (sas) => void sas.confirm());
  await verifier.verify();
}

async function verify(alice, bob, roomId) {
  const seesKey = (one, other) => async () =>
    one.client.getCrypto().userHasCrossSigningKeys(other.userId, true);
  await alice.sees("Bob's master key", seesKey(alice, bob));
  await bob.sees("Alice's master key", seesKey(bob, alice));
  let incoming = null;
  bob.client.on(CryptoEvent.VerificationRequestReceived, (request) => (incoming = request));
  const request = await alice.client.getCrypto().requestVerificationDM(bob.userId, roomId);
  await bob.sees("the request", () => incoming);
  await incoming.accept();
  await alice.sees("that Bob is ready", () => request.phase === VerificationPhase.Ready);
  const verifier = await request.startVerification("m.sas.v1");
  await bob.sees("the start", () => incoming.verifier);
  await Promise.all([compare(verifier), compare(incoming.verifier)]);
  await alice.sees("Bob verified", () => isVerified(alice, bob));
  await bob.sees("Alice verified", () => isVerified(bob, alice));
}

dialogue("encryption", async (aliceBare, bobBare, urlOfAlice, urlOfBob) => {
  const alice = await device(aliceBare, urlOfAlice);
  const bob = await device(bobBare, urlOfBob);
  const roomId = await meet(alice, bob);
  await talk(alice, bob, roomId);
  await oneMoreDevice(alice, bob, roomId, urlOfAlice);
  for (const person of [alice, bob]) {
    same(await crossSign(person, false), 0, "proofs for the first keys");
    await person.sees("its device signed", () => isSigned(person));
  }
  await verify(alice, bob, roomId);
  same(await crossSign(alice, true), 1, "proofs for other keys");
  await bob.sees("that Alice has other keys", async () => !(await isVerified(bob, alice)));
});
