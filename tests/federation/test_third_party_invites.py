"""Third-party invites that users of other servers claim."""

import time
from typing import Any

import pytest

from impl.core import signing
from impl.core.unpadded_base64 import encode_base64
from tests.api.api_client import User
from tests.federation import rooms
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.stranger import Stranger, refused

A = "a.test"
IDENTITY = "identity.test"
IDENTITY_KEY = signing.new_signing_key(b"\x07" * 32, "0")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def stranger(network: Network) -> Stranger:
    return Stranger(network, "stranger.test", now_ms)


def a_room_with_a_pending_invite(alice: User) -> str:
    room_id = rooms.create(alice, preset="private_chat")
    content = {
        "display_name": "s...@example",
        "key_validity_url": "https://identity.test/valid",
        "public_key": encode_base64(IDENTITY_KEY.verify_key),
    }
    rooms.put_state(alice, room_id, "m.room.third_party_invite", content, "token")
    return room_id


def claim(alice: User, stranger: Stranger, room_id: str, **signed: Any) -> dict[str, Any]:
    about = {"mxid": stranger.user_id, "token": "token", **signed}
    invite = {
        "display_name": "s...@example",
        "signed": signing.sign_json(about, IDENTITY, IDENTITY_KEY),
    }
    return {
        "type": "m.room.member",
        "room_id": room_id,
        "sender": alice.user_id,
        "state_key": stranger.user_id,
        "content": {"membership": "invite", "third_party_invite": invite},
    }


def test_who_shows_the_signature_is_invited(
    alice: User, stranger: Stranger, network: Network
) -> None:
    room_id = a_room_with_a_pending_invite(alice)
    pdu = claim(alice, stranger, room_id)
    assert stranger.client.exchange_third_party_invite(A, room_id, pdu) == {}
    member = rooms.get_state(alice, room_id, "m.room.member", stranger.user_id).json
    assert member["membership"] == "invite"
    assert member["third_party_invite"]["signed"]["token"] == "token"
    # The invite went to the invited server, which has signed it.
    assert network.requests(A, stranger.name, "/invite/")
    stranger.join(A, room_id)


def test_what_proves_nothing(alice: User, stranger: Stranger) -> None:
    room_id = a_room_with_a_pending_invite(alice)
    good = claim(alice, stranger, room_id)
    exchange = stranger.client.exchange_third_party_invite
    content = good["content"]
    for fields in (
        {"type": "m.room.name"},
        {"room_id": "!another:a.test"},
        {"sender": "alice"},
        {"state_key": None},
        {"content": None},
        {"content": {**content, "membership": "join"}},
        {"content": {"membership": "invite"}},
        {"content": {"membership": "invite", "third_party_invite": {"signed": 1}}},
        {"content": {"membership": "invite", "third_party_invite": {"signed": {"mxid": "@a:b"}}}},
        claim(alice, stranger, room_id, token=1),
        claim(alice, stranger, room_id, mxid="@other:stranger.test"),
    ):
        with refused(400, "M_INVALID_PARAM"):
            exchange(A, room_id, {**good, **fields})
    forged = {
        **content["third_party_invite"]["signed"],
        "signatures": {IDENTITY: {"ed25519:0": "A"}},
    }
    for fields in (
        claim(alice, stranger, room_id, token="another"),
        {"sender": "@bob:a.test"},
        {"content": {**content, "third_party_invite": {"display_name": "", "signed": forged}}},
    ):
        with refused(403, "M_FORBIDDEN"):
            exchange(A, room_id, {**good, **fields})
    with refused(404, "M_NOT_FOUND"):
        exchange(A, "!unknown:a.test", {**good, "room_id": "!unknown:a.test"})
    assert rooms.membership(alice, room_id, stranger.user_id) is None


def test_nobody_claims_for_the_users_of_others(
    alice: User, stranger: Stranger, network: Network
) -> None:
    room_id = a_room_with_a_pending_invite(alice)
    other = Stranger(network, "other.test", now_ms)
    with refused(403, "M_FORBIDDEN"):
        other.client.exchange_third_party_invite(A, room_id, claim(alice, stranger, room_id))
    deny = {"allow": ["*"], "deny": ["stranger.test"]}
    rooms.put_state(alice, room_id, "m.room.server_acl", deny)
    with refused(403, "M_FORBIDDEN"):
        stranger.client.exchange_third_party_invite(A, room_id, claim(alice, stranger, room_id))


def test_identity_servers_have_no_say_here(a: Server, alice: User) -> None:
    body = {"medium": "email", "address": "a@b", "mxid": alice.user_id, "invites": []}
    answer = a.api.put("/_matrix/federation/v1/3pid/onbind", body)
    assert (answer.status, answer.errcode) == (403, "M_SERVER_NOT_TRUSTED")
