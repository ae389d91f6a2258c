"""Appendices, "Signing JSON", "Cryptographic Test Vectors"; S-S API, "Signing Events"."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.core import event_hash, redaction, signing
from impl.core.rejection import Malformed
from impl.core.room_version import ROOM_VERSIONS
from tests.core.room_builder import ALL_VERSIONS, before
from tests.core.test_canonical_json import texts, values

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/signing.json").read_text())
NAME, KEY_ID = VECTORS["server_name"], VECTORS["key_id"]
KEY = signing.new_signing_key(signing.decode_base64(VECTORS["seed"]), "1")
V1, V12 = ROOM_VERSIONS["1"], ROOM_VERSIONS["12"]


@pytest.mark.parametrize("vector", VECTORS["json"])
def test_json_is_signed_as_in_the_specification(vector):
    assert signing.sign_json(vector["unsigned"], NAME, KEY) == vector["signed"]
    signing.verify_json(vector["signed"], NAME, KEY_ID, KEY.verify_key)


@pytest.mark.parametrize("vector", VECTORS["events"])
def test_events_are_hashed_and_signed_as_in_the_specification(vector):
    assert signing.sign_event(vector["unsigned"], V1, NAME, KEY) == vector["signed"]
    signing.verify_event(vector["signed"], V1, NAME, KEY_ID, KEY.verify_key)


@given(st.dictionaries(texts, values))
def test_what_was_signed_verifies(value):
    value.pop("signatures", None)
    signed = signing.sign_json(value, NAME, KEY)
    signing.verify_json({**signed, "unsigned": {"age": 1}}, NAME, KEY_ID, KEY.verify_key)
    with pytest.raises(Malformed):
        signing.verify_json({**signed, "more": 1.5}, NAME, KEY_ID, KEY.verify_key)


@given(
    st.sampled_from(ALL_VERSIONS),
    st.sampled_from(["m.room.member", "m.room.create", "m.room.power_levels", "m.room.message"]),
    st.dictionaries(st.sampled_from(["membership", "creator", "ban", "users"]) | texts, values),
)
def test_an_event_that_was_signed_verifies_and_so_does_its_redaction(version, event_type, content):
    room_version = ROOM_VERSIONS[version]
    pdu = {"type": event_type, "sender": "@a:domain", "content": content, "depth": 1}
    signed = signing.sign_event(pdu, room_version, NAME, KEY)
    assert event_hash.has_its_content(signed, room_version)
    for received in (signed, redaction.redact(signed, room_version), {**signed, "unsigned": {}}):
        signing.verify_event(received, room_version, NAME, KEY_ID, KEY.verify_key)
    for changed in ({"depth": 2}, {"sender": "@b:domain"}, {"hashes": {"sha256": ""}}):
        with pytest.raises(Malformed):
            received = {**signed, **changed}
            signing.verify_event(received, room_version, NAME, KEY_ID, KEY.verify_key)


def test_signatures_of_others_are_kept_and_the_signed_is_not_changed():
    other = signing.new_signing_key(b"\x02" * 32, "2")
    once = signing.sign_json({"a": 1}, NAME, KEY)
    twice = signing.sign_json(once, "elsewhere", other)
    both = signing.sign_json(twice, NAME, other)
    assert set(once["signatures"]) == {NAME}
    assert set(both["signatures"][NAME]) == {"ed25519:1", "ed25519:2"}
    signing.verify_json(both, NAME, KEY_ID, KEY.verify_key)
    signing.verify_json(both, "elsewhere", "ed25519:2", other.verify_key)


def test_the_signature_of_an_event_holds_for_its_redaction_only_as_far_as_it_covers():
    event = {"type": "m.room.member", "content": {"membership": "join", "displayname": "A"}}
    signed = signing.sign_event(event, V12, NAME, KEY)
    signing.verify_event(redaction.redact(signed, V12), V12, NAME, KEY_ID, KEY.verify_key)
    changed = {**signed, "content": {"membership": "ban"}}
    with pytest.raises(Malformed):
        signing.verify_event(changed, V12, NAME, KEY_ID, KEY.verify_key)


@pytest.mark.parametrize(
    "signatures",
    [None, [], "x", {}, {NAME: None}, {NAME: []}, {NAME: {}}, {NAME: {KEY_ID: 1}}]
    + [{NAME: {KEY_ID: text}} for text in ("", "AA", "!", "é", "\ud800", "A" * 86)],
)
def test_hostile_signatures_are_malformed(signatures):
    with pytest.raises(Malformed):
        signing.verify_json({"signatures": signatures}, NAME, KEY_ID, KEY.verify_key)


@pytest.mark.parametrize("verify_key", [b"", b"x" * 31, b"\xff" * 32])
def test_a_key_that_is_none_is_malformed(verify_key):
    with pytest.raises(Malformed):
        signing.verify_json(VECTORS["json"][0]["signed"], NAME, KEY_ID, verify_key)


@pytest.mark.parametrize(
    "envelope", [{"signatures": []}, {"signatures": {"a": 1}}, {"hashes": "x"}]
)
def test_an_event_whose_envelope_cannot_be_read_is_not_signed(envelope):
    with pytest.raises(Malformed):
        signing.sign_event({"type": "X", "content": {}, **envelope}, V12, NAME, KEY)


def test_a_key_file_round_trips():
    line = signing.write_signing_key(KEY)
    # The last letter of the specification's seed holds two bits more than a seed.
    assert line == f"ed25519 1 {VECTORS['seed'][:-1]}0\n"
    (read,) = signing.read_signing_keys(line)
    assert (read.key_id, read.verify_key) == (KEY.key_id, KEY.verify_key)


def test_a_key_file_may_hold_several_keys_and_empty_lines():
    text = f"ed25519 a_new {VECTORS['seed']}\n\ned25519 a_old {VECTORS['seed']}\n"
    assert [key.key_id for key in signing.read_signing_keys(text)] == [
        "ed25519:a_new",
        "ed25519:a_old",
    ]


@pytest.mark.parametrize("text", ["", "ed25519 a", "rsa a AAAA", "ed25519 a AAAA", "ed25519 a !!"])
def test_a_broken_key_file_is_malformed(text):
    with pytest.raises(Malformed):
        signing.read_signing_keys(text)


def test_a_key_does_not_show_itself():
    assert VECTORS["seed"][:10] not in repr(KEY)


def required(version: str, event_type: str = "m.room.member", **content: object) -> set[str]:
    event = {"type": event_type, "sender": "@a:one", "event_id": "$x:two", "content": content}
    return set(signing.required_servers(event, ROOM_VERSIONS[version]))


@pytest.mark.parametrize(
    ("version", "content", "servers"),
    [
        ("2", {}, {"one", "two"}),
        ("3", {}, {"one"}),
        ("2", {"membership": "invite", "third_party_invite": {}}, {"two"}),
        ("12", {"membership": "invite", "third_party_invite": {}}, set()),
        ("12", {"membership": "join", "third_party_invite": {}}, {"one"}),
        ("7", {"join_authorised_via_users_server": "@b:three"}, {"one"}),
        ("8", {"join_authorised_via_users_server": "@b:three"}, {"one", "three"}),
        ("12", {"join_authorised_via_users_server": "@b:one"}, {"one"}),
    ],
)
def test_whose_signature_is_required(version, content, servers):
    assert required(version, **content) == servers


def test_only_memberships_are_vouched_for_and_only_by_users():
    assert required("12", "m.x", join_authorised_via_users_server="@b:three") == {"one"}
    for vouching in ("three", 1, [], "", None):
        with pytest.raises(Malformed):
            required("12", join_authorised_via_users_server=vouching)


WEEK = 7 * 24 * 60 * 60 * 1000


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize(
    ("origin_server_ts", "valid_until_ts", "is_valid"),
    [
        (1000, 1000, True),
        (1001, 1000, False),
        (5000 + WEEK, 2**53, True),
        # A key is good for a week at most, whatever it says.
        (5001 + WEEK, 2**53, False),
    ],
)
def test_since_version_5_keys_are_valid_for_a_time(
    origin_server_ts, valid_until_ts, is_valid, version
):
    found = signing.is_key_valid(ROOM_VERSIONS[version], origin_server_ts, valid_until_ts, 5000)
    assert found is (is_valid or version in before("5"))
