"""Restricted rooms: who may come in without an invite, and who vouches for it."""

import base64
from dataclasses import replace
from pathlib import Path

import nacl.signing
import pytest

from impl import errors
from impl.app import App
from impl.config import RateLimit
from impl.core import canonical_json
from impl.core.event_builder import Draft
from impl.services import membership, room_reading
from impl.services.restricted_joins import AUTHORISED_VIA
from tests import builders
from tests.builders import ALICE, BOB, CHARLIE, a_requester

alice, bob, charlie = a_requester(ALICE), a_requester(BOB), a_requester(CHARLIE)


def restricted(app: App, *room_ids: str, rule: str = "restricted", **options: object) -> str:
    """A room for the members of others."""
    allow = [{"type": "m.room_membership", "room_id": room_id} for room_id in room_ids]
    rules = Draft("m.room.join_rules", ALICE, {"join_rule": rule, "allow": allow}, "")
    return builders.a_room(app, first=[rules], **options)  # type: ignore[arg-type]


def member(app: App, room_id: str, user_id: str) -> dict:
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        key = ("m.room.member", user_id)
        return room_reading.current(app, txn, room, (key,))[key].content


@pytest.mark.parametrize("version", ["8", "11", "12"])
def test_a_member_of_the_other_room_comes_in_and_somebody_vouches(app: App, version: str) -> None:
    club = builders.a_room(app)
    room_id = restricted(app, "!unknown:elsewhere", club, room_version=version)
    with pytest.raises(errors.Forbidden):
        membership.join(app, bob, room_id)
    membership.join(app, bob, club)
    membership.join(app, bob, room_id)
    assert member(app, room_id, BOB) == {"membership": "join", AUTHORISED_VIA: ALICE}


def test_who_has_left_the_other_room_does_not(app: App) -> None:
    club = builders.a_room(app)
    room_id = restricted(app, club)
    membership.join(app, bob, club)
    membership.leave(app, bob, club)
    with pytest.raises(errors.Forbidden):
        membership.join(app, bob, room_id)


def test_an_invite_needs_no_condition_and_nobody_to_vouch(app: App) -> None:
    room_id = restricted(app)
    membership.invite(app, alice, room_id, BOB)
    membership.join(app, bob, room_id)
    assert member(app, room_id, BOB) == {"membership": "join"}


def test_the_banned_stay_out(app: App) -> None:
    club = builders.a_room(app)
    room_id = restricted(app, club)
    membership.join(app, bob, club)
    membership.ban(app, alice, room_id, BOB)
    with pytest.raises(errors.Forbidden):
        membership.join(app, bob, room_id)


def test_knock_restricted_is_both(app: App) -> None:
    club = builders.a_room(app)
    room_id = restricted(app, club, rule="knock_restricted")
    membership.join(app, bob, club)
    membership.join(app, bob, room_id)
    membership.knock(app, charlie, room_id)
    assert member(app, room_id, CHARLIE)["membership"] == "knock"


def test_who_vouches_has_the_power_to_invite_and_is_in_the_room(app: App) -> None:
    club = builders.a_room(app)
    levels = {"invite": 60, "users": {ALICE: 100, BOB: 60}}
    room_id = restricted(app, club, room_version="11")
    builders.append(app, room_id, Draft("m.room.power_levels", ALICE, levels, ""))
    for who in (bob, charlie):
        membership.join(app, who, club)
    membership.join(app, bob, room_id)
    membership.leave(app, alice, room_id)
    membership.join(app, charlie, room_id)
    assert member(app, room_id, CHARLIE)[AUTHORISED_VIA] == BOB
    membership.leave(app, bob, room_id)
    membership.leave(app, charlie, room_id)
    with pytest.raises(errors.Forbidden):
        membership.join(app, charlie, room_id)


@pytest.mark.parametrize(
    "allow",
    [
        None,
        {},
        "x",
        [5],
        [{}],
        [{"type": "m.room_membership"}],
        [{"type": "m.x", "room_id": "!a:b"}],
    ],
)
def test_conditions_that_cannot_be_read_let_nobody_in(app: App, allow: object) -> None:
    content = {"join_rule": "restricted", "allow": allow}
    room_id = builders.a_room(app, first=[Draft("m.room.join_rules", ALICE, content, "")])
    with pytest.raises(errors.Forbidden):
        membership.join(app, bob, room_id)


def test_as_state_it_is_the_same_and_the_client_cannot_say_who_vouches(app: App) -> None:
    club = builders.a_room(app)
    room_id = restricted(app, club)
    said = {"membership": "join", AUTHORISED_VIA: ALICE}
    with pytest.raises(errors.Forbidden):
        membership.put_content(app, bob, room_id, BOB, said)
    membership.join(app, bob, club)
    membership.put_content(app, bob, room_id, BOB, {**said, AUTHORISED_VIA: CHARLIE})
    assert member(app, room_id, BOB)[AUTHORISED_VIA] == ALICE


def third_party(key: nacl.signing.SigningKey, user_id: str, token: str = "token") -> dict:
    """What an identity server signs for the one who was meant."""
    signed = {"mxid": user_id, "token": token}
    signature = key.sign(canonical_json.encode(signed)).signature
    text = base64.b64encode(signature).decode().rstrip("=")
    return {**signed, "sender": ALICE, "signatures": {"id.example": {"ed25519:0": text}}}


def test_a_third_party_invite_is_redeemed_with_the_identity_servers_signature(app: App) -> None:
    key = nacl.signing.SigningKey(b"\x02" * 32)
    public = base64.b64encode(bytes(key.verify_key)).decode().rstrip("=")
    content = {
        "display_name": "b...",
        "public_key": public,
        "public_keys": [{"public_key": public}],
    }
    room_id = builders.a_room(
        app,
        join_rule="invite",
        first=[Draft("m.room.third_party_invite", ALICE, content, "token")],
    )
    other_key = nacl.signing.SigningKey(b"\x03" * 32)
    for wrong in (
        third_party(other_key, BOB),
        third_party(key, CHARLIE),
        third_party(key, BOB, "another token"),
    ):
        with pytest.raises(errors.Forbidden):
            membership.join(app, bob, room_id, None, wrong)
    membership.join(app, bob, room_id, None, third_party(key, BOB))
    assert member(app, room_id, BOB) == {"membership": "join"}


def test_too_many_joins_of_one_room_are_refused_and_those_who_are_in_it_are_not(new_app) -> None:
    limits = replace(builders.a_config(Path()).rate_limits, rc_joins_per_room=RateLimit(0.001, 1))
    app = new_app(rate_limits=limits)
    room_id, other = builders.a_room(app), builders.a_room(app)
    membership.join(app, bob, room_id)
    membership.join(app, bob, room_id)
    with pytest.raises(errors.LimitExceeded):
        membership.join(app, charlie, room_id)
    with pytest.raises(errors.LimitExceeded):
        membership.put_content(app, charlie, room_id, CHARLIE, {"membership": "join"})
    membership.join(app, charlie, other)
