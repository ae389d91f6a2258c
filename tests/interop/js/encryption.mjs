// Alice and Bob write to each other in an encrypted room, with the SDK's own Rust crypto: real
// keys, claimed and used. Bob comes with one more device, which reads what is said from then on;
// when its one-time keys are used up, the fallback key serves; once it is gone it gets no more
// keys. They cross-sign their devices and verify each other by comparing emoji, until Alice
// replaces her keys.

import { CryptoEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import { claim, compare, crossSign, device, events, failures } from "./encrypted.mjs";
import { isSigned, knowsDevices, meet, reads } from "./encrypted.mjs";
import { dialogue, LONG, must, same } from "./people.mjs";

const MANY = LONG ? 100 : 8;
// More than a device has one-time keys for.
const CLAIMS = 120;

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
  must(
    events(alice, roomId).some((event) => event.getWireType() === "m.room.encrypted"),
    "nothing was encrypted",
  );
}

async function oneMoreDevice(alice, bob, roomId, url) {
  const other = await device(bob, url);
  await other.sees("the room", () => other.is(roomId, "join"));
  await knowsDevices(alice, bob, 2);
  // What it finds used up it does not fill up before Alice has written to it.
  other.wire.holds = "/keys/upload";
  await useUp(alice, other);
  await alice.says(roomId, "for both of you");
  await reads(bob, roomId, "for both of you");
  await reads(other, roomId, "for both of you");
  const before = () => failures(other, roomId) === Math.min(2 * MANY, 20);
  await other.sees("that it cannot read what was said before", before);
  must(!other.said(roomId).includes("from Alice 0"), "what was said before can be read");
  other.wire.holds = null;
  await alice.sees("new one-time keys", async () => !(await claim(alice, other)).key.fallback);
  await other.client.logout(true);
  await knowsDevices(alice, bob, 1);
  await alice.says(roomId, "for one of you");
  await reads(bob, roomId, "for one of you");
}

// Somebody claims all one-time keys: the fallback key is left, however often it is claimed.
async function useUp(alice, other) {
  const names = new Set();
  for (let at = 0; at < CLAIMS; at++) {
    const { name, key } = await claim(alice, other);
    if (key.fallback) {
      same((await claim(alice, other)).name, name, "the fallback key the second time");
      return;
    }
    must(!names.has(name), `${name} was handed out twice`);
    names.add(name);
  }
  throw new Error("there is no fallback key");
}

async function isVerified(one, other) {
  const status = await one.crypto.getUserVerificationStatus(other.userId);
  return status.isCrossSigningVerified();
}

async function verify(alice, bob, roomId) {
  const seesKey = (one, other) => async () =>
    one.crypto.userHasCrossSigningKeys(other.userId, true);
  await alice.sees("Bob's master key", seesKey(alice, bob));
  await bob.sees("Alice's master key", seesKey(bob, alice));
  let incoming = null;
  bob.client.on(CryptoEvent.VerificationRequestReceived, (request) => (incoming = request));
  const request = await alice.crypto.requestVerificationDM(bob.userId, roomId);
  await bob.sees("the request", () => incoming);
  await compare(alice, request, bob, incoming);
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
