"""Whatever another server sends raises Malformed or Rejected, or passes, and nothing else."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impl.core import (
    event_format,
    event_hash,
    history_visibility,
    identifiers,
    redaction,
    server_acl,
    signing,
)
from impl.core.auth import rules, selection
from impl.core.event import Event
from impl.core.power_levels import PowerLevels
from impl.core.rejection import Malformed, Rejected
from impl.core.room_version import ROOM_VERSIONS
from tests.core.room_builder import ALICE, ALL_VERSIONS, BOB, KEY, Room

TYPES = [
    "m.room.aliases",
    "m.room.create",
    "m.room.join_rules",
    "m.room.member",
    "m.room.power_levels",
    "m.room.redaction",
    "m.room.third_party_invite",
    "m.room.message",
]
KEYS = [
    *("additional_creators", "allow", "ban", "creator", "events", "invite", "join_rule"),
    *("join_authorised_via_users_server", "m.federate", "membership", "notifications"),
    *("public_key", "public_keys", "redacts", "room_version", "signed", "state_default"),
    *("third_party_invite", "token", "mxid", "signatures", "users", "users_default", "ed25519:a"),
    *("allow_ip_literals", "deny", "history_visibility", "notifications", "room", "redact"),
]
WORDS = [ALICE, BOB, "join", "invite", "leave", "ban", "knock", "public", "restricted", "token"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**53, 2**64, -(2**70), 10**400])
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([*WORDS, "\ud800", "12", " 1 ", "1_0", ""])
)
names = st.sampled_from([*KEYS, *WORDS]) | st.text(max_size=3)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)
contents = st.dictionaries(names, anything, max_size=6)
hostile_changes = st.dictionaries(
    st.sampled_from(
        [
            *("type", "sender", "state_key", "room_id", "content", "depth", "origin_server_ts"),
            *("prev_events", "auth_events", "hashes", "signatures", "unsigned", "event_id"),
            *("redacts", "origin", "membership", "prev_state"),
        ]
    ),
    anything,
    max_size=3,
)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": [value]}
    return value


def read_everything(event: Event) -> None:
    """Each field that somebody asks for is of the type that they count on."""
    for text in (event.type, event.sender, event.room_id, event.event_id):
        assert isinstance(text, str) and len(text.encode()) <= 255 and "\0" not in text
    assert event.state_key is None or isinstance(event.state_key, str)
    assert event.redacts is None or isinstance(event.redacts, str)
    assert abs(event.origin_server_ts) < 2**63 and 0 <= event.depth < 2**63
    for event_id in [*event.prev_event_ids, *event.auth_event_ids]:
        assert isinstance(event_id, str) and len(event_id.encode()) <= 255
    levels = PowerLevels(event.content, frozenset({ALICE}), event.room_version)
    assert isinstance(levels.user(BOB) + levels.notification("room") + levels.redact, int)
    history_visibility.read(event.content.get("history_visibility"))
    server_acl.is_allowed("one.example:8448", event.content)
    required_servers(event)


def required_servers(event: Event) -> None:
    try:
        servers = signing.required_servers(event.pdu, event.room_version)
    except Malformed:
        return
    assert all(map(identifiers.is_server_name, servers))


def take_in(pdu: dict[str, Any], made: Room) -> Event | None:
    """All that is done with a PDU; None if it is malformed."""
    version = made.version
    try:
        redaction.redact(pdu, version)
        event_format.check(pdu, version)
        event = Event.from_pdu(pdu, version)
        event_hash.has_its_content(pdu, version)
        read_everything(event)
        signed = signing.sign_event(pdu, version, "here.example", KEY)
        signing.verify_event(signed, version, "here.example", "ed25519:test", KEY.verify_key)
    except Malformed:
        return None
    selection.auth_types(version, event.type, event.sender, event.state_key, event.content)
    for check in (
        lambda: rules.check_state_independent(event, made.events),
        lambda: rules.check_state_dependent(event, made.state),
    ):
        try:
            check()
        except Rejected:
            pass
    return event


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ALL_VERSIONS), st.sampled_from(TYPES), contents, hostile_changes)
def test_any_event_is_answered(version, event_type, content, changes):
    made = Room(version).begin()
    pdu = dict(made.event("m.room.member", BOB, {}, BOB).pdu)
    take_in({**pdu, "type": event_type, "content": content, **changes}, made)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(ALL_VERSIONS),
    st.dictionaries(st.sampled_from(TYPES), contents, min_size=1),
    st.sampled_from(TYPES),
    contents,
)
def test_any_state_is_read(version, state_contents, event_type, content):
    made = Room(version).begin()
    event = made.event("m.room.message", BOB, {})
    made.is_in(BOB, "join")
    for state_type, state_content in state_contents.items():
        for state_key in ("", "token", BOB):
            pdu = {
                **event.pdu,
                "type": state_type,
                "content": state_content,
                "state_key": state_key,
            }
            if state_type != "m.room.create" or version != "12":
                made.state[state_type, state_key] = Event(pdu, made.version, "$" + state_type)
    levels = PowerLevels.of(
        made.state["m.room.power_levels", ""], made.state["m.room.create", ""], made.version
    )
    assert isinstance(levels.user(BOB), int)
    assert isinstance(levels.event("m.room.message", is_state=True), int)
    take_in({**event.pdu, "type": event_type, "content": content, "state_key": BOB}, made)
    take_in({**event.pdu, "type": event_type, "content": content}, made)


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("event_type", TYPES)
def test_deep_nesting_is_malformed(event_type, version):
    made = Room(version).begin()
    pdu = made.event("m.room.member", BOB, {"membership": "join"}, BOB).pdu
    deep = nested(50_000)
    for change in (
        {"content": {"users": deep}},
        {"content": {"third_party_invite": deep}},
        {"prev_events": [deep]},
        {"hashes": {"sha256": deep}},
        {"signatures": {"a": {"b": deep}}},
        {"unsigned": deep},
    ):
        assert take_in({**pdu, "type": event_type, **change}, made) is None


@pytest.mark.parametrize("version", ROOM_VERSIONS)
def test_a_third_party_invite_with_a_thousand_keys_takes_no_time(version):
    made = Room(version).begin()
    key = signing.encode_base64(b"\x07" * 32)
    keys = {"public_keys": [{"public_key": key}] * 500}
    made.send("m.room.third_party_invite", ALICE, keys, "token")
    signature = signing.encode_base64(b"\x07" * 64)
    signed = {
        "mxid": BOB,
        "token": "token",
        "signatures": {"a": {f"ed25519:{number}": signature for number in range(500)}},
    }
    assert not made.may_set(ALICE, BOB, "invite", third_party_invite={"signed": signed})
