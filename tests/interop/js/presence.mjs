// Bob sees how Alice is, and whether she is there at all.

import { dialogue, LONG, must, Person, refused } from "./people.mjs";

// The server takes a client for gone half a minute after its last poll, which itself takes as long.
const GONE_MS_MAX = 120_000;

async function seesState(bob, alice, presence, status) {
  await bob.sees(`${presence}: ${status}`, () => {
    const user = bob.client.getUser(alice.userId);
    return user?.presence === presence && user.presenceStatusMsg === status;
  });
  const told = await bob.client.getPresence(alice.userId);
  must(told.presence === presence && told.status_msg === status, JSON.stringify(told));
}

dialogue("presence", async (alice, bob, urlOfAlice) => {
  await refused(bob.client.getPresence(alice.userId), "M_FORBIDDEN", "a stranger's presence");
  const roomId = await alice.makes({ preset: "public_chat" });
  await bob.joins(roomId);
  await bob.sees("Alice", () => bob.client.getUser(alice.userId)?.presence === "online");
  await alice.client.setPresence({ presence: "online", status_msg: "in the garden 🌹" });
  await seesState(bob, alice, "online", "in the garden 🌹");
  must(bob.client.getUser(alice.userId).currentlyActive, "Alice is not active");

  // From now on her polls say so too, or each would make her online again.
  await alice.client.setSyncPresence("unavailable");
  await alice.client.setPresence({ presence: "unavailable", status_msg: "asleep" });
  await seesState(bob, alice, "unavailable", "asleep");
  await refused(
    bob.client.http.authedRequest("PUT", `/presence/${alice.userId}/status`, {}, {
      presence: "online",
    }),
    "M_FORBIDDEN",
    "to set another's presence",
  );

  // Who comes later is told how those are who were there before.
  const carol = await Person.register(urlOfAlice, `carol_${alice.name}`);
  await carol.joins(roomId);
  await seesState(carol, alice, "unavailable", "asleep");
  await alice.client.setPresence({ presence: "online" });
  await alice.client.setSyncPresence("online");
  await bob.sees("Alice awake", () => bob.client.getUser(alice.userId).presence === "online");

  if (LONG) {
    alice.client.stopClient();
    const isGone = () => bob.client.getUser(alice.userId).presence === "offline";
    await bob.sees("Alice gone", isGone, GONE_MS_MAX);
  }
});
