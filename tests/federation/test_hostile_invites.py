"""Invites that lie about a room: of what another server says of a room that nobody here knows yet,
nothing stands in the way of who is in it.
"""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from impl.core.room_version import ROOM_VERSIONS
from tests.api.api_client import User
from tests.federation import rooms
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.stranger import Stranger, membership_pdu, refused
from tests.federation.test_invites_of_us import invites_of

CLIENT = "/_matrix/client/v3"
A, VICTIM = "a.test", "victim.test"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def victim(new_server: Callable[..., Server]) -> Server:
    return new_server(VICTIM)


@pytest.fixture
def evil(network: Network) -> Stranger:
    return Stranger(network, "evil.test", now_ms)


def invite(
    evil: Stranger, user_id: str, room_id: str, version: str, **fields: Any
) -> dict[str, Any]:
    """To a room that it is not in, of a version that it is not of."""
    pdu = membership_pdu(evil.user_id, user_id, "invite", room_id)
    event_id, signed = evil.sign(pdu, ROOM_VERSIONS[version], **fields)
    shown = [{"type": "m.room.name", "state_key": "", "content": {"name": "x"}, "sender": "@a:b"}]
    body = {"event": signed, "room_version": version, "invite_room_state": shown}
    return evil.client.send_invite_v2(A, room_id, event_id, body)


@pytest.mark.parametrize("lie", ["1", "2", "3", "5", "6", "10", "11"])
@pytest.mark.parametrize("version", ["1", "3", "6", "10", "11"])
def test_a_room_is_of_the_version_that_it_is_of(
    a: Server, victim: Server, evil: Stranger, version: str, lie: str
) -> None:
    alice, other, vera = a.register("alice"), a.register("other"), victim.register("vera")
    room_id = rooms.create(vera, version)
    rooms.put_state(vera, room_id, "m.room.name", {"name": "true"})
    for user in (alice, other):
        invite(evil, user.user_id, room_id, lie, content={"membership": "invite", "reason": "x"})
    assert room_id in invites_of(alice)
    # Who is in the room invites as well, and is believed.
    assert rooms.act(vera, room_id, "invite", alice.user_id).status == 200
    shown = invites_of(alice)[room_id]["invite_state"]["events"]
    assert {"name": "true"} in [one["content"] for one in shown]
    where = f"{CLIENT}/join/{quote(room_id, safe='')}"
    answer = alice.post(f"{where}?via={VICTIM}", {})
    assert answer.status == 200, answer.json
    assert rooms.get_state(alice, room_id, "m.room.create").json["room_version"] == version
    assert rooms.get_state(alice, room_id, "m.room.name").json == {"name": "true"}
    # Of the others the room says now what they are.
    assert room_id not in invites_of(alice)
    assert invites_of(other)[room_id]
    answer = other.post(f"{where}?via={VICTIM}", {})
    assert answer.status == 200, answer.json
    rooms.say(other, room_id, "hello")


def read_all(user: User, room_id: str) -> None:
    """Whatever may be asked of a room that somebody is invited to does not break."""
    where = f"{CLIENT}/rooms/{quote(room_id, safe='')}"
    for path in (
        f"{CLIENT}/sync",
        f"{CLIENT}/sync?full_state=true",
        f"{where}/state",
        f"{where}/members",
        f"{where}/messages?dir=b",
        f"{where}/initialSync",
        f"{CLIENT}/initialSync",
        f"/_matrix/client/v1/room_summary/{quote(room_id, safe='')}",
        f"/_matrix/client/v1/rooms/{quote(room_id, safe='')}/hierarchy",
    ):
        assert user.get(path).status in (200, 403, 404), path


@pytest.mark.parametrize("version", ["1", "3", "10", "11"])
def test_invites_that_contradict_each_other_break_nothing(
    a: Server, evil: Stranger, version: str
) -> None:
    alice, other = a.register("alice"), a.register("other")
    room_id = "!nowhere:victim.test"
    invite(evil, alice.user_id, room_id, version)
    for lie in ("1", "2", "4", "11", "6"):
        invite(evil, other.user_id, room_id, lie, depth=int(lie))
        read_all(alice, room_id)
        read_all(other, room_id)
    for user in (alice, other):
        answer = user.post(f"{CLIENT}/rooms/{quote(room_id, safe='')}/leave", {})
        assert answer.status == 200, answer.json
        read_all(user, room_id)
        assert room_id not in invites_of(user)


@pytest.mark.parametrize("version", [one for one in ROOM_VERSIONS if one != "12"])
def test_an_id_without_a_server_is_of_a_version_that_has_such(
    a: Server, victim: Server, evil: Stranger, version: str
) -> None:
    alice, vera = a.register("alice"), victim.register("vera")
    room_id = rooms.create(vera, "12")
    with refused(400, "M_INVALID_PARAM"):
        invite(evil, alice.user_id, room_id, version)
    assert invites_of(alice) == {}


def test_an_id_with_a_server_is_not(a: Server, evil: Stranger) -> None:
    with refused(400, "M_INVALID_PARAM"):
        invite(evil, a.register("alice").user_id, "!room:victim.test", "12")
