"""Rooms with a policy server: what comes from elsewhere, and what our users send. S-S API, "Policy
Servers".
"""

import json
from typing import Any

import pytest

from impl import errors
from impl.app import App
from impl.core import policy_server, signing
from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.core.rejection import Malformed
from impl.core.unpadded_base64 import encode_base64
from impl.jobs import forward_extremities
from impl.outbound.wire import WireResponse
from impl.services import membership, messages, posting, room_reading, room_state
from impl.services.federation_serving import handshake
from impl.services.room_events.submission import Submission
from impl.services.visibility import DUMMY_EVENT
from impl.storage import branching_rooms
from tests.builders import ALICE, SERVER_NAME, a_requester, append, member, message
from tests.federation.fake_wire import Network
from tests.services import sync_client
from tests.services.incoming.site import Site, let_in, put, settle
from tests.services.room_events.elsewhere import (
    DAVE,
    ELSEWHERE,
    EVELYN,
    FRANK,
    Elsewhere,
    a_room_elsewhere,
)
from tests.services.room_events.inspection import extremity_ids, stored, timeline_ids

PS_KEY = signing.new_signing_key(b"\x07" * 32, "policy_server")
OTHER_KEY = signing.new_signing_key(b"\x08" * 32, "policy_server")
Json = dict[str, Any]


def policy(via: object = ELSEWHERE, key: signing.SigningKey = PS_KEY, **changes: Any) -> Json:
    keys = {"ed25519": encode_base64(key.verify_key)}
    return {"via": via, "public_keys": keys, **changes}


def sign(pdu: Json, key: signing.SigningKey = PS_KEY, version: str = "11") -> Json:
    room_version = a_room_elsewhere(version).version
    signed = signing.countersign_event({**pdu, "signatures": {}}, room_version, ELSEWHERE, key)
    return signed["signatures"]


def refuse(status: int = 400, **body: Any) -> WireResponse:
    return WireResponse(status, {}, json.dumps(body).encode())


def a_room(site: Site, content: Json | None = None) -> Elsewhere:
    room = a_room_elsewhere()
    room.add(Draft("m.room.policy", DAVE, policy() if content is None else content, ""))
    site.answers["sign"] = lambda pdu: sign(pdu)
    return room


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (policy(), True),
        (policy("elsewhere.example:8448"), True),
        ({}, False),
        (policy(5), False),
        (policy("not a name"), False),
        ({"via": ELSEWHERE}, False),
        (policy(public_keys=[]), False),
        (policy(public_keys={"ed25519": 5}), False),
        (policy(public_keys={"ed25519": "AAAA"}), False),
        (policy(public_keys={"ed25519": "?"}), False),
        (policy(public_keys={"curve": "AAAA"}), False),
    ],
)
def test_what_names_a_policy_server(content: Json, is_one: bool) -> None:
    assert (policy_server.read(content) is not None) is is_one


# What comes from elsewhere.


def test_what_it_signs_is_taken(app: App, site: Site) -> None:
    room = a_room(site)
    room_id = let_in(app, site, room)
    event = room.add(message(EVELYN, "fine"))
    put(app, event)
    assert timeline_ids(app, room_id)[-1] == event.event_id
    pdu = stored(app, room_id, event.event_id).event.pdu
    assert set(pdu["signatures"][ELSEWHERE]) == {"ed25519:else", policy_server.KEY_ID}
    assert site.asked("sign") == 1


def test_what_bears_its_signature_is_not_shown_to_it_again(app: App, site: Site) -> None:
    room = a_room(site)
    room_id = let_in(app, site, room)
    event = room.add(message(EVELYN, "fine"))
    of_server = {**event.pdu["signatures"][ELSEWHERE], **sign(event.pdu)[ELSEWHERE]}
    put(app, {**event.pdu, "signatures": {ELSEWHERE: of_server}})
    assert timeline_ids(app, room_id)[-1] == event.event_id
    assert site.asked("sign") == 0
    # Its key is not looked for among those that the server publishes.
    assert site.asked("server") == 1


