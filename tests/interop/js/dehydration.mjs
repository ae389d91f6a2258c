// Alice leaves a dehydrated device behind, with the SDK's own Rust crypto, and logs out everywhere.
// What Bob writes meanwhile his client encrypts for that device alone. When she logs in anew, on
// the other worker, the key out of her secret storage opens it, and she reads what was written;
// another takes its place. Whoever begins anew with other cross-signing keys deletes it.

import { CryptoEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import { ask, claim, crossSign, device, failures, knowsDevices, meet } from "./encrypted.mjs";
import { Note, proving, reads, saysAnew } from "./encrypted.mjs";
import { dialogue, LONG, must, refused, same } from "./people.mjs";

const PREFIX = "/_matrix/client/unstable/org.matrix.msc3814.v1";
// More messages to the device than come at once.
const OTHERS = LONG ? 450 : 120;
const ROUNDS = 4;

const left = (person) =>
  person.client.http.authedRequest("GET", "/dehydrated_device", {}, undefined, { prefix: PREFIX });

// Its id, where there is one.
const leftBy = async (person) => (await left(person)).device_id;

async function setUp(alice, note) {
  await crossSign(alice, false);
  await note.store(alice);
  await alice.sees("that it is ready", () => alice.crypto.isSecretStorageReady());
}

// What Bob's client knows of the device: that Alice vouches for it, and what it is.
async function isKnown(bob, alice, deviceId) {
  const isSigned = async () => {
    const status = await bob.crypto.getDeviceVerificationStatus(alice.userId, deviceId);
    return status?.signedByOwner;
  };
  await bob.sees("that Alice has signed it", isSigned);
  const query = { device_keys: { [alice.userId]: [deviceId] } };
  const { device_keys: found } = await ask(bob, "POST", "/keys/query", query);
  same(found[alice.userId][deviceId].dehydrated, true, "what its keys say of it");
}

async function leave(alice, bob) {
  same(await alice.crypto.isDehydrationSupported(), true, "whether the server takes one");
  await refused(left(alice), "M_NOT_FOUND", "a device before the first");
  await alice.crypto.startDehydration();
  const first = await leftBy(alice);
  // Another takes its place.
  await alice.crypto.startDehydration();
  const deviceId = await leftBy(alice);
  must(deviceId !== first, "the first is still there");
  const { devices } = await alice.client.getDevices();
  const named = devices.filter((each) => each.display_name === "Dehydrated device");
  same(named.map((each) => each.device_id), [deviceId], "on the list of devices");
  await isKnown(bob, alice, deviceId);
  must(await claim(bob, { userId: alice.userId, deviceId }), "no key is handed out for it");
  return deviceId;
}

async function writeMeanwhile(alice, bob, roomId, deviceId) {
  await knowsDevices(bob, alice, 1);
  const before = bob.wire.posted.length;
  await saysAnew(bob, roomId, "while nobody was there 0");
  // Nothing for the device to understand, and yet it is to hear all of it.
  for (let at = 0; at < OTHERS; at++) {
    const messages = new Map([[alice.userId, new Map([[deviceId, { at }]])]]);
    await bob.client.sendToDevice("org.example.noise", messages);
  }
  for (let at = 1; at < ROUNDS; at++) await saysAnew(bob, roomId, `while nobody was there ${at}`);
  same(bob.wire.sealedFor(alice.userId, before), [deviceId], "whom the keys went to");
}

// All of what the SDK says of a rehydration.
function listen(person) {
  const heard = { keys: 0, messages: 0, failed: null };
  person.client.on(CryptoEvent.RehydrationProgress, (keys, messages) => {
    Object.assign(heard, { keys, messages });
  });
  person.client.on(CryptoEvent.RehydrationError, (message) => (heard.failed = message));
  return heard;
}

async function comeBack(aliceBare, roomId, url, note) {
  const alice = await device(aliceBare, url, note.callbacks);
  await alice.sees("the room", () => alice.is(roomId, "join"));
  await alice.sees("what it cannot read", () => failures(alice, roomId) >= ROUNDS);
  await alice.crypto.bootstrapCrossSigning({});
  await alice.sees("that it is ready", () => alice.crypto.isCrossSigningReady());
  const heard = listen(alice);
  await alice.crypto.startDehydration();
  same(heard, { keys: ROUNDS, messages: OTHERS + ROUNDS, failed: null }, "what the device heard");
  for (let at = 0; at < ROUNDS; at++) await reads(alice, roomId, `while nobody was there ${at}`);
  return alice;
}

async function goesOn(alice, bob, roomId, old) {
  const deviceId = await leftBy(alice);
  must(deviceId !== old, "the device that was used up is still there");
  await knowsDevices(bob, alice, 2);
  await isKnown(bob, alice, deviceId);
  const before = bob.wire.posted.length;
  await saysAnew(bob, roomId, "welcome back");
  await reads(alice, roomId, "welcome back");
  const both = [alice.deviceId, deviceId].sort();
  same(bob.wire.sealedFor(alice.userId, before), both, "whom the key went to");
}

async function beginAnew(alice, bob) {
  await alice.crypto.resetEncryption(proving(alice));
  // The SDK does not wait for that.
  const isGone = async () => (await left(alice).catch((error) => error.errcode)) === "M_NOT_FOUND";
  await alice.sees("that the device is gone that the old keys vouch for", isGone);
  await knowsDevices(bob, alice, 1);
}

dialogue("dehydration", async (aliceBare, bobBare, urlOfAlice, urlOfBob) => {
  const note = new Note();
  const alice = await device(aliceBare, urlOfAlice, note.callbacks);
  const bob = await device(bobBare, urlOfBob);
  const roomId = await meet(alice, bob);
  await setUp(alice, note);
  await knowsDevices(bob, alice, 1);
  const deviceId = await leave(alice, bob);
  for (const each of [alice, aliceBare]) await each.client.logout(true);
  await writeMeanwhile(alice, bob, roomId, deviceId);
  const anew = await comeBack(alice, roomId, urlOfBob, note);
  await goesOn(anew, bob, roomId, deviceId);
  await beginAnew(anew, bob);
});
