// Alice talks to a bot, which runs for itself and at another worker; Bob looks on.

import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dialogue, must, same } from "./people.mjs";

const PROGRAM = fileURLToPath(new URL("bot_itself.mjs", import.meta.url));

class Bot {
  constructor(...where) {
    this.where = where;
  }

  async starts() {
    this.process = fork(PROGRAM, this.where);
    const ended = once(this.process, "exit").then(() => {
      throw new Error("the bot ended");
    });
    ended.catch(() => {});
    const [{ userId }] = await Promise.race([once(this.process, "message"), ended]);
    this.userId = userId;
  }

  async isKilled() {
    const ended = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await ended;
  }
}

const notices = (person, roomId) =>
  person
    .room(roomId)
    .getLiveTimeline()
    .getEvents()
    .filter((event) => event.getContent().msgtype === "m.notice");

async function hears(person, roomId, body, times = 1) {
  const found = () => notices(person, roomId).filter((one) => one.getContent().body.endsWith(body));
  await person.sees(body, () => found().length >= times);
  same(found().length, times, body);
  return found().at(-1);
}

async function commands(alice, bob, bot, roomId) {
  const hello = await alice.says(roomId, "!hello");
  const answer = await hears(bob, roomId, "Hello, Alice the Great");
  same(answer.replyEventId, hello, "what it answers");
  await alice.sees("that it read", () => alice.room(roomId).hasUserReadEvent(bot.userId, hello));
  await alice.says(roomId, "!who");
  await hears(alice, roomId, [alice.userId, bob.userId, bot.userId].sort().join(" "));

  const liked = await alice.says(roomId, "!like");
  const reactions = () =>
    bob.room(roomId).relations.getChildEventsForEvent(liked, "m.annotation", "m.reaction");
  await bob.sees("that it likes it", () => reactions()?.getRelations().length === 1);

  await alice.says(roomId, "!topic of bots");
  await hears(alice, roomId, "I may not");
  await alice.client.setPowerLevel(roomId, bot.userId, 50);
  await alice.says(roomId, "!topic of bots");
  await bob.sees("the topic", () => bob.state(roomId, "m.room.topic")?.topic === "of bots");
}

async function takeBack(alice, bob, roomId) {
  const slip = await alice.says(roomId, "a slip of the tongue");
  await alice.client.redactEvent(roomId, slip);
  await hears(bob, roomId, `${slip} says {} now`);
}

async function whisper(alice, bot, roomId) {
  await alice.says(roomId, "!whisper");
  const invited = () => alice.client.getRooms().find((one) => one.getMyMembership() === "invite");
  await alice.sees("the invitation", invited);
  const { roomId: directId } = invited();
  must(alice.room(directId).getDMInviter() === bot.userId, "it is not a direct one");
  await alice.joins(directId);
  await alice.sees("the whisper", () => alice.said(directId).includes("psst"));
  return directId;
}

async function sleepAndWake(alice, bob, bot, roomId) {
  await bot.isKilled();
  await alice.says(roomId, "!hello");
  await bot.starts();
  await hears(alice, roomId, "Hello, Alice the Great", 2);
  await alice.says(roomId, "!who"); // It answers in order: the hello was answered once.
  const members = [alice.userId, bob.userId, bot.userId].sort().join(" ");
  await hears(alice, roomId, members, 2);
  await hears(alice, roomId, "Hello, Alice the Great", 2);
}

async function move(alice, bob, bot, roomId) {
  const { replacement_room: next } = await alice.client.upgradeRoom(roomId, "11");
  await alice.sees("the bot follow", () => alice.knows(next, bot.userId, "join"));
  await bob.joins(next);
  await alice.says(next, "!hello");
  await hears(bob, next, "Hello, Alice the Great");
  return next;
}

dialogue("bot", async (alice, bob, _, urlOfBob) => {
  const directory = mkdtempSync(join(tmpdir(), "soma-bot-"));
  const bot = new Bot(urlOfBob, `${bob.name}_robot`, directory);
  await bot.starts();
  await alice.client.setDisplayName("Alice the Great");
  const roomId = await alice.makes({ preset: "public_chat", room_version: "10" });
  await bob.joins(roomId);
  await alice.client.invite(roomId, bot.userId);
  await bob.sees("the bot come", () => bob.knows(roomId, bot.userId, "join"));
  await commands(alice, bob, bot, roomId);
  await takeBack(alice, bob, roomId);
  const directId = await whisper(alice, bot, roomId);
  await sleepAndWake(alice, bob, bot, roomId);
  const next = await move(alice, bob, bot, roomId);
  await alice.client.kick(next, bot.userId, "too loud");
  await alice.sees("its farewell", () => alice.said(directId).includes("leave: too loud"));
  await bot.isKilled();
  rmSync(directory, { recursive: true });
});
