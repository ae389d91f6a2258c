// Bob jumps to a day in Alice's diary, and reads on from there.

import { Direction, TimelineWindow } from "matrix-js-sdk";
import { dialogue, LONG, must, refused, same, sleep } from "./people.mjs";

const PAGES = LONG ? 120 : 40;
const JUMP = Math.floor(PAGES / 2);

async function write(alice, roomId) {
  const times = [];
  for (let at = 0; at < PAGES; at++) {
    const eventId = await alice.says(roomId, `page ${at}`);
    const event = await alice.client.fetchRoomEvent(roomId, eventId);
    times.push({ eventId, ts: event.origin_server_ts });
    while (Date.now() < event.origin_server_ts + 3) await sleep(1); // None at the time of another.
  }
  return times;
}

async function jump(bob, roomId, times) {
  const find = (ts, dir) => bob.client.timestampToEvent(roomId, ts, dir);
  const { eventId, ts } = times[JUMP];
  for (const dir of [Direction.Forward, Direction.Backward]) {
    const found = await find(ts, dir);
    same([found.event_id, found.origin_server_ts], [eventId, ts], "the very moment");
  }
  const [next, before] = [times[JUMP + 1].eventId, times[JUMP - 1].eventId];
  same((await find(ts + 1, Direction.Forward)).event_id, next, "the next");
  same((await find(ts - 1, Direction.Backward)).event_id, before, "the one before");
  const end = times.at(-1).ts + 3_600_000;
  await refused(find(end, Direction.Forward), "M_NOT_FOUND", "after the end");
  await refused(find(1, Direction.Backward), "M_NOT_FOUND", "before the beginning");
}

async function read(bob, roomId, eventId) {
  const view = new TimelineWindow(bob.client, bob.room(roomId).getUnfilteredTimelineSet());
  await view.load(eventId, 10);
  // Towards the end it runs into what came with the sync, and must be one with it.
  for (const direction of [Direction.Backward, Direction.Forward]) {
    while (await view.paginate(direction, 7));
  }
  const bodies = view
    .getEvents()
    .filter((event) => event.getType() === "m.room.message")
    .map((event) => event.getContent().body);
  same(bodies, Array.from({ length: PAGES }, (_, at) => `page ${at}`), "the diary");
}

dialogue("jump_to_date", async (alice, bob) => {
  const roomId = await alice.makes({ preset: "public_chat" });
  const times = await write(alice, roomId);
  const stranger = bob.client.timestampToEvent(roomId, 1, Direction.Forward);
  await refused(stranger, "M_FORBIDDEN", "a stranger's jump");
  await bob.joins(roomId);
  must(!bob.room(roomId).findEventById(times[1].eventId), "Bob has all of it already");
  await jump(bob, roomId, times);
  await read(bob, roomId, times[JUMP].eventId);
});
