"""How long the core takes for one event. `python -m tests.bench.core`; `tox -e bench`."""

import sys
from typing import Any

import msgspec

from impl.core import event_format, event_hash, signing
from impl.core.event import Event
from impl.core.room_version import ROOM_VERSIONS
from tests.bench.measuring import Table, cpu_seconds
from tests.core.room_builder import ALICE, BOB, CHARLIE, KEY, Room

AUTH_CHECK = 60e-6
SIGN_AND_HASH = 120e-6
RECEIVE = 250e-6
BODY = {"msgtype": "m.text", "body": "What was said, at some length, as people do. " * 4}


def a_room(version: str) -> Room:
    """With levels for some moderators."""
    moderators = {f"@moderator{number}:one.example": 50 for number in range(30)}
    return Room(version).begin(levels={"users": {ALICE: 100, **moderators}}).is_in(BOB, "join")


def receive(raw: bytes, room: Room) -> None:
    """What is done with a PDU before its room is looked at."""
    pdu = msgspec.json.decode(raw)
    event_format.check(pdu, room.version)
    Event.from_pdu(pdu, room.version)
    signing.verify_event(pdu, room.version, "one.example", KEY.key_id, KEY.verify_key)
    assert event_hash.has_its_content(pdu, room.version)


def measure(table: Table, version: str) -> None:
    room = a_room(version)
    message = room.event("m.room.message", BOB, BODY)
    join = room.event("m.room.member", CHARLIE, {"membership": "join"}, CHARLIE)
    changed = {**room.state["m.room.power_levels", ""].content, "ban": 60}
    levels = room.event("m.room.power_levels", ALICE, changed, "")
    for what, event in (("a message", message), ("a join", join), ("levels", levels)):
        seconds = cpu_seconds(lambda event=event: room.check(event), 2000)
        table.row(f"version {version}: check {what} by all rules", seconds, AUTH_CHECK)

    bare: dict[str, Any] = {
        key: value for key, value in message.pdu.items() if key not in ("hashes", "signatures")
    }
    seconds = cpu_seconds(lambda: signing.sign_event(bare, room.version, "one.example", KEY), 500)
    table.row(f"version {version}: hash and sign", seconds, SIGN_AND_HASH)

    raw = msgspec.json.encode(message.pdu)
    seconds = cpu_seconds(lambda: receive(raw, room), 500)
    table.row(f"version {version}: parse, check, hash and verify", seconds, RECEIVE)


def main() -> int:
    table = Table()
    for version in ROOM_VERSIONS:
        measure(table, version)
    return 0 if table.is_within else 1


if __name__ == "__main__":
    sys.exit(main())
