"""However an event of 64 KiB is made, taking it in takes time that grows with its length."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from impl.core import signing
from impl.core.rejection import TooLarge
from tests.core.room_builder import ALICE, BOB, Room
from tests.core.test_hostile_events import take_in

ROUNDS = 5
KEY = signing.encode_base64(b"\x07" * 32)


def users(number: int) -> dict[str, Any]:
    return {"users": {f"@u{one}:a": 1 for one in range(number)}}


# What makes a content of so many parts, with the type that gives it a meaning.
SHAPES: dict[str, tuple[str, Callable[[int], dict[str, Any]]]] = {
    "users": ("m.room.power_levels", users),
    "events": ("m.room.power_levels", lambda n: {"events": {f"e{i}": i for i in range(n)}}),
    "zeros": ("m.room.power_levels", lambda n: {"ban": "0" * n * 20 + "x"}),
    "digits": ("m.room.power_levels", lambda n: {"ban": "1" * n * 10}),
    "spaces": ("m.room.power_levels", lambda n: {"ban": " " * n * 10 + "1"}),
    "signs": ("m.room.power_levels", lambda n: {"users": {BOB: "-" * n * 10}}),
    "creators": (
        "m.room.create",
        lambda n: {"creator": ALICE, "additional_creators": [f"@u{i}:a" for i in range(n)]},
    ),
    "one creator": ("m.room.create", lambda n: {"additional_creators": ["@" + ":" * n * 10]}),
    "join rule": ("m.room.join_rules", lambda n: {"join_rule": "k" * n * 10}),
    "allow": ("m.room.join_rules", lambda n: {"allow": [{"type": "x"}] * n}),
    "voucher": (
        "m.room.member",
        lambda n: {"membership": "join", "join_authorised_via_users_server": "@a:" + "a" * n * 10},
    ),
    "keys": ("m.room.third_party_invite", lambda n: {"public_keys": [{"public_key": KEY}] * n}),
    "lists": ("m.room.message", lambda n: {"x": [[]] * n * 4}),
    "objects": ("m.room.message", lambda n: {"x": [{"a": {}}] * n}),
    "names": ("m.room.message", lambda n: {f"k{n - i}": None for i in range(n)}),
    "text": ("m.room.message", lambda n: {"body": "\n" * n * 6}),
}
LARGE = 3_000


def seconds(room: Room, event_type: str, content: dict[str, Any]) -> float:
    # Alice has the power to have all of it looked at; members speak for themselves.
    sender = BOB if event_type == "m.room.member" else ALICE
    state_key = BOB if event_type == "m.room.member" else ""
    pdu = {**room.event(event_type, sender, {}, state_key).pdu, "content": content}
    if event_type == "m.room.create":
        pdu["prev_events"] = []
        if room.version.room_id_is_create_hash:
            del pdu["room_id"]
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        take_in(pdu, room)
        best = min(best, time.process_time() - began)
    return best


@pytest.mark.parametrize("version", ["1", "5", "9", "12"])
@pytest.mark.parametrize("shape", SHAPES)
def test_time_grows_with_the_length(shape, version):
    event_type, content = SHAPES[shape]
    room = Room(version).begin().is_in(BOB, "join")
    # Eight times as much: 64 times as long if time were quadratic. Below a millisecond the clock
    # decides.
    small = max(seconds(room, event_type, content(LARGE // 8)), 1e-3)
    assert seconds(room, event_type, content(LARGE)) < 18 * small


@pytest.mark.parametrize("version", ["1", "12"])
def test_what_is_too_large_is_refused_in_no_time(version):
    room = Room(version).begin()
    with pytest.raises(TooLarge):
        room.event("m.room.message", ALICE, {"body": "x" * 10_000_000})
    assert seconds(room, "m.room.message", {"body": "x" * 10_000_000}) < 1
