// Who is in Alice's club may come into its hall.

import { dialogue, must, refused, same } from "./people.mjs";

const rule = (join_rule, ...rooms) => ({
  join_rule,
  allow: rooms.map((room_id) => ({ type: "m.room_membership", room_id })),
});

const ruled = (content) => [{ type: "m.room.join_rules", state_key: "", content }];

async function comeByTheClub(alice, bob, club, hall) {
  await refused(bob.client.joinRoom(hall), "M_FORBIDDEN", "a join from the street");
  await alice.client.invite(club, bob.userId);
  await refused(bob.client.joinRoom(hall), "M_FORBIDDEN", "a join of who is only invited");
  await bob.joins(club);
  await bob.joins(hall); // At once, with what another worker may not have heard yet.
  await alice.sees("Bob in the hall", () => alice.knows(hall, bob.userId, "join"));
  const content = alice.room(hall).getMember(bob.userId).events.member.getContent();
  same(content.join_authorised_via_users_server, alice.userId, "by whom");
  await bob.says(hall, "Here I am");
  await alice.sees("that he speaks", () => alice.said(hall).includes("Here I am"));
}

async function loseTheClub(alice, bob, club, hall) {
  await alice.client.kick(club, bob.userId, "unpaid");
  await bob.sees("it", () => bob.is(club, "leave"));
  await bob.says(hall, "Still here"); // Who is in stays.
  await bob.leaves(hall);
  await refused(bob.client.joinRoom(hall), "M_FORBIDDEN", "a join of who is no member any more");
}

async function knockInstead(alice, bob, club, hall) {
  await refused(bob.client.knockRoom(hall, {}), "M_FORBIDDEN", "a knock where none is heard");
  const change = (content) => alice.client.sendStateEvent(hall, "m.room.join_rules", content, "");
  await change(rule("knock_restricted", club));
  await bob.client.knockRoom(hall, { reason: "please" });
  await alice.sees("the knock", () => alice.knows(hall, bob.userId, "knock"));
  await alice.client.invite(hall, bob.userId);
  await bob.joins(hall);
  await bob.leaves(hall);
  await alice.sees("Bob go", () => alice.knows(hall, bob.userId, "leave"));
  await alice.client.invite(club, bob.userId);
  await bob.joins(club);
  await bob.joins(hall);
  await alice.sees("Bob come by the club", () => alice.knows(hall, bob.userId, "join"));
}

dialogue("restricted", async (alice, bob) => {
  const club = await alice.makes({ name: "club", preset: "private_chat" });
  const hall = await alice.makes({
    name: "hall",
    initial_state: ruled(rule("restricted", "!of_nobody:localhost", club)),
  });
  await alice.sees("both rooms", () => alice.is(club, "join") && alice.is(hall, "join"));
  await comeByTheClub(alice, bob, club, hall);
  must(bob.state(hall, "m.room.join_rules").allow.length === 2, "what is allowed");
  await loseTheClub(alice, bob, club, hall);
  await knockInstead(alice, bob, club, hall);
});
