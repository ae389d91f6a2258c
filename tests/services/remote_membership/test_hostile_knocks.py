"""Servers that answer badly to who knocks, and to who takes that back: nothing of it is signed or
kept, and whoever wants out is out.
"""

from typing import Any
from urllib.parse import quote

from impl.core import stripped_state
from tests.api.api_client import Answer, User
from tests.federation import rooms
from tests.services.incoming.conftest import Clock
from tests.services.remote_membership.resident import Resident
from tests.services.remote_membership.test_hostile_templates import WRONG
from tests.services.room_events.elsewhere import DAVE, ELSEWHERE

CLIENT = "/_matrix/client/v3"
SHOWN = {"type": "m.room.name", "state_key": "", "sender": DAVE, "content": {"name": "x"}}
NONSENSE: list[Any] = [
    None,
    {},
    "x",
    [1, None, [], {}],
    [{**SHOWN, "type": 1}, {**SHOWN, "content": []}, {**SHOWN, "state_key": None}],
    [SHOWN] * 10_000,
    [{**SHOWN, "content": {"name": "x" * 1_000_000}}],
    [{**SHOWN, "content": {"name": "x" * 10_000}, "unsigned": {}, "origin_server_ts": "x"}] * 50,
]


def knock(user: User, room_id: str) -> Answer:
    where = f"{CLIENT}/knock/{quote(room_id, safe='')}"
    return user.api.post(where, {}, user.access_token, {"via": [ELSEWHERE]})


def test_what_was_not_asked_for_is_not_signed(bob: User, resident: Resident) -> None:
    for template in [*WRONG, {"content": {"membership": "join"}}]:
        resident.template = template
        if template.get("content") != {"membership": "leave"}:
            assert knock(bob, resident.room_id).status == 502, template
    resident.template = {}
    assert resident.sent == []
    assert knock(bob, resident.room_id).status == 200
    assert [one["content"]["membership"] for one in resident.sent] == ["knock"]
    resident.sent.clear()
    # Who wants out is out, and nothing else was signed.
    resident.template = {"sender": DAVE}
    assert bob.post(rooms.path(resident.room_id, "leave"), {}).status == 200
    assert resident.sent == []
    assert resident.room_id not in bob.get(f"{CLIENT}/sync").json["rooms"].get("knock", {})


def test_nobody_is_vouched_for_who_does_not_join(bob: User, resident: Resident) -> None:
    resident.content = {"join_authorised_via_users_server": DAVE, "displayname": "Evil"}
    assert knock(bob, resident.room_id).status == 200
    assert bob.post(rooms.path(resident.room_id, "leave"), {}).status == 200
    assert len(resident.sent) == 2
    for one in resident.sent:
        assert one["content"].keys() <= {"membership", "displayname"}
        assert one["content"].get("displayname") != "Evil"


def test_what_is_shown_of_a_room_is_little_and_well_formed(
    bob: User, resident: Resident, clock: Clock
) -> None:
    for shown in NONSENSE:
        clock.now_ms += 1
        resident.told = {"knock_room_state": shown}
        assert knock(bob, resident.room_id).status == 200
        synced = bob.get(f"{CLIENT}/sync")
        assert len(synced.body) < 2 * stripped_state.BYTES_MAX
        found = synced.json["rooms"]["knock"][resident.room_id]["knock_state"]["events"]
        assert len(found) <= stripped_state.EVENTS_MAX + 1
        assert all(one.keys() <= {"type", "state_key", "sender", "content"} for one in found[:-1])
        assert bob.post(rooms.path(resident.room_id, "leave"), {}).status == 200
