// Bob knocks: he is let in, thinks better of it, is turned away, and is banned.

import { dialogue, refused, same } from "./people.mjs";

const rule = (join_rule) => ({ type: "m.room.join_rules", state_key: "", content: { join_rule } });

async function knock(alice, bob, roomId, reason) {
  await bob.client.knockRoom(roomId, { reason, viaServers: ["localhost"] });
  await alice.sees("Bob knock", () => alice.knows(roomId, bob.userId, "knock"));
  same(alice.room(roomId).getMember(bob.userId).events.member.getContent().reason, reason, "why");
  await bob.sees("his own knock", () => bob.is(roomId, "knock"));
}

async function isLetIn(alice, bob, roomId) {
  await refused(bob.client.joinRoom(roomId), "M_FORBIDDEN", "a join without asking");
  await knock(alice, bob, roomId, "It rains");
  // By the stripped state he knows what he waits for, and not who is inside.
  same(bob.room(roomId).name, "A house", "the name");
  same(bob.state(roomId, "m.room.join_rules"), { join_rule: "knock" }, "the rule");
  await refused(bob.client.joinRoom(roomId), "M_FORBIDDEN", "a join before the answer");
  await refused(bob.says(roomId, "Hello?"), "M_FORBIDDEN", "to speak through the door");
  await alice.client.invite(roomId, bob.userId, "Come in");
  await bob.sees("the invitation", () => bob.is(roomId, "invite"));
  await bob.joins(roomId);
  await alice.sees("Bob come in", () => alice.knows(roomId, bob.userId, "join"));
  await refused(bob.client.knockRoom(roomId, {}), "M_FORBIDDEN", "a knock from inside");
}

async function thinksBetterOfIt(alice, bob, roomId) {
  await bob.leaves(roomId);
  await alice.sees("Bob go", () => alice.knows(roomId, bob.userId, "leave"));
  await knock(alice, bob, roomId, "I forgot my hat");
  await bob.leaves(roomId);
  await alice.sees("no knock any more", () => alice.knows(roomId, bob.userId, "leave"));
}

async function isTurnedAway(alice, bob, roomId) {
  await knock(alice, bob, roomId, "Me again");
  await alice.client.kick(roomId, bob.userId, "It is late");
  await bob.sees("the refusal", () => bob.is(roomId, "leave"));
  await knock(alice, bob, roomId, "And again");
  await alice.client.ban(roomId, bob.userId, "Enough");
  await bob.sees("the ban", () => bob.is(roomId, "ban"));
  await refused(bob.client.knockRoom(roomId, {}), "M_FORBIDDEN", "a knock of who is banned");
}

dialogue("knocking", async (alice, bob) => {
  const closed = await alice.makes({ preset: "private_chat" });
  await refused(bob.client.knockRoom(closed, {}), "M_FORBIDDEN", "a knock where none is heard");
  const roomId = await alice.makes({ name: "A house", initial_state: [rule("knock")] });
  await alice.sees("the room", () => alice.is(roomId, "join"));
  await isLetIn(alice, bob, roomId);
  await thinksBetterOfIt(alice, bob, roomId);
  await isTurnedAway(alice, bob, roomId);
});
