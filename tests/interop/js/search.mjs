// Bob finds what Alice said, in every script.

import { dialogue, LONG, must, refused, same } from "./people.mjs";

const SAID = {
  English: "The roses by the river are in bloom",
  German: "Grüße aus dem Süden, es blühen die Straßenbäume",
  Russian: "Завтра мы встретимся в саду",
  Greek: "Ο κήπος είναι γεμάτος τριαντάφυλλα",
  Arabic: "سنلتقي غدا في الحديقة",
  Hindi: "कल हम बगीचे में मिलेंगे",
  Chinese: "今天天气很好，我们去公园散步吧",
  Japanese: "明日は東京駅で会いましょう",
  Korean: "내일 공원에서 만나요",
  Thai: "วันนี้อากาศดีมาก ไปเดินเล่นในสวนกันเถอะ",
};
// In the scripts that have no spaces, words from within the sentence.
const SOUGHT = {
  English: ["roses", "RIVER bloom"],
  German: ["grüße", "straßenbäume"],
  Russian: ["встретимся"],
  Greek: ["κήπος"],
  Arabic: ["الحديقة"],
  Hindi: ["बगीचे"],
  Chinese: ["公园", "天气很好"],
  Japanese: ["東京", "会いましょう"],
  Korean: ["공원"],
  Thai: ["อากาศ", "เดินเล่น"],
};
const MANY = LONG ? 100 : 25;

const find = (person, term, filter) => person.client.searchRoomEvents({ term, filter });
const bodies = (found) => found.results.map((one) => one.context.getEvent().getContent().body);

async function findInEveryScript(alice, bob, roomId) {
  for (const body of Object.values(SAID)) await alice.says(roomId, body);
  // A job follows the stream: what was said last is the last to be found.
  await bob.sees("the last", async () => (await find(bob, "เดินเล่น")).count > 0);
  for (const [language, terms] of Object.entries(SOUGHT)) {
    for (const term of terms) same(bodies(await find(bob, term)), [SAID[language]], language);
  }
  same(bodies(await find(bob, "tulips")), [], "what nobody said");
  const { results, highlights } = await find(bob, "公园");
  const around = results[0].context.getTimeline().map((event) => event.getContent().body);
  same(around, [SAID.Hindi, SAID.Chinese, SAID.Japanese], "what was said around it");
  must(highlights.includes("公园"), `what to highlight: ${highlights}`);
}

async function findByPages(alice, bob, roomId) {
  for (let at = 0; at < MANY; at++) await alice.says(roomId, `walnut ${at}`);
  await bob.sees("them all", async () => (await find(bob, "walnut")).count === MANY);
  const found = await find(bob, "walnut", { limit: 10, rooms: [roomId] });
  while (found.next_batch) await bob.client.backPaginateRoomEventsSearch(found);
  const wanted = Array.from({ length: MANY }, (_, at) => `walnut ${MANY - 1 - at}`);
  same(bodies(found), wanted, "each once, the newest first");
}

async function findNoMore(alice, bob, roomId) {
  const eventId = await alice.says(roomId, "a secret hazelnut");
  await bob.sees("it", async () => (await find(bob, "hazelnut")).count === 1);
  await alice.client.redactEvent(roomId, eventId);
  await bob.sees("it no more", async () => (await find(bob, "hazelnut")).count === 0);
  await alice.client.setRoomTopic(roomId, "all about almonds");
  await bob.sees("the topic", async () => (await find(bob, "almonds")).count === 1);
}

dialogue("search", async (alice, bob, _, urlOfBob) => {
  const roomId = await alice.makes({ preset: "public_chat" });
  await bob.joins(roomId);
  await findInEveryScript(alice, bob, roomId);
  await findByPages(alice, bob, roomId);
  await findNoMore(alice, bob, roomId);

  const closed = await alice.makes({ preset: "private_chat" });
  await alice.says(closed, "walnut in private");
  await alice.sees("her own", async () => (await find(alice, "walnut private")).count === 1);
  same((await find(bob, "walnut private")).count, 0, "what Bob finds of it");
  await bob.client.leave(roomId);
  same((await find(bob, "roses", { rooms: [closed] })).count, 0, "nor by naming the room");
  await refused(bob.client.search({ body: {} }), "M_BAD_JSON", "a search for nothing");
});
