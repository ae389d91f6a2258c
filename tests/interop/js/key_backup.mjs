// Alice keeps her message keys on the server, with the SDK's own Rust crypto, and her secrets
// beside them in secret storage. What she could not read on a new device she reads once it has the
// key of the backup: out of secret storage, or from her first device after both compared emoji. The
// backup grows by what is new, is replaced by another version, and is deleted, and her devices
// notice.

import { CryptoEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import { ask, compare, crossSign, device, failures, isSigned } from "./encrypted.mjs";
import { knowsDevices, meet, Note, reads, saysAnew } from "./encrypted.mjs";
import { dialogue, must, refused, same } from "./people.mjs";

// The SDK waits up to ten seconds, by chance, before it uploads keys.
const { random } = Math;
Math.random = () => random() / 100;

const current = (person) => ask(person, "GET", "/room_keys/version");

// That the current backup has so many keys; returns what it is.
async function holds(person, count, version) {
  let found = null;
  await person.sees(`${count} keys in the backup`, async () => {
    found = await current(person);
    return found.count === count && (version === undefined || found.version === version);
  });
  return found;
}

async function begin(alice, note) {
  const none = current(alice);
  await refused(none, "M_NOT_FOUND", "a backup before the first");
  same(await crossSign(alice, false), 0, "proofs for the first keys");
  await note.store(alice, { setupNewKeyBackup: true });
  const isActive = async () => (await alice.crypto.getActiveSessionBackupVersion()) !== null;
  await alice.sees("that its keys are backed up", isActive);
  const { publicKeysOnDevice, privateKeysInSecretStorage } =
    await alice.crypto.getCrossSigningStatus();
  must(publicKeysOnDevice && privateKeysInSecretStorage, "the secrets are not stored");
}

// Each with a key of its own; the backup grows by that.
async function grow(alice, bob, roomId) {
  await saysAnew(alice, roomId, "one");
  await saysAnew(bob, roomId, "two");
  await reads(alice, roomId, "two");
  const before = await holds(alice, 2);
  same((await current(alice)).etag, before.etag, "the etag when nothing has changed");
  const uploads = alice.wire.backedUp.length;
  await saysAnew(alice, roomId, "three");
  const { etag } = await holds(alice, 3);
  must(etag !== before.etag, "the etag stays when keys come");
  await alice.sees("its upload", () => alice.wire.backedUp.length > uploads);
  const sizes = alice.wire.backedUp.slice(uploads).map(({ sessions }) => sessions.length);
  same(sizes, [1], "how many keys it uploads when one is new");
}

async function cannotRead(person, roomId, count) {
  await person.sees("the room", () => person.is(roomId, "join"));
  await person.sees("what it cannot read", () => failures(person, roomId) === count);
}

// By what is in secret storage; the whole backup at once.
async function restore(alice, roomId, url, note) {
  const other = await device(alice, url, note.callbacks);
  await cannotRead(other, roomId, 3);
  await other.crypto.bootstrapCrossSigning({});
  await alice.sees("the new device signed", () => isSigned(other, alice));
  await other.crypto.loadSessionBackupPrivateKeyFromSecretStorage();
  same(await other.crypto.restoreKeyBackup(), { total: 3, imported: 3 }, "the keys restored");
  await reads(other, roomId, "one", "two", "three");
  same(failures(other, roomId), 0, "what cannot be read");
  await other.crypto.checkKeyBackupAndEnable();
  return other;
}

// The first device hands the secrets over; each key is fetched when it is needed.
async function verify(alice, roomId, url) {
  const other = await device(alice, url);
  await cannotRead(other, roomId, 3);
  // From a device that it does not know, a client takes no request.
  for (const each of [alice, other]) await knowsDevices(each, alice, 3);
  let incoming = null;
  alice.client.once(CryptoEvent.VerificationRequestReceived, (request) => (incoming = request));
  const request = await other.crypto.requestOwnUserVerification();
  await alice.sees("the request", () => incoming);
  await compare(other, request, alice, incoming);
  await alice.sees("the new device signed", () => isSigned(other, alice));
  await reads(other, roomId, "one", "two", "three");
  const hasSecrets = async () => {
    const { privateKeysCachedLocally: secrets } = await other.crypto.getCrossSigningStatus();
    return secrets.masterKey && secrets.selfSigningKey && secrets.userSigningKey;
  };
  await other.sees("the private keys", hasSecrets);
  await other.client.logout(true);
}

function failed(person) {
  return new Promise((resolve) => person.client.once(CryptoEvent.KeyBackupFailed, resolve));
}

// A device that knows nothing of a newer version learns it when it uploads, and uploads all again.
async function renew(alice, other, bob, roomId) {
  const { algorithm, auth_data: authData, version: old } = await current(alice);
  const body = { algorithm, auth_data: authData };
  const { version } = await ask(alice, "POST", "/room_keys/version", body);
  must(Number(version) > Number(old), `version ${version} after ${old}`);
  const errors = [failed(alice), failed(other)];
  await saysAnew(bob, roomId, "four");
  const codes = await Promise.all(errors);
  same(codes, Array(2).fill("M_WRONG_ROOM_KEYS_VERSION"), "what is said of the old version");
  await holds(alice, 4, version);
  for (const each of [alice, other]) {
    await uses(each, version);
    const done = () => each.wire.backedUp.filter((upload) => upload.version === version);
    const count = () => new Set(done().flatMap((upload) => upload.sessions)).size;
    await each.sees("that it has uploaded all keys", () => count() === 4);
  }
  same((await ask(alice, "GET", `/room_keys/version/${old}`)).count, 3, "keys of the old version");
}

async function uses(person, version) {
  const isSo = async () => (await person.crypto.getActiveSessionBackupVersion()) === version;
  await person.sees(`backup ${version} in use`, isSo);
}

// The SDK deletes all versions and makes a new one, with another key.
async function reset(alice, other, bob, roomId, url, note) {
  const { version: old, auth_data: oldData } = await current(alice);
  const error = failed(other);
  await alice.crypto.resetKeyBackup();
  const { version, auth_data: data } = await holds(alice, 4);
  must(Number(version) > Number(old), `version ${version} after ${old}`);
  must(data.public_key !== oldData.public_key, "the key of the backup stays");
  const gone = ask(alice, "GET", `/room_keys/version/${old}`);
  await refused(gone, "M_NOT_FOUND", "a version that is deleted");
  await saysAnew(bob, roomId, "five");
  same(await error, "M_NOT_FOUND", "what is said of the deleted version");
  await uses(other, version);
  await holds(alice, 5, version);

  const last = await device(alice, url, note.callbacks);
  await cannotRead(last, roomId, 5);
  await last.crypto.loadSessionBackupPrivateKeyFromSecretStorage();
  same(await last.crypto.restoreKeyBackup(), { total: 5, imported: 5 }, "the keys restored");
  await reads(last, roomId, "one", "two", "three", "four", "five");
  return last;
}

async function end(alice, other, last, bob, roomId) {
  const { version } = await current(alice);
  const error = failed(other);
  await alice.crypto.deleteKeyBackupVersion(version);
  await refused(current(alice), "M_NOT_FOUND", "the backup that is deleted");
  await saysAnew(bob, roomId, "six");
  same(await error, "M_NOT_FOUND", "what is said of the deleted version");
  await uses(other, null);
  const restored = await last.crypto.restoreKeyBackup().catch((found) => found);
  must(restored instanceof Error, "a deleted backup can be restored");
}

dialogue("key_backup", async (aliceBare, bobBare, urlOfAlice, urlOfBob) => {
  const note = new Note();
  const alice = await device(aliceBare, urlOfAlice, note.callbacks);
  const bob = await device(bobBare, urlOfBob);
  const roomId = await meet(alice, bob);
  await begin(alice, note);
  await grow(alice, bob, roomId);
  const other = await restore(alice, roomId, urlOfBob, note);
  await verify(alice, roomId, urlOfBob);
  await renew(alice, other, bob, roomId);
  const last = await reset(alice, other, bob, roomId, urlOfBob, note);
  await end(alice, other, last, bob, roomId);
});
