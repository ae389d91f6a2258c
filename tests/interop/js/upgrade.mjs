// Alice replaces her room by one of another version; Bob finds the way.

import { dialogue, must, refused, same } from "./people.mjs";

const POWERS = { events_default: 0, state_default: 50, events: { "m.room.name": 20 } };

const aliasOf = (alice) => `#inn_of_${alice.name}:localhost`;

async function build(alice, bob) {
  const roomId = await alice.makes({
    name: "An inn",
    topic: "Beds and bread",
    preset: "public_chat",
    room_version: "10",
    room_alias_name: `inn_of_${alice.name}`,
    power_level_content_override: POWERS,
    initial_state: [{ type: "org.example.colour", state_key: "", content: { wall: "red" } }],
  });
  await bob.joins(roomId);
  await alice.client.ban(roomId, "@thief:localhost", "spoons");
  await alice.client.setPowerLevel(roomId, bob.userId, 20);
  await bob.sees("his power", () => bob.room(roomId).getMember(bob.userId).powerLevel === 20);
  await bob.says(roomId, "A good inn");
  return roomId;
}

async function follow(alice, bob, old) {
  await refused(bob.client.upgradeRoom(old, "12"), "M_FORBIDDEN", "an upgrade by Bob");
  const unknown = alice.client.upgradeRoom(old, "of tomorrow");
  await refused(unknown, "M_UNSUPPORTED_ROOM_VERSION", "a version that there is not");
  const { replacement_room: next } = await alice.client.upgradeRoom(old, "11");
  await bob.sees("the sign at the door", () => {
    return bob.state(old, "m.room.tombstone")?.replacement_room === next;
  });
  await refused(bob.says(old, "Anybody?"), "M_FORBIDDEN", "to speak in the old room");
  const { room_id: byAlias } = await bob.client.getRoomIdForAlias(aliasOf(alice));
  same(byAlias, next, "the alias");
  await bob.joins(next);
  await bob.sees("the alias there", () => bob.room(next).getCanonicalAlias() === aliasOf(alice));
  return next;
}

async function lookAround(alice, bob, old, next) {
  const room = bob.room(next);
  same([room.name, room.getVersion()], ["An inn", "11"], "what it is");
  same(bob.state(next, "m.room.topic").topic, "Beds and bread", "the topic");
  same(bob.state(next, "m.room.join_rules").join_rule, "public", "the rule");
  same(bob.state(next, "m.room.member", "@thief:localhost")?.membership, "ban", "the thief");
  same(room.getMember(bob.userId).powerLevel, 20, "Bob's power");
  same(room.findPredecessor().roomId, old, "where it comes from");
  const chain = bob.client.getRoomUpgradeHistory(old, true).map((one) => one.roomId);
  same(chain, [old, next], "the chain of rooms");
  await bob.says(next, "A better inn");
  await alice.sees("Bob there", () => alice.said(next).includes("A better inn"));
  must(bob.said(old).includes("A good inn"), "the old room is not to be read any more");
}

async function toTheNewest(alice, bob, room) {
  // In version 12 who made the room stands above all, and its id is that of its first event.
  const { replacement_room: next } = await alice.client.upgradeRoom(room, "12");
  await bob.joins(next);
  same([bob.room(next).name, bob.room(next).getVersion()], ["An inn", "12"], "what it is");
  must(!next.includes(":"), `the id names a server: ${next}`);
  must(!(alice.userId in bob.state(next, "m.room.power_levels").users), "who made it has a level");
  await bob.client.setRoomName(next, "Bob's inn");
  await alice.sees("the name", () => alice.room(next).name === "Bob's inn");
}

dialogue("upgrade", async (alice, bob) => {
  const old = await build(alice, bob);
  const next = await follow(alice, bob, old);
  await lookAround(alice, bob, old, next);
  await toTheNewest(alice, bob, next);
});
