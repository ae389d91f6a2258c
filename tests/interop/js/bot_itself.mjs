// A bot on @vector-im/matrix-bot-sdk: `node bot_itself.mjs URL NAME DIRECTORY`.
//
// It comes where it is invited, follows a room to its successor, answers commands and remarks what
// is taken back. Where it was when it ended it keeps in its directory. bot.mjs talks to it.

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { join } from "node:path";

// Only encryption needs this library, which is not in the registry whole; this bot has none.
const NOT_INSTALLED = "@matrix-org/matrix-sdk-crypto-nodejs";
const load = Module._load;
Module._load = (name, ...rest) => (name === NOT_INSTALLED ? {} : load(name, ...rest));
const {
  AutojoinRoomsMixin,
  AutojoinUpgradedRoomsMixin,
  LogLevel,
  LogService,
  MatrixAuth,
  MatrixClient,
  MemoryStorageProvider,
} = createRequire(import.meta.url)("@vector-im/matrix-bot-sdk");

LogService.setLevel(LogLevel.WARN);

const [url, name, directory] = process.argv.slice(2);
const FILTER = { room: { timeline: { limit: 50 }, state: { lazy_load_members: true } } };

// What it keeps, in a file that is whole whenever the bot is killed. That of the library's own storage
// may be empty then, and the bot begins anew: it answers everything again.
class Kept extends MemoryStorageProvider {
  path = join(directory, "kept");
  kept = existsSync(this.path) ? JSON.parse(readFileSync(this.path, "utf8")) : {};

  keep(what) {
    Object.assign(this.kept, what);
    writeFileSync(`${this.path}.new`, JSON.stringify(this.kept));
    renameSync(`${this.path}.new`, this.path);
  }

  getSyncToken = () => this.kept.token ?? null;
  setSyncToken = (token) => this.keep({ token });
  getFilter = () => this.kept.filter ?? null;
  setFilter = (filter) => this.keep({ filter });
}

async function token() {
  const path = join(directory, "token");
  if (!existsSync(path)) {
    const { accessToken } = await new MatrixAuth(url).passwordRegister(name, `secret of ${name}`);
    writeFileSync(path, accessToken);
  }
  return readFileSync(path, "utf8");
}

const COMMANDS = {
  "!hello": async (bot, roomId, event) => {
    const { displayname } = await bot.getUserProfile(event.sender);
    await bot.replyNotice(roomId, event, `Hello, ${displayname}`);
  },
  "!who": async (bot, roomId) => {
    const members = await bot.getJoinedRoomMembers(roomId);
    await bot.sendNotice(roomId, members.sort().join(" "));
  },
  "!topic": async (bot, roomId, event, words) => {
    const may = await bot.userHasPowerLevelFor(await bot.getUserId(), roomId, "m.room.topic", true);
    if (!may) return bot.replyNotice(roomId, event, "I may not");
    await bot.sendStateEvent(roomId, "m.room.topic", "", { topic: words.join(" ") });
  },
  "!like": async (bot, roomId, event) => {
    await bot.unstableApis.addReactionToEvent(roomId, event.event_id, "👍");
  },
  "!whisper": async (bot, roomId, event) => {
    const directId = await bot.dms.getOrCreateDm(event.sender);
    await bot.sendText(directId, "psst");
  },
};

async function answer(bot, roomId, event) {
  if (event.sender === (await bot.getUserId()) || event.content?.msgtype !== "m.text") return;
  const [command, ...words] = event.content.body.split(" ");
  await bot.sendReadReceipt(roomId, event.event_id);
  await COMMANDS[command]?.(bot, roomId, event, words);
}

async function remark(bot, roomId, event) {
  if (event.type !== "m.room.redaction") return;
  const redacted = event.redacts ?? event.content.redacts;
  const { content } = await bot.getEvent(roomId, redacted);
  await bot.sendNotice(roomId, `${redacted} says ${JSON.stringify(content)} now`);
}

async function farewell(bot, roomId, event) {
  if (event.sender === (await bot.getUserId())) return;
  const directId = await bot.dms.getOrCreateDm(event.sender);
  await bot.sendText(directId, `${event.content.membership}: ${event.content.reason}`);
}

async function main() {
  const bot = new MatrixClient(url, await token(), new Kept());
  // What it answers stands before where it is: killed in between, it would answer again, not never.
  bot.persistTokenAfterSync = true;
  AutojoinRoomsMixin.setupOnClient(bot);
  AutojoinUpgradedRoomsMixin.setupOnClient(bot);
  const listen = (kind, react) =>
    bot.on(kind, (roomId, event) =>
      react(bot, roomId, event).catch((error) => console.error(kind, error.body ?? error)),
    );
  listen("room.message", answer);
  listen("room.event", remark);
  listen("room.leave", farewell);
  await bot.start(FILTER);
  process.send({ userId: await bot.getUserId() });
}

process.on("disconnect", () => process.exit(0));
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
