"""Rooms, "Redactions" of each version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.core import event_hash, redaction
from impl.core.room_version import ROOM_VERSIONS
from tests.core.room_builder import ALL_VERSIONS, before, since
from tests.core.test_canonical_json import texts, values

TYPES = [
    "m.room.aliases",
    "m.room.create",
    "m.room.history_visibility",
    "m.room.join_rules",
    "m.room.member",
    "m.room.message",
    "m.room.power_levels",
    "m.room.redaction",
]
TOP = {
    "event_id", "type", "room_id", "sender", "state_key", "content", "hashes", "signatures",
    "depth", "prev_events", "auth_events", "origin_server_ts",
}  # fmt: skip
LEVELS = {
    "ban", "events", "events_default", "kick", "redact", "state_default", "users", "users_default",
}  # fmt: skip
# Type, key of the content, first version where it survives, first version where it does not.
CONTENT = [
    ("m.room.member", "membership", "1", None),
    ("m.room.member", "join_authorised_via_users_server", "9", None),
    ("m.room.member", "displayname", None, None),
    ("m.room.create", "creator", "1", None),
    ("m.room.create", "room_version", "11", None),
    ("m.room.create", "org.example.anything", "11", None),
    ("m.room.join_rules", "join_rule", "1", None),
    ("m.room.join_rules", "allow", "8", None),
    *(("m.room.power_levels", name, "1", None) for name in sorted(LEVELS)),
    ("m.room.power_levels", "invite", "11", None),
    ("m.room.power_levels", "notifications", None, None),
    ("m.room.aliases", "aliases", "1", "6"),
    ("m.room.history_visibility", "history_visibility", "1", None),
    ("m.room.redaction", "redacts", "11", None),
    ("m.room.redaction", "reason", None, None),
    ("m.room.message", "body", None, None),
    ("m.room.topic", "topic", None, None),
]

pdus = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES)},
    optional={
        "content": st.dictionaries(
            st.sampled_from([key for _, key, _, _ in CONTENT] + ["third_party_invite"]), values
        ),
        "sender": texts,
        "unsigned": values,
        "signatures": values,
        "event_id": texts,
        "origin": values,
        "more": values,
    },
)


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize(("event_type", "key", "first", "last"), CONTENT)
def test_what_survives_of_the_content(event_type, key, first, last, version):
    survives = first is not None and version in since(first)
    survives = survives and (last is None or version in before(last))
    content = redaction.redact({"type": event_type, "content": {key: 1}}, ROOM_VERSIONS[version])[
        "content"
    ]
    assert content == ({key: 1} if survives else {})


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_what_survives_of_the_rest(version):
    old = {"prev_state", "origin", "membership"}
    pdu = dict.fromkeys([*TOP, *old, "unsigned", "redacts", "age_ts", "x"], 1)
    kept = redaction.redact({**pdu, "content": {}}, ROOM_VERSIONS[version])
    assert set(kept) == TOP | (old if version in before("11") else set())


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize(
    ("invite", "kept"),
    [
        ({"signed": {"a": 1}, "display_name": "x"}, {"third_party_invite": {"signed": {"a": 1}}}),
        ({"display_name": "x"}, {"third_party_invite": {}}),
        ("x", {}),
    ],
)
def test_since_version_11_a_third_party_invite_keeps_what_was_signed(invite, kept, version):
    pdu = {"type": "m.room.member", "content": {"third_party_invite": invite}}
    expected = kept if version in since("11") else {}
    assert redaction.redact(pdu, ROOM_VERSIONS[version])["content"] == expected


@given(pdus, st.sampled_from(ALL_VERSIONS))
def test_redaction_is_idempotent_and_keeps_the_event_id(pdu, version):
    room_version = ROOM_VERSIONS[version]
    original = dict(pdu)
    redacted = redaction.redact(pdu, room_version)
    assert pdu == original
    assert redaction.redact(redacted, room_version) == redacted
    if room_version.event_id_is_hash:
        event_id = event_hash.event_id_of(pdu, room_version)
        assert event_hash.event_id_of(redacted, room_version) == event_id


@pytest.mark.parametrize("content", [None, [], "x", 1])
@pytest.mark.parametrize("event_type", [None, [], {}, "m.room.member", "m.room.create"])
def test_what_has_no_content_gets_an_empty_one(content, event_type):
    redacted = redaction.redact({"type": event_type, "content": content}, ROOM_VERSIONS["12"])
    assert redacted["content"] == {}
