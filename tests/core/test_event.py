"""Events: what they say, their hashes and ids, and how they are built."""

import hashlib
from base64 import b64decode, urlsafe_b64decode

import canonicaljson
import pytest

from impl.core import event_builder, event_hash, redaction, signing
from impl.core.event import Event
from impl.core.event_builder import Draft, Place
from impl.core.rejection import Malformed, TooLarge
from impl.core.room_version import ROOM_VERSIONS
from tests.core.room_builder import ALICE, ALL_VERSIONS, KEY, Room, before, since


def build(version: str, draft: Draft) -> Event:
    place = Place("!room:one.example", ROOM_VERSIONS[version], ["$a:b", "$c:d"], ["$e:f"], 7)
    return event_builder.build(
        draft, place, now_ms=1000, server_name="one.example", signing_key=KEY
    )


def message(version: str, **content: object) -> Event:
    return build(version, Draft("m.room.message", ALICE, {"body": "x", **content}))


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_an_event_says_what_was_built(version):
    event = build(version, Draft("m.room.topic", ALICE, {"topic": "x"}, "", None, 5))
    assert (event.type, event.state_key, event.sender) == ("m.room.topic", "", ALICE)
    assert (event.key, event.is_state) == (("m.room.topic", ""), True)
    assert (event.content, event.depth, event.origin_server_ts) == ({"topic": "x"}, 7, 5)
    assert event.room_id == "!room:one.example"
    assert (event.prev_event_ids, event.auth_event_ids) == (["$a:b", "$c:d"], ["$e:f"])
    assert (event.redacts, event.membership) == (None, None)


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_a_message_is_no_state(version):
    event = message(version)
    assert (event.is_state, event.state_key, event.origin_server_ts) == (False, None, 1000)


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_an_event_is_the_same_when_read_again(version):
    event = message(version)
    assert Event.from_pdu(event.pdu, event.room_version).event_id == event.event_id
    assert Event.from_pdu(event.pdu, event.room_version, "$known").event_id == "$known"


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_an_event_is_hashed_and_signed(version):
    event = message(version)
    signing.verify_event(
        event.pdu, event.room_version, "one.example", "ed25519:test", KEY.verify_key
    )
    assert event.pdu["hashes"]["sha256"] == event_hash.content_hash(event.pdu, event.room_version)
    changed = {**event.pdu, "content": {"body": "y"}}
    assert event.pdu["hashes"]["sha256"] != event_hash.content_hash(changed, event.room_version)
    assert event_hash.has_its_content(event.pdu, event.room_version)
    assert not event_hash.has_its_content(changed, event.room_version)
    # What nothing covers may change.
    moved = {**event.pdu, "unsigned": {"age": 1}, "signatures": {}}
    assert event_hash.has_its_content(moved, event.room_version)


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_a_content_hash_may_be_written_in_either_alphabet(version):
    event = message(version)
    written = event.pdu["hashes"]["sha256"]
    for other in (written + "=", written.translate(str.maketrans("+/", "-_"))):
        pdu = {**event.pdu, "hashes": {"sha256": other}}
        assert event_hash.has_its_content(pdu, event.room_version)
    for wrong in ("", "é", "!", written[:-4]):
        pdu = {**event.pdu, "hashes": {"sha256": wrong}}
        assert not event_hash.has_its_content(pdu, event.room_version)


@pytest.mark.parametrize("version", since("3"))
def test_the_event_id_is_the_reference_hash(version):
    event = message(version)
    hashed = redaction.redact(event.pdu, event.room_version)
    del hashed["signatures"]
    digest = hashlib.sha256(canonicaljson.encode_canonical_json(hashed)).digest()
    assert len(event.event_id) == 44 and event.event_id[0] == "$"
    decode = b64decode if version == "3" else urlsafe_b64decode
    assert decode(event.event_id[1:] + "=") == digest


@pytest.mark.parametrize(("version", "letters"), [("3", "+/"), ("4", "-_")])
def test_ids_are_safe_in_urls_since_version_4(version, letters):
    ids = "".join(message(version, number=number).event_id for number in range(200))
    assert all(letter in ids for letter in letters)
    assert not any(letter in ids for letter in {"+", "/", "-", "_"} - set(letters))


@pytest.mark.parametrize("version", before("3"))
def test_in_versions_1_and_2_the_server_makes_the_id(version):
    ids = {message(version, number=number).event_id for number in range(50)}
    assert len(ids) == 50
    assert all(event_id.endswith(":one.example") for event_id in ids)
    event = message(version)
    assert event.pdu["event_id"] == event.event_id
    assert event.pdu["prev_events"] == [["$a:b", {}], ["$c:d", {}]]
    with pytest.raises(Malformed):
        event_hash.event_id_of({}, event.room_version)


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_a_redaction_names_its_event_where_the_version_has_it(version):
    event = build(version, Draft("m.room.redaction", ALICE, {"reason": "x"}, redacts="$x:one"))
    assert event.redacts == "$x:one"
    assert ("redacts" in event.content) is (version in since("11"))
    assert ("redacts" in event.pdu) is (version in before("11"))


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("redacts", [None, 1, [], "", "x", "$", "$a\0", "$" + "a" * 255])
def test_what_is_no_event_id_is_not_redacted(redacts, version):
    event = message(version, redacts=redacts)
    event.pdu["redacts"] = redacts
    assert event.redacts is None


def test_since_version_12_the_create_event_names_the_room():
    create = Room("12").create
    assert "room_id" not in create.pdu
    assert create.room_id == "!" + create.event_id[1:]


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_the_depth_stays_at_its_limit(version):
    place = Place("!r:a", ROOM_VERSIONS[version], [], [], 2**63)
    event = event_builder.build(
        Draft("x", ALICE, {}), place, now_ms=1, server_name="a", signing_key=KEY
    )
    assert event.depth == (2**63 - 1 if version in before("6") else 2**53 - 1)


def test_a_draft_that_cannot_be_an_event_is_refused():
    with pytest.raises(TooLarge):
        message("12", more="x" * 65_536)
    with pytest.raises(TooLarge):
        build("12", Draft("x" * 256, ALICE, {}))
    for content in ({"x": 1.5}, {"x": 2**53}, {"x": "\ud800"}):
        with pytest.raises(Malformed):
            message("12", **content)


def test_building_leaves_the_draft_alone():
    content = {"reason": "x"}
    build("12", Draft("m.room.redaction", ALICE, content, redacts="$x"))
    assert content == {"reason": "x"}