ANSWERS: list[Any] = [
    refuse(errcode="M_FORBIDDEN", error="spam"),
    refuse(404, errcode="M_UNRECOGNIZED"),
    refuse(500),
    {},
    {ELSEWHERE: {}},
    {ELSEWHERE: {"ed25519:policy_server": 5}},
    {ELSEWHERE: {"ed25519:policy_server": "AAAA"}},
    {ELSEWHERE: "x"},
    {"other.example": {"ed25519:policy_server": "AAAA"}},
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_it_does_not_sign_is_not_shown_to_anybody(app: App, site: Site, answer: Any) -> None:
    room = a_room(site)
    room_id = let_in(app, site, room)
    before = extremity_ids(app, room_id)
    site.answers["sign"] = lambda pdu: answer
    event = room.add(message(EVELYN, "spam"))
    assert put(app, event) == {event.event_id: {}}
    assert stored(app, room_id, event.event_id).is_soft_failed
    assert event.event_id not in timeline_ids(app, room_id)
    assert extremity_ids(app, room_id) == before


def test_a_signature_by_another_key_is_none(app: App, site: Site) -> None:
    room = a_room(site)
    room_id = let_in(app, site, room)
    site.answers["sign"] = lambda pdu: sign(pdu, OTHER_KEY)
    event = room.add(message(EVELYN, "fine"))
    put(app, event)
    assert stored(app, room_id, event.event_id).is_soft_failed


def test_who_does_not_answer_is_asked_once(app: App, site: Site, network: Network) -> None:
    room = a_room(site)
    room_id = let_in(app, site, room)
    put(app, room.add(member(EVELYN, "join", displayname="E")))
    events = [room.add(message(EVELYN, f"{n}")) for n in range(15)]
    network.cut(SERVER_NAME, ELSEWHERE)
    asked = site.asked("sign")
    put(app, *events)
    assert all(stored(app, room_id, one.event_id).is_soft_failed for one in events)
    assert site.asked("sign") <= asked + 10


def test_the_event_that_names_it_needs_no_signature(app: App, site: Site) -> None:
    room = a_room(site)
    room_id = let_in(app, site, room)
    site.answers["sign"] = None
    gone = room.add(Draft("m.room.policy", DAVE, {}, ""))
    put(app, gone)
    assert timeline_ids(app, room_id)[-1] == gone.event_id
    free = room.add(message(EVELYN, "free"))
    put(app, free)
    assert timeline_ids(app, room_id)[-1] == free.event_id
    # Others of its type do.
    assert site.asked("sign") == 0


@pytest.mark.parametrize(
    "content", [{}, policy("third.example"), {"via": ELSEWHERE}, policy(public_keys={})]
)
def test_a_room_without_one_asks_nobody(app: App, site: Site, content: Json) -> None:
    room = a_room(site, content)
    room_id = let_in(app, site, room)
    event = room.add(message(EVELYN, "fine"))
    put(app, event)
    assert timeline_ids(app, room_id)[-1] == event.event_id
    assert site.asked("sign") == 0


def test_what_is_fetched_for_a_gap_is_shown_to_it_too(app: App, site: Site) -> None:
    room = a_room(site)
    room_id = let_in(app, site, room)
    spam = room.add(message(EVELYN, "spam"))
    event = room.add(message(DAVE, "fine"))
    site.answers["sign"] = lambda pdu: (
        refuse(errcode="M_FORBIDDEN") if pdu["content"]["body"] == "spam" else sign(pdu)
    )
    put(app, event)
    settle(app)
    assert timeline_ids(app, room_id)[-1] == event.event_id
    assert stored(app, room_id, spam.event_id).is_soft_failed


# What our users send.


def say(app: App, room_id: str, body: str, txn_id: str = "one") -> str:
    content = {"msgtype": "m.text", "body": body}
    return messages.send(app, a_requester(ALICE), room_id, "m.room.message", txn_id, content)


def test_what_our_users_send_bears_its_signature(app: App, site: Site) -> None:
    room = a_room(site)
    room_id = let_in(app, site, room)
    event_id = say(app, room_id, "hello")
    event = stored(app, room_id, event_id).event
    found = policy_server.read(policy())
    assert found is not None and found.has_signed(event)
    assert set(event.pdu["signatures"]) == {SERVER_NAME, ELSEWHERE}
    assert extremity_ids(app, room_id) == {event_id}
    synced = sync_client.ask(app, ALICE)["rooms"]["join"][room_id]["timeline"]["events"][-1]
    assert (synced["event_id"], synced["unsigned"]["transaction_id"]) == (event_id, "one")
    # Others are sent it.
    with app.database.read() as txn:
        txn.execute("SELECT is_outgoing FROM timeline ORDER BY position DESC LIMIT 1")
        assert txn.fetchone() == (True,)


def test_the_same_transaction_is_asked_about_once(app: App, site: Site) -> None:
    room = a_room(site)
    room_id = let_in(app, site, room)
    first = say(app, room_id, "hello")
    assert site.asked("sign") == 1
    site.answers["sign"] = None
    assert say(app, room_id, "hello") == first
    assert timeline_ids(app, room_id).count(first) == 1


def test_what_it_refuses_is_not_sent_and_the_sender_hears_why(app: App, site: Site) -> None:
    room = a_room(site)
    room_id = let_in(app, site, room)
    before = timeline_ids(app, room_id)
    answer = refuse(429, errcode="M_LIMIT_EXCEEDED", error="slowly", retry_after_ms=5)
    site.answers["sign"] = lambda pdu: answer
    with pytest.raises(errors.MatrixError) as refused:
        say(app, room_id, "hello")
    assert refused.value.status == 429
    assert refused.value.as_json() == {
        "errcode": "M_LIMIT_EXCEEDED",
        "error": "slowly",
        "retry_after_ms": 5,
    }
    assert timeline_ids(app, room_id) == before


@pytest.mark.parametrize(
    "answer", [{}, {ELSEWHERE: {"ed25519:policy_server": "AAAA"}}, refuse(500)]
)
def test_where_it_gives_no_signature_nothing_is_sent(app: App, site: Site, answer: Any) -> None:
    room = a_room(site)
    room_id = let_in(app, site, room)
    before = timeline_ids(app, room_id)
    site.answers["sign"] = lambda pdu: answer
    with pytest.raises(errors.MatrixError) as refused:
        say(app, room_id, "hello")
    assert refused.value.status == 502
    assert timeline_ids(app, room_id) == before


def test_state_is_shown_to_it_and_what_is_so_already_is_not(app: App, site: Site) -> None:
    room = a_room(site)
    room.add(Draft("m.room.power_levels", DAVE, {"users": {DAVE: 100, ALICE: 100}}, ""))
    room_id = let_in(app, site, room)
    alice = a_requester(ALICE)

    def name(text: str) -> str:
        return room_state.put(app, alice, room_id, "m.room.name", "", {"name": text})

    first = name("one")
    assert ELSEWHERE in stored(app, room_id, first).event.pdu["signatures"]
    assert name("one") == first
    assert site.asked("sign") == 1
    # Nobody needs it to be rid of it.
    site.answers["sign"] = None
    room_state.put(app, alice, room_id, "m.room.policy", "", {})
    assert name("two") != first
    assert site.asked("sign") == 1


def test_what_the_rules_refuse_is_not_shown_to_it(app: App, site: Site) -> None:
    room = a_room(site)
    room_id = let_in(app, site, room)
    with pytest.raises(errors.Forbidden):
        room_state.put(app, a_requester(ALICE), room_id, "m.room.name", "", {"name": "x"})
    assert site.asked("sign") == 0


def test_whoever_leaves_needs_nobodys_leave(app: App, site: Site, network: Network) -> None:
    room = a_room(site)
    room_id = let_in(app, site, room)
    network.cut(SERVER_NAME, ELSEWHERE)
    membership.leave(app, a_requester(ALICE), room_id, None)
    assert timeline_ids(app, room_id)[-1] in extremity_ids(app, room_id)


def test_several_drafts_are_shown_to_it_one_by_one(app: App, site: Site) -> None:
    room = a_room(site)
    room_id = let_in(app, site, room)
    drafts = [message(ALICE, "one"), message(ALICE, "two")]
    event_ids = posting.submit(app, Submission(room_id, drafts))
    assert timeline_ids(app, room_id)[-2:] == event_ids
    first, second = (stored(app, room_id, one).event for one in event_ids)
    assert second.prev_event_ids == [first.event_id]
    assert site.asked("sign") == 2


def a_branching_room(app: App, site: Site) -> str:
    """With more branches than are left alone, and Alice, who may send."""
    room = a_room(site)
    room.add(member(ALICE, "join"))
    base = room.last
    room_id = let_in(app, site, room)
    put(app, *(room.add(message(DAVE, str(n)), [base]) for n in range(11)))
    assert len(extremity_ids(app, room_id)) == 11
    return room_id


def test_what_joins_branches_bears_its_signature(app: App, site: Site) -> None:
    room_id = a_branching_room(app, site)
    forward_extremities.join_branches(app)
    assert len(extremity_ids(app, room_id)) == 2
    event = stored(app, room_id, timeline_ids(app, room_id)[-1]).event
    assert (event.type, event.sender) == (DUMMY_EVENT, ALICE)
    assert policy_server.KEY_ID in event.pdu["signatures"][ELSEWHERE]


@pytest.mark.parametrize("answer", [refuse(errcode="M_FORBIDDEN", error="spam"), refuse(500), {}])
def test_branches_stay_where_it_does_not_let_them_be_joined(
    app: App, site: Site, answer: Any
) -> None:
    room_id = a_branching_room(app, site)
    site.answers["sign"] = lambda pdu: answer
    before = timeline_ids(app, room_id)
    forward_extremities.join_branches(app)
    assert timeline_ids(app, room_id) == before
    with app.database.read() as txn:
        assert branching_rooms.list_due(txn, app.now_ms(), 10) == []
        # It may have been away for a moment, or may never want it.
        hour_ms = 3_600_000
        is_due = bool(branching_rooms.list_due(txn, app.now_ms() + hour_ms, 10))
    assert is_due is (not isinstance(answer, WireResponse) or answer.status == 500)


def test_who_sends_past_it_is_not_held_up(app: App, site: Site) -> None:
    """Such as our own jobs."""
    room = a_room(site)
    room_id = let_in(app, site, room)
    (event_id,) = append(app, room_id, message(ALICE, "hello"))
    assert timeline_ids(app, room_id)[-1] == event_id
    assert site.asked("sign") == 0


def test_an_event_is_as_it_was_but_for_the_signature(site: Site) -> None:
    room = a_room(site)
    event = room.add(message(EVELYN, "x"))
    signature = policy_server.signature_in(sign(event.pdu), ELSEWHERE)
    assert signature is not None
    signed = policy_server.with_signature(event, ELSEWHERE, signature)
    assert Event.from_pdu(signed.pdu, room.version).event_id == event.event_id
    signing.verify_event(
        signed.pdu, room.version, ELSEWHERE, policy_server.KEY_ID, PS_KEY.verify_key
    )
    with pytest.raises(Malformed):
        signing.verify_event(
            event.pdu, room.version, ELSEWHERE, policy_server.KEY_ID, PS_KEY.verify_key
        )


def test_who_joins_through_us_is_shown_to_it(app: App, site: Site) -> None:
    room = a_room(site)
    let_in(app, site, room)
    with app.database.read() as txn:
        found = room_reading.get(app, txn, room.create.room_id)
    welcome = handshake.append(app, found, room.add(member(FRANK, "join")))
    assert policy_server.KEY_ID in welcome.event.pdu["signatures"][ELSEWHERE]
    site.answers["sign"] = lambda pdu: refuse(errcode="M_FORBIDDEN")
    with pytest.raises(errors.Forbidden):
        handshake.append(app, found, room.add(member(f"@spam:{ELSEWHERE}", "join")))
    gone = handshake.append(app, found, room.add(member(FRANK, "leave"), [welcome.event_id]))
    assert not gone.is_soft_failed
