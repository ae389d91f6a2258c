// A room's members, whom a client loads only when it shows them: names, heroes, and who is ignored.

import { Filter } from "matrix-js-sdk";
import { dialogue, must, Person, same } from "./people.mjs";

// More than a summary names.
const QUIET = 6;

async function comeLate(alice, bob, roomId, quiet) {
  for (let at = 0; at < 25; at++) await alice.says(roomId, `line ${at}`);
  await bob.joins(roomId);
  // Not all have been loaded who said nothing in what Bob sees, and they count nevertheless.
  const room = bob.room(roomId);
  same(room.getJoinedMemberCount(), QUIET + 2, "how many there are");
  const loaded = quiet.filter((one) => room.currentState.getMember(one.userId));
  must(loaded.length < QUIET, "all are loaded");
  must(room.getMember(alice.userId).name === "Alice the Great", "who said all of it");
  await room.loadMembersIfNeeded();
  const joined = room.getJoinedMembers().map((member) => member.userId);
  same(joined.sort(), [alice, bob, ...quiet].map((one) => one.userId).sort(), "all of them");
}

async function areNamed(alice, bob, quiet) {
  // Without a name of its own a room is called by who is in it: the server says who.
  const invite = quiet.map((one) => one.userId);
  const roomId = await alice.makes({ preset: "trusted_private_chat", invite });
  for (const one of quiet) await one.joins(roomId);
  await alice.client.invite(roomId, bob.userId);
  await bob.joins(roomId);
  await bob.sees("the name", () => / and 6 others$/.test(bob.room(roomId).name));
  await quiet[0].client.setDisplayName("Quintus");
  const nameOf = (one) => alice.room(roomId).getMember(one.userId)?.name;
  await alice.sees("the new name", () => nameOf(quiet[0]) === "Quintus");
  for (const one of quiet) await one.leaves(roomId);
  await bob.sees("Alice alone", () => bob.room(roomId).name === "Alice the Great");
  same(bob.room(roomId).getJoinedMemberCount(), 2, "who is left");
}

async function areIgnored(alice, bob, roomId, quiet) {
  const [pest] = quiet;
  await bob.client.setIgnoredUsers([pest.userId]);
  await bob.sees("it", () => bob.client.getIgnoredUsers().includes(pest.userId));
  await pest.says(roomId, "Buy!");
  await alice.sees("the pest", () => alice.said(roomId).includes("Buy!"));
  await alice.says(roomId, "Shall I?");
  await bob.sees("the question", () => bob.said(roomId).includes("Shall I?"));
  must(!bob.said(roomId).includes("Buy!"), "Bob hears the pest");
  const filter = new Filter(bob.userId);
  filter.setDefinition({ room: { timeline: { types: ["m.room.message"] } } });
  const { chunk } = await bob.client.createMessagesRequest(roomId, null, 3, "b", filter);
  const bodies = chunk.map((event) => event.content.body);
  same(bodies, ["Shall I?", "line 24", "line 23"], "the history without the pest");
  await bob.client.setIgnoredUsers([]);
  await pest.says(roomId, "Please?");
  await bob.sees("the pest again", () => bob.said(roomId).includes("Please?"));
}

dialogue("members", async (alice, bob, urlOfAlice, urlOfBob) => {
  await alice.client.setDisplayName("Alice the Great");
  const names = Array.from({ length: QUIET }, (_, at) => `${alice.name}_quiet_${at}`);
  const quiet = await Promise.all(
    names.map((name, at) => Person.register(at % 2 ? urlOfAlice : urlOfBob, name)),
  );
  const roomId = await alice.makes({ preset: "public_chat", name: "A market" });
  for (const one of quiet) await one.joins(roomId);
  await comeLate(alice, bob, roomId, quiet);
  await areNamed(alice, bob, quiet);
  await areIgnored(alice, bob, roomId, quiet);
});
