"""Events that are well signed and hold what nobody expects: each is taken or refused, and nothing
breaks over it.
"""

import logging
import random
from typing import Any

import pytest

from impl.app import App
from impl.core import signing
from impl.core.event import Event
from impl.core.rejection import Malformed
from tests.builders import ALICE, message
from tests.services import sync_client
from tests.services.incoming.site import Site, let_in, put, settle
from tests.services.room_events.elsewhere import (
    DAVE,
    ELSEWHERE,
    EVELYN,
    FRANK,
    KEY,
    Elsewhere,
    a_room_elsewhere,
)
from tests.services.room_events.inspection import stored

TYPES = [
    "m.room.aliases",
    "m.room.avatar",
    "m.room.canonical_alias",
    "m.room.create",
    "m.room.encrypted",
    "m.room.encryption",
    "m.room.guest_access",
    "m.room.history_visibility",
    "m.room.join_rules",
    "m.room.member",
    "m.room.message",
    "m.room.name",
    "m.room.pinned_events",
    "m.room.policy",
    "m.room.power_levels",
    "m.room.redaction",
    "m.room.third_party_invite",
    "m.room.tombstone",
    "m.room.topic",
    "m.reaction",
    "m.space.child",
    "m.space.parent",
    "m.sticker",
    "org.matrix.dummy_event",
    "",
    "☃",
]
KEYS = [
    "alias",
    "allow",
    "algorithm",
    "avatar_url",
    "ban",
    "body",
    "content",
    "creator",
    "additional_creators",
    "deny",
    "displayname",
    "event_id",
    "events",
    "formatted_body",
    "history_visibility",
    "info",
    "is_direct",
    "is_falling_back",
    "join_authorised_via_users_server",
    "join_rule",
    "key",
    "m.in_reply_to",
    "m.mentions",
    "m.new_content",
    "m.relates_to",
    "m.topic",
    "membership",
    "msgtype",
    "name",
    "notifications",
    "order",
    "predecessor",
    "public_keys",
    "redacts",
    "rel_type",
    "replacement_room",
    "room",
    "room_id",
    "room_version",
    "signed",
    "state_default",
    "suggested",
    "third_party_invite",
    "token",
    "topic",
    "type",
    "user_ids",
    "users",
    "users_default",
    "via",
]
WORDS = [
    "",
    "a\0b",
    "join",
    "leave",
    "ban",
    "invite",
    "knock",
    "public",
    "restricted",
    "m.room_membership",
    "m.thread",
    "m.replace",
    "m.annotation",
    "m.reference",
    "m.text",
    "shared",
    "world_readable",
    ALICE,
    DAVE,
    EVELYN,
    FRANK,
    ELSEWHERE,
    "*",
    "@",
    "mxc://x/y",
    "mxc://\0/y",
    "!x:y",
    "#x:elsewhere.example",
    "1",
    "12",
    "x" * 3_000,
    "\u202e\u0000\ufffe",
]


class Chance:
    """What somebody might write who means no good."""

    def __init__(self, seed: int, event_ids: list[str]) -> None:
        self._random = random.Random(seed)
        self._words = [*WORDS, *event_ids]

    def value(self, depth: int = 0) -> Any:
        dice = self._random.random()
        if dice < 0.45 or depth > 4:
            return self._random.choice(self._words)
        if dice < 0.6:
            numbers = [0, 1, -1, 50, 100, 2**31, -(2**53) + 1, 2**53 - 1]
            return self._random.choice([*numbers, True, False, None])
        if dice < 0.7:
            return [self.value(depth + 1) for _ in range(self._random.randrange(3))]
        return self.content(depth + 1)

    def content(self, depth: int = 0) -> dict[str, Any]:
        names = [self._random.choice(KEYS) for _ in range(self._random.randrange(6))]
        content = {name: self.value(depth) for name in names}
        if self._random.random() < 0.3:
            content[self._random.choice(self._words)] = self.value(depth)
        return content

    def event(self, room: Elsewhere, prev: str) -> Event | None:
        """On top of another; None for what can be no event."""
        draft = message(self._random.choice([DAVE, EVELYN, DAVE]), "x")
        pdu = dict(room.add(draft, [prev]).pdu)
        pdu["type"] = self._random.choice(TYPES)
        pdu["content"] = self.content()
        pdu["signatures"] = {}
        if pdu["type"] == "m.room.member" and self._random.random() < 0.5:
            words = ("join", "leave", "ban", "invite", "knock")
            pdu["content"]["membership"] = self._random.choice(words)
        if self._random.random() < 0.6:
            pdu["state_key"] = self._random.choice(["", DAVE, EVELYN, FRANK, ALICE, "x", "#x:y"])
        if self._random.random() < 0.2:
            pdu["redacts"] = self.value()
        if self._random.random() < 0.1:
            pdu[self._random.choice(KEYS)] = self.value()
        try:
            signed = signing.sign_event(pdu, room.version, ELSEWHERE, KEY)
            return Event.from_pdu(signed, room.version)
        except Malformed:
            return None


@pytest.mark.parametrize("version", ["1", "3", "6", "10", "11", "12"])
@pytest.mark.parametrize("seed", range(3))
def test_nothing_breaks_over_an_odd_event(
    app: App, site: Site, caplog: pytest.LogCaptureFixture, version: str, seed: int
) -> None:
    room = a_room_elsewhere(version)
    room_id = let_in(app, site, room)
    chance = Chance(seed, list(room.events))
    since = sync_client.ask(app, ALICE)["next_batch"]
    base = room.last
    taken = 0
    for _ in range(8):
        odd = [one for one in (chance.event(room, base) for _ in range(12)) if one is not None]
        taken += sum(answer == {} for answer in put(app, *odd).values())
        settle(app)
        sync_client.ask(app, ALICE, since)
        sync_client.ask(app, ALICE)
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []
    assert taken > 20  # These seeds leave Alice in the room.
    fine = room.add(message(DAVE, "fine"), [base])
    assert put(app, fine) == {fine.event_id: {}}
    assert stored(app, room_id, fine.event_id).rejected_reason is None
