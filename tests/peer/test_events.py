"""The same events redacted, hashed and named by Soma and by Synapse."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.crypto.event_signing import compute_content_hash
from synapse.synapse_rust.events import redact_event_dict

from impl.core import event_hash, redaction
from impl.core.room_version import ROOM_VERSIONS
from impl.core.unpadded_base64 import encode_base64
from tests.core.room_builder import ALICE, Room
from tests.core.test_canonical_json import texts, values
from tests.core.test_redaction import TYPES
from tests.peer.tally import TALLY

KEYS = [
    *("aliases", "allow", "ban", "creator", "events", "events_default", "history_visibility"),
    *("invite", "join_authorised_via_users_server", "join_rule", "kick", "membership", "redact"),
    *("redacts", "room_version", "state_default", "third_party_invite", "users", "users_default"),
]
contents = st.dictionaries(st.sampled_from(KEYS) | texts, values, max_size=6)
invites = st.dictionaries(st.sampled_from(["signed", "display_name"]), values)
TOP = ["origin", "membership", "prev_state", "redacts", "age_ts", "x"]
tops = st.dictionaries(st.sampled_from(TOP), values)


@pytest.mark.parametrize("version", ROOM_VERSIONS)
@settings(max_examples=100, deadline=None)
@given(st.sampled_from(TYPES), contents, st.none() | invites, tops)
def test_synapse_redacts_and_hashes_the_same(version, event_type, content, invite, top):
    if invite is not None:
        content = {**content, "third_party_invite": invite}
    pdu = Room(version).event("m.room.message", ALICE, {}).pdu
    pdu = {**pdu, **top, "type": event_type, "content": content}
    if event_type == "m.room.create" and version == "12":
        # It must not have one. Where it does, Synapse redacts it; the list of version 12 keeps it.
        del pdu["room_id"]
    ours, theirs = ROOM_VERSIONS[version], KNOWN_ROOM_VERSIONS[version]

    redacted = dict(redact_event_dict(theirs, pdu))
    # Synapse gives every redacted event this, and hashes it nowhere.
    redacted.pop("unsigned", None)
    assert redaction.redact(pdu, ours) == redacted
    # What some servers once added on the way is not hashed by Synapse; the specification does not
    # know it.
    hashed = {key: value for key, value in pdu.items() if key not in ("age_ts", "unsigned")}
    _, digest = compute_content_hash(dict(hashed), hashlib.sha256)
    assert event_hash.content_hash(hashed, ours) == encode_base64(digest)
    TALLY.compared["redactions and hashes"] += 1
