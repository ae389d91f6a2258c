// Bob finds Alice's room in the directory, looks into it without joining, and follows it so.

import { dialogue, must, refused, same } from "./people.mjs";

const visible = (history_visibility) => ({ history_visibility });

async function findIt(alice, bob, roomId, name) {
  const search = { limit: 10, filter: { generic_search_term: name.toUpperCase() } };
  same((await bob.client.publicRooms(search)).chunk, [], "before it is published");
  await alice.client.setRoomDirectoryVisibility(roomId, "public");
  const { chunk } = await bob.client.publicRooms(search);
  same(chunk.map((room) => room.room_id), [roomId], "what is found");
  const [{ canonical_alias: alias, world_readable: isReadable, num_joined_members: count }] = chunk;
  same([isReadable, count], [true, 1], "what is told of it");
  same((await bob.client.getRoomIdForAlias(alias)).room_id, roomId, "where the alias leads");
  const summary = await bob.client.getRoomSummary(roomId);
  same([summary.name, summary.membership ?? "leave"], [name, "leave"], "the summary");
}

async function lookIn(alice, bob, roomId, name) {
  await alice.says(roomId, "before Bob looked");
  const room = await bob.client.peekInRoom(roomId);
  same([room.name, room.getMyMembership()], [name, "leave"], "what Bob looks into");
  must(room.getLiveTimeline().getEvents().length > 0, "it is empty");
  const hears = () =>
    room
      .getLiveTimeline()
      .getEvents()
      .some((event) => event.getContent().body === "while Bob looks");
  await alice.says(roomId, "while Bob looks");
  await bob.sees("what is said", hears);
  await refused(bob.says(roomId, "Me too!"), "M_FORBIDDEN", "to speak from outside");
  bob.client.stopPeeking();
}

async function isShut(alice, bob, roomId) {
  await alice.client.sendStateEvent(roomId, "m.room.history_visibility", visible("joined"), "");
  await refused(bob.client.roomInitialSync(roomId, 10), "M_FORBIDDEN", "to look in any longer");
  await alice.says(roomId, "among ourselves");
  await bob.joins(roomId);
  await alice.says(roomId, "welcome");
  await bob.sees("the welcome", () => bob.said(roomId).includes("welcome"));
  must(!bob.said(roomId).includes("among ourselves"), "Bob hears what was said without him");
}

dialogue("peeking", async (alice, bob) => {
  const name = `Window of ${alice.name}`;
  const roomId = await alice.makes({
    name,
    preset: "public_chat",
    visibility: "private",
    room_alias_name: `window_of_${alice.name}`,
    initial_state: [
      { type: "m.room.history_visibility", state_key: "", content: visible("world_readable") },
    ],
  });
  await findIt(alice, bob, roomId, name);
  await lookIn(alice, bob, roomId, name);
  await isShut(alice, bob, roomId);
});
