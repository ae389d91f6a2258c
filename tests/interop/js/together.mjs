// Two with matrix-js-sdk and two with matrix-nio (../with_nio/together.py) in one encrypted room,
// which Alice of those makes.

import { claim, device, failures, reads } from "./encrypted.mjs";
import { dialogue, must, same } from "./people.mjs";

// The name of the key that would be given out next tells nothing; that one is given out does.
const isSupplied = async (person, other) => !(await claim(person, other)).key.fallback;

function invitation(person) {
  const isInvite = (room) => room.getMyMembership() === "invite";
  return person.client.getRooms().find(isInvite)?.roomId;
}

async function oneMore(alice, bob, roomId, url) {
  const other = await device(bob, url);
  await other.sees("the room", () => other.is(roomId, "join"));
  must(await isSupplied(alice, other), "it has no one-time keys");
  // What it finds used up it does not fill up before it was written to.
  other.wire.holds = "/keys/upload";
  await bob.says(roomId, `New: ${other.deviceId}`);
  await reads(other, roomId, "For the new device, too");
  await bob.says(roomId, "The new device has read it");
  other.wire.holds = null;
  await alice.sees("new one-time keys", () => isSupplied(alice, other));
}

dialogue("together", async (aliceBare, bobBare, urlOfAlice, urlOfBob) => {
  const alice = await device(aliceBare, urlOfAlice);
  const bob = await device(bobBare, urlOfBob);
  for (const person of [alice, bob]) {
    await person.sees("the invitation", () => invitation(person));
  }
  const roomId = invitation(alice);
  same(invitation(bob), roomId, "the room");
  for (const person of [alice, bob]) await person.joins(roomId);
  await reads(alice, roomId, "All are here");
  await alice.says(roomId, "Alice with matrix-js-sdk");
  await bob.says(roomId, "Bob with matrix-js-sdk");
  const all = ["All are here", "Bob with matrix-nio", "Alice with matrix-js-sdk"];
  for (const person of [alice, bob]) {
    await reads(person, roomId, ...all, "Bob with matrix-js-sdk");
    same(failures(person, roomId), 0, "what cannot be read");
  }
  await oneMore(alice, bob, roomId, urlOfAlice);
});
