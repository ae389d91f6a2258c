"""S-S API, "Publishing Keys": what a document of keys must be to be believed."""

from typing import Any

import pytest

from impl.core import server_keys, signing
from impl.core.rejection import Malformed
from impl.core.server_keys import ServerKey
from impl.core.signing import SigningKey
from impl.core.unpadded_base64 import encode_base64

NAME = "other.test"
NOW = 1_700_000_000_000
WEEK_MS = 7 * 86_400_000
DAY_MS = 86_400_000
FIRST = signing.new_signing_key(b"\x01" * 32, "first")
SECOND = signing.new_signing_key(b"\x02" * 32, "second")
OLD = signing.new_signing_key(b"\x03" * 32, "old")


def document(*keys: SigningKey, **changes: Any) -> dict[str, Any]:
    """What `keys` sign, after the changes."""
    made = server_keys.write(
        NAME, keys, {OLD.key_id: ServerKey(OLD.verify_key, NOW - DAY_MS, True)}, NOW + DAY_MS
    )
    made |= changes
    del made["signatures"]
    for key in keys:
        made = signing.sign_json(made, NAME, key)
    return made


def entry(key: SigningKey, **more: object) -> dict[str, object]:
    return {"key": encode_base64(key.verify_key), **more}


def test_a_document_is_read() -> None:
    read = server_keys.read(document(FIRST, SECOND), NOW)
    assert (read.server_name, read.valid_until_ts) == (NAME, NOW + DAY_MS)
    assert read.keys == {
        FIRST.key_id: ServerKey(FIRST.verify_key, NOW + DAY_MS),
        SECOND.key_id: ServerKey(SECOND.verify_key, NOW + DAY_MS),
        OLD.key_id: ServerKey(OLD.verify_key, NOW - DAY_MS, True),
    }


def test_no_key_is_good_for_longer_than_a_week() -> None:
    old = {OLD.key_id: entry(OLD, expired_ts=2**53 - 1)}
    read = server_keys.read(document(FIRST, valid_until_ts=2**53 - 1, old_verify_keys=old), NOW)
    assert (read.valid_until_ts, read.good_until_ts) == (2**53 - 1, NOW + WEEK_MS)
    assert read.keys[FIRST.key_id].valid_until_ts == NOW + WEEK_MS
    assert read.keys[OLD.key_id].valid_until_ts == NOW + WEEK_MS


def test_a_key_that_did_not_sign_is_not_there() -> None:
    given = {FIRST.key_id: entry(FIRST), SECOND.key_id: entry(SECOND)}
    read = server_keys.read(document(FIRST, verify_keys=given), NOW)
    assert FIRST.key_id in read.keys and SECOND.key_id not in read.keys

    both = document(FIRST, SECOND)
    both["signatures"][NAME][SECOND.key_id] = both["signatures"][NAME][FIRST.key_id]
    assert SECOND.key_id not in server_keys.read(both, NOW).keys


def test_what_is_both_current_and_old_is_old() -> None:
    old = {FIRST.key_id: entry(FIRST, expired_ts=NOW - 5)}
    keys = server_keys.read(document(FIRST, SECOND, old_verify_keys=old), NOW).keys
    assert keys[FIRST.key_id] == ServerKey(FIRST.verify_key, NOW - 5, True)


def test_signatures_of_others_and_what_nobody_signed_are_left_out() -> None:
    notary = signing.new_signing_key(b"\x04" * 32, "n")
    given = signing.sign_json(document(FIRST), "notary.test", notary)
    read = server_keys.read({**given, "unsigned": {"age": 1}}, NOW)
    assert read.value == document(FIRST)
    assert server_keys.read(read.value, NOW) == read


def test_keys_of_other_algorithms_are_passed_over() -> None:
    given = {FIRST.key_id: entry(FIRST), "rsa:1": {"key": "?"}, "ed25519:": entry(SECOND)}
    assert FIRST.key_id in server_keys.read(document(FIRST, verify_keys=given), NOW).keys


def test_a_key_whose_secret_half_is_public_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_keys, "_COMPROMISED", frozenset({FIRST.verify_key}))
    assert FIRST.key_id not in server_keys.read(document(FIRST, SECOND), NOW).keys
    with pytest.raises(Malformed, match="none of its keys"):
        server_keys.read(document(FIRST), NOW)


def many(count: int) -> dict[str, object]:
    return {f"ed25519:{number}": entry(OLD, expired_ts=1) for number in range(count)}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"server_name": None}, "server_name"),
        ({"server_name": "not a name"}, "server_name"),
        ({"valid_until_ts": None}, "valid_until_ts"),
        ({"valid_until_ts": True}, "valid_until_ts"),
        ({"valid_until_ts": -1}, "valid_until_ts"),
        ({"verify_keys": []}, "verify_keys"),
        ({"verify_keys": {}}, "none of its keys"),
        ({"verify_keys": {FIRST.key_id: "key"}}, "32 bytes"),
        ({"verify_keys": {FIRST.key_id: {"key": "AAAA"}}}, "32 bytes"),
        ({"verify_keys": {FIRST.key_id: {"key": "!"}}}, "Base64"),
        ({"verify_keys": {FIRST.key_id: entry(SECOND)}}, "none of its keys"),
        ({"verify_keys": many(65)}, "at most"),
        ({"old_verify_keys": many(65)}, "at most"),
        ({"old_verify_keys": {OLD.key_id: entry(OLD)}}, "expired_ts"),
        ({"old_verify_keys": {OLD.key_id: entry(OLD, expired_ts="x")}}, "expired_ts"),
        ({"more": "x" * 66_000}, "too large"),
    ],
)
def test_what_is_no_document_is_malformed(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        server_keys.read(document(FIRST, **changes), NOW)


@pytest.mark.parametrize("signatures", [None, [], {}, {NAME: None}, {NAME: {}}, {NAME: {"x": 1}}])
def test_what_its_server_did_not_sign_is_malformed(signatures: object) -> None:
    with pytest.raises(Malformed):
        server_keys.read({**document(FIRST), "signatures": signatures}, NOW)


@pytest.mark.parametrize("value", [None, [], "x", {}, {"server_name": NAME}])
def test_what_is_no_object_is_malformed(value: object) -> None:
    with pytest.raises(Malformed):
        server_keys.read(value, NOW)


@pytest.mark.parametrize("key_id", ["ed25519:a_Bc9", "ed25519:auto", "ed25519:1-x"])
def test_a_key_id(key_id: str) -> None:
    assert server_keys.is_key_id(key_id)


@pytest.mark.parametrize(
    "key_id", [None, 1, "", "ed25519", "ed25519:", "rsa:1", "ed25519:\0", "ed25519:" + "x" * 248]
)
def test_no_key_id(key_id: object) -> None:
    assert not server_keys.is_key_id(key_id)
