// Bob deletes devices of his, with the SDK's own Rust crypto on all sides: only with his password;
// then they are nobody's any more, and what Alice writes is for the others only, under another key.
// She keeps her keys from devices that nobody vouches for, and sends a bundle of keys: whatever
// devices send each other arrives once, in order and as it was.

import { isDeepStrictEqual } from "node:util";
import { ClientEvent, HttpApiEvent } from "matrix-js-sdk";
import { DecryptionFailureCode } from "matrix-js-sdk/lib/crypto-api/index.js";
import { ask, claim, device, events, knowsDevices, meet } from "./encrypted.mjs";
import { proof, reads, saysAnew } from "./encrypted.mjs";
import { dialogue, must, refused, same } from "./people.mjs";

// So much less than the SDK's poll of 30 s that the poll was ended.
const SOON_MS = 10_000;

const ids = (...devices) => devices.map((each) => each.deviceId).sort();

const sessionOf = (person, roomId, body) =>
  events(person, roomId)
    .find((event) => event.getContent().body === body)
    .getWireContent().session_id;

async function unauthorized(promise) {
  const error = await promise.then(
    () => null,
    (found) => found,
  );
  must(error?.httpStatus === 401 && error.data.session, `${error} instead of a question`);
  return error;
}

// Whether others find a device and get keys for it: before it is deleted, and not after.
async function isThere(alice, gone, isSo) {
  const { userId, deviceId } = gone;
  const query = { device_keys: { [userId]: [] } };
  const { device_keys: found } = await ask(alice, "POST", "/keys/query", query);
  same(deviceId in found[userId], isSo, "whether others find it");
  same((await claim(alice, gone)) !== null, isSo, "whether others get keys for it");
}

async function deleteOne(bob, gone) {
  const { deviceId } = gone;
  const asked = await unauthorized(bob.client.deleteDevice(deviceId));
  const wrong = bob.client.deleteDevice(deviceId, proof(bob, asked, "a guess"));
  must((await unauthorized(wrong)).data.errcode === "M_FORBIDDEN", "a guess will do");
  await gone.client.whoami();
  let isOut = false;
  gone.client.once(HttpApiEvent.SessionLoggedOut, () => (isOut = true));
  await bob.client.deleteDevice(deviceId, proof(bob, asked));
  await gone.sees("that it is logged out", () => isOut, SOON_MS);
  await refused(gone.client.whoami(), "M_UNKNOWN_TOKEN", "the device that is deleted");
}

async function deleteMany(bob, gone) {
  const named = ids(...gone);
  const asked = await unauthorized(bob.client.deleteMultipleDevices(named));
  await bob.client.deleteMultipleDevices(named, proof(bob, asked));
  for (const each of gone) await refused(each.client.whoami(), "M_UNKNOWN_TOKEN", "its token");
  const { devices } = await bob.client.getDevices();
  must(!devices.some((each) => named.includes(each.device_id)), "they are still on the list");
}

// Alice writes; to which of Bob's devices the key went.
async function keyFor(alice, bob, roomId, body) {
  const before = alice.wire.posted.length;
  await alice.says(roomId, body);
  await reads(bob, roomId, body);
  return alice.wire.sealedFor(bob.userId, before);
}

async function part(alice, bob, others, roomId) {
  const [first, ...rest] = others;
  await knowsDevices(alice, bob, 4);
  same(await keyFor(alice, bob, roomId, "for four"), ids(bob, ...others), "who gets the key");
  for (const each of others) await reads(each, roomId, "for four");
  await isThere(alice, first, true);
  await deleteOne(bob, first);
  await isThere(alice, first, false);
  await knowsDevices(alice, bob, 3);
  same(await keyFor(alice, bob, roomId, "for three"), ids(bob, ...rest), "who gets the new key");
  const [old, other] = ["for four", "for three"].map((body) => sessionOf(alice, roomId, body));
  must(old !== other, "the key that the deleted device has is still in use");
  await deleteMany(bob, rest);
  await knowsDevices(alice, bob, 1);
  same(await keyFor(alice, bob, roomId, "for one"), ids(bob), "who gets the new key");
  // To nobody, and so lost.
  const content = { to: "nobody" };
  const messages = new Map([[first.userId, new Map([[first.deviceId, content]])]]);
  await alice.client.sendToDevice("org.example.lost", messages);
}

// Only devices that their user has signed get keys; the others are told so.
async function withhold(alice, bob, roomId) {
  alice.crypto.globalBlacklistUnverifiedDevices = true;
  await saysAnew(alice, roomId, "for nobody");
  const reason = DecryptionFailureCode.MEGOLM_KEY_WITHHELD_FOR_UNVERIFIED_DEVICE;
  const isTold = () =>
    events(bob, roomId).some((event) => event.decryptionFailureReason === reason);
  await bob.sees("why it cannot read", isTold);
  alice.crypto.globalBlacklistUnverifiedDevices = false;
  await saysAnew(alice, roomId, "for Bob again");
  await reads(bob, roomId, "for Bob again");
}

// C-S API, "Sharing keys between users": the bundle itself is a file; this is the word of it.
async function share(alice, bob, roomId) {
  const file = {
    v: "v2",
    url: "mxc://localhost/bundle",
    key: { alg: "A256CTR", ext: true, key_ops: ["encrypt", "decrypt"], kty: "oct", k: "-_8" },
    iv: "AAAA",
    hashes: { sha256: "BBBB" },
  };
  const content = { room_id: roomId, file };
  const got = [];
  bob.client.on(ClientEvent.ToDeviceEvent, (event) => got.push(event));
  const devices = [{ userId: bob.userId, deviceId: bob.deviceId }];
  const batch = await alice.crypto.encryptToDeviceMessages("m.room_key_bundle", devices, content);
  await alice.client.queueToDevice(batch);
  const isBundle = (event) => event.getType() === "m.room_key_bundle";
  await bob.sees("the bundle", () => got.some(isBundle));
  must(isDeepStrictEqual(got.find(isBundle).getContent(), content), "the bundle is changed");
}

// All that Alice's device has sent to Bob's.
async function untouched(alice, bob) {
  const sent = alice.wire.posted
    .filter((one) => one.deviceId === bob.deviceId)
    .map(({ type, content }) => ({ content, sender: alice.userId, type }));
  const isFrom = (one) => one.sender === alice.userId;
  const came = () => bob.wire.came.filter(isFrom);
  await bob.sees("all that was sent to it", () => came().length >= sent.length);
  must(isDeepStrictEqual(came(), sent), "what was sent to it is changed, doubled or moved");
  const types = new Set(sent.map((one) => one.type));
  same([...types].sort(), ["m.room.encrypted", "m.room_key.withheld"], "the kinds of it");
}

dialogue("devices", async (aliceBare, bobBare, urlOfAlice, urlOfBob) => {
  const alice = await device(aliceBare, urlOfAlice);
  const bob = await device(bobBare, urlOfBob);
  const roomId = await meet(alice, bob);
  const others = [];
  for (const url of [urlOfAlice, urlOfBob, urlOfBob]) others.push(await device(bob, url));
  await part(alice, bob, others, roomId);
  await withhold(alice, bob, roomId);
  await share(alice, bob, roomId);
  await untouched(alice, bob);
});
