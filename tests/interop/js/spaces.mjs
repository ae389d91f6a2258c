// Alice arranges rooms in a space; Bob looks through it, page by page.

import { RoomHierarchy } from "matrix-js-sdk/lib/room-hierarchy.js";
import { dialogue, LONG, must, refused, same } from "./people.mjs";

const CHILDREN_MANY = LONG ? 60 : 6;
const SPACE = { creation_content: { type: "m.space" } };
const via = ["localhost"];

const put = (alice, parent, child, content = {}) =>
  alice.client.sendStateEvent(parent, "m.space.child", { via, ...content }, child);

async function walk(person, root, { page = 2, depth, suggested = false } = {}) {
  const hierarchy = new RoomHierarchy(person.room(root), page, depth, suggested);
  while (hierarchy.canLoadMore) {
    const found = await hierarchy.load();
    must(found.length <= page, `a page of ${found.length}`);
  }
  must(!hierarchy.noSupport, "the server has no hierarchies");
  return hierarchy;
}

const names = (hierarchy) => hierarchy.rooms.map((room) => room.name);

async function build(alice) {
  const make = (name, options = {}) => alice.makes({ name, preset: "public_chat", ...options });
  const rooms = {
    root: await make("root", SPACE),
    square: await make("square", { topic: "where all meet" }),
    quarter: await make("quarter", SPACE),
    alley: await make("alley"),
    cellar: await alice.makes({ name: "cellar", preset: "private_chat" }),
  };
  await put(alice, rooms.root, rooms.square, { order: "a", suggested: true });
  await put(alice, rooms.root, rooms.quarter, { order: "b" });
  await put(alice, rooms.root, rooms.cellar, { order: "c" });
  await put(alice, rooms.quarter, rooms.alley, { suggested: true });
  await put(alice, rooms.quarter, rooms.root); // A circle.
  return rooms;
}

async function lookThrough(bob, { root, square, quarter, alley }) {
  await bob.joins(root);
  must(bob.room(root).isSpaceRoom(), "the space is none for Bob");
  await bob.sees("its children", () => bob.state(root, "m.space.child", square)?.suggested);

  const whole = await walk(bob, root);
  same(names(whole), ["root", "square", "quarter", "alley"], "what Bob may see, in its order");
  must(whole.isSuggested(root, square) && !whole.isSuggested(root, quarter), "what is suggested");
  same([...whole.viaMap.get(alley)], via, "by which servers");
  const [space, room] = whole.rooms;
  same([space.room_type, room.room_type], ["m.space", undefined], "types");
  const shown = [room.topic, room.num_joined_members, room.join_rule];
  same(shown, ["where all meet", 1, "public"], "the square");

  same(names(await walk(bob, root, { depth: 1 })), ["root", "square", "quarter"], "one level");
  same(names(await walk(bob, root, { suggested: true })), ["root", "square"], "suggestions");
}

async function change(alice, bob, { root, square, cellar }) {
  await refused(put(bob, root, square), "M_FORBIDDEN", "a child that Bob puts");
  await alice.client.invite(cellar, bob.userId);
  same(names(await walk(bob, root)), ["root", "square", "quarter", "alley", "cellar"], "invited");
  await alice.client.sendStateEvent(root, "m.space.child", {}, square);
  await bob.sees("it go", () => !bob.state(root, "m.space.child", square).via);
  same(names(await walk(bob, root)), ["root", "quarter", "alley", "cellar"], "without the square");
  await alice.client.setRoomName(cellar, "vault");
  must(names(await walk(bob, root)).includes("vault"), "the new name");
}

async function grow(alice, bob) {
  const root = await alice.makes({ preset: "public_chat", ...SPACE });
  const wanted = [];
  for (let at = 0; at < CHILDREN_MANY; at++) {
    const child = await alice.makes({ name: `house ${at}`, preset: "public_chat" });
    await put(alice, root, child, { order: String(at).padStart(3, "0") });
    wanted.push(`house ${at}`);
  }
  await bob.joins(root);
  const found = names(await walk(bob, root, { page: 5 })).slice(1);
  same(found, wanted, "each once, in order");
}

dialogue("spaces", async (alice, bob) => {
  const rooms = await build(alice);
  await refused(bob.client.getRoomHierarchy(rooms.cellar), "M_FORBIDDEN", "a closed room");
  await lookThrough(bob, rooms);
  await change(alice, bob, rooms);
  await grow(alice, bob);
});
