// Bob reports what Alice said, her room and herself; she is not told.

import { dialogue, refused, same } from "./people.mjs";

dialogue("reporting", async (alice, bob) => {
  const roomId = await alice.makes({ preset: "public_chat" });
  const eventId = await alice.says(roomId, "Buy my roses!");
  const reportUser = (userId) =>
    bob.client.http.authedRequest(
      "POST",
      `/users/${encodeURIComponent(userId)}/report`,
      {},
      { reason: "sells roses" },
    );
  const outside = bob.client.reportEvent(roomId, eventId, -100, "spam");
  await refused(outside, "M_NOT_FOUND", "a report of what Bob cannot see");
  await bob.client.reportRoom(roomId, "a market");
  await bob.joins(roomId);
  await bob.sees("the message", () => bob.said(roomId).includes("Buy my roses!"));
  await bob.client.reportEvent(roomId, eventId, -100, "spam");
  await reportUser(alice.userId);
  await reportUser("@never_was:localhost"); // Whether there is such a user is not said.
  await refused(reportUser("alice"), "M_INVALID_PARAM", "a report of no user id");
  const nothing = bob.client.reportEvent(roomId, "$of_nothing", -100, "spam");
  await refused(nothing, "M_NOT_FOUND", "a report of no event");
  await refused(bob.client.reportRoom("!no:localhost", ""), "M_NOT_FOUND", "a report of no room");

  // What Bob says after it is all that Alice has heard.
  await bob.says(roomId, "Nice roses");
  await alice.sees("it", () => alice.said(roomId).includes("Nice roses"));
  same(alice.said(roomId), ["Buy my roses!", "Nice roses"], "what is in the room");
  const last = alice.room(roomId).getLiveTimeline().getEvents().slice(-3);
  const types = last.map((event) => event.getType());
  same(types, ["m.room.message", "m.room.member", "m.room.message"], "the end of it");
});
