"""Templates of joins that are not what was asked for: nothing of them is signed."""

from typing import Any

from tests.api.api_client import User
from tests.builders import ALICE, SERVER_NAME
from tests.services.remote_membership.resident import Resident, join
from tests.services.room_events.elsewhere import DAVE, ELSEWHERE

BOB = f"@bob:{SERVER_NAME}"
NO_ID = "$" + "x" * 300


def test_a_good_template_is_a_join(bob: User, resident: Resident) -> None:
    assert join(bob, resident.room_id).status == 200


WRONG: list[dict[str, Any]] = [
    {"sender": DAVE},
    {"sender": ALICE},
    {"state_key": ALICE},
    {"state_key": "left out"},
    {"room_id": f"!other:{ELSEWHERE}"},
    {"room_id": None},
    {"type": "m.room.power_levels"},
    {"content": None},
    {"content": {"membership": "leave"}},
    {"content": {"membership": ["join"]}},
    {"depth": -1},
    {"depth": 1.5},
    {"depth": True},
    {"depth": "left out"},
    {"prev_events": "$x"},
    {"prev_events": [f"${number:043}" for number in range(21)]},
    {"prev_events": [NO_ID]},
    {"prev_events": ["$\ud800"]},
    {"prev_events": [[f"${'x' * 43}", {}]]},
    {"auth_events": None},
    {"auth_events": [f"${number:043}" for number in range(11)]},
    {"auth_events": [f"${number:043}" for number in range(1_000)]},
    {"auth_events": [1]},
]


def test_what_was_not_asked_for_is_not_signed(bob: User, resident: Resident) -> None:
    for template in WRONG:
        resident.template = template
        answer = join(bob, resident.room_id)
        assert answer.status == 502, template
        assert answer.json["errcode"] == "M_UNKNOWN"
        assert ELSEWHERE in answer.json["error"]
        assert resident.sent == [], template


def test_a_depth_beyond_all_is_the_greatest(bob: User, resident: Resident) -> None:
    resident.template = {"depth": 10**400}
    assert join(bob, resident.room_id).status == 200
    assert resident.sent[0]["depth"] == 2**53 - 1


def test_a_version_that_cannot_be_is_none(bob: User, resident: Resident) -> None:
    """Unknown ones, and such as a room of that id cannot have."""
    for version in ("99", "org.evil.7", 11, None, ["11"], "12", "x" * 100_000):
        resident.version = {"room_version": version}
        answer = join(bob, resident.room_id)
        assert answer.status == 502 and len(answer.json["error"]) < 1_000
        assert resident.sent == []


def test_what_else_is_in_it_is_not_ours(bob: User, resident: Resident) -> None:
    resident.template = {
        "origin": "evil.test",
        "redacts": "$x",
        "hashes": {"sha256": "x"},
        "signatures": {SERVER_NAME: {"ed25519:a_key": "x"}},
        "unsigned": {"age": 1},
        "org.evil.field": {},
        "origin_server_ts": 2**53,
        "event_id": "$evil:evil.test",
    }
    resident.content = {"displayname": "Evil", "is_direct": True, "third_party_invite": {}}
    assert join(bob, resident.room_id).status == 200
    (sent,) = resident.sent
    assert sent["content"].keys() <= {"membership", "displayname"}
    assert sent["content"].get("displayname") != "Evil"
    names = {"auth_events", "content", "depth", "hashes", "origin", "origin_server_ts"}
    names |= {"prev_events", "room_id", "sender", "signatures", "state_key", "type"}
    assert sent.keys() <= names and sent.get("origin", SERVER_NAME) == SERVER_NAME


def test_nobody_of_ours_vouches_unasked(bob: User, resident: Resident) -> None:
    """Our signature on the join would be theirs on the voucher's word, and a restricted room open
    to whoever asks a server that lies.
    """
    for voucher in (ALICE, BOB, f"@nobody:{SERVER_NAME}", f"@alice:{SERVER_NAME.upper()}"):
        resident.content = {"join_authorised_via_users_server": voucher}
        answer = join(bob, resident.room_id)
        assert answer.status == 502 and resident.sent == []
