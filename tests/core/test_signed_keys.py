"""C-S API, "Device keys", "Cross-signing": what can be a key, and who has signed it."""

import pytest

from impl.core import signed_keys
from impl.core.rejection import Malformed
from tests.builders import ALICE, BOB
from tests.keyring import Device, Identity, public

DEVICE = Device(ALICE)
IDENTITY = Identity(ALICE)


def test_what_a_device_signed_is_its_keys():
    signed_keys.check_device_keys(DEVICE.keys(), ALICE, "DEVICE")
    signed_keys.check_device_keys(DEVICE.keys(algorithms=["org.example.new"]), ALICE, "DEVICE")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"user_id": BOB}, "user_id"),
        ({"user_id": None}, "user_id"),
        ({"device_id": "OTHER"}, "device_id"),
        ({"algorithms": "m.olm"}, "algorithms"),
        ({"algorithms": [1]}, "algorithms"),
        ({"keys": []}, "keys"),
        ({"keys": {"ed25519:DEVICE": 1}}, "keys"),
        ({"keys": {"ed25519": "abc"}}, "ed25519"),
        ({"signatures": []}, "signatures"),
        ({"signatures": {ALICE: "abc"}}, "signatures"),
        ({"signatures": {BOB: {"ed25519:X": 1}}}, "signatures"),
    ],
)
def test_what_cannot_be_keys_of_the_device_is_named(change, named):
    with pytest.raises(Malformed, match=named):
        signed_keys.check_device_keys({**DEVICE.keys(), **change}, ALICE, "DEVICE")


@pytest.mark.parametrize("name", ["", "ed25519", ":abc", "ed25519:", "a:\0"])
def test_a_name_has_two_parts(name):
    with pytest.raises(Malformed):
        signed_keys.read_name(name)


def test_the_second_part_of_a_name_may_hold_colons():
    assert signed_keys.read_name("ed25519:a:b") == ("ed25519", "a:b")


def test_a_cross_signing_key_is_read():
    key = signed_keys.read_cross_signing_key(IDENTITY.object("master"), ALICE, "master")
    assert key.public_key == IDENTITY.public("master")
    assert key.key_id == f"ed25519:{key.public_key}"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"user_id": BOB}, "user_id"),
        ({"usage": "master"}, "usage"),
        ({"usage": ["self_signing"]}, "usage"),
        ({"keys": {}}, "keys"),
        ({"keys": {"ed25519:a": "a", "ed25519:b": "b"}}, "keys"),
        ({"keys": {"ed25519:a": "b"}}, "name"),
        ({"keys": {"ed25519:a": "a"}}, "32 bytes"),
        ({"keys": {"rsa:a": "a"}}, "name"),
        ({"signatures": 1}, "signatures"),
    ],
)
def test_what_cannot_be_a_cross_signing_key_is_named(change, named):
    with pytest.raises(Malformed, match=named):
        signed_keys.read_cross_signing_key({**IDENTITY.object("master"), **change}, ALICE, "master")


@pytest.mark.parametrize("value", [None, 1, "a", []])
def test_a_cross_signing_key_is_an_object(value):
    with pytest.raises(Malformed):
        signed_keys.read_cross_signing_key(value, ALICE, "master")


def test_a_signature_is_of_one_user_and_key_over_one_object():
    keys, public_key = DEVICE.keys(), DEVICE.key.verify_key
    assert signed_keys.is_signed(keys, ALICE, DEVICE.key_id, public_key)
    assert not signed_keys.is_signed(keys, BOB, DEVICE.key_id, public_key)
    assert not signed_keys.is_signed(keys, ALICE, "ed25519:OTHER", public_key)
    assert not signed_keys.is_signed({**keys, "more": 1}, ALICE, DEVICE.key_id, public_key)
    other = Device(ALICE, "OTHER").key.verify_key
    assert not signed_keys.is_signed(keys, ALICE, DEVICE.key_id, other)
    assert signed_keys.is_signed({**keys, "unsigned": {"a": 1}}, ALICE, DEVICE.key_id, public_key)


def test_signatures_come_and_go_beside_each_other():
    keys = DEVICE.keys()
    more = signed_keys.with_signatures(keys, ALICE, {"ed25519:KEY": "abc"})
    assert signed_keys.signatures_of(more, ALICE).keys() == {DEVICE.key_id, "ed25519:KEY"}
    assert signed_keys.signed_part(more) == signed_keys.signed_part(keys)
    assert signed_keys.without_signatures(more, ALICE, ["ed25519:KEY"]) == keys
    bare = signed_keys.without_signatures(keys, ALICE, [DEVICE.key_id])
    assert bare["signatures"] == {}


def test_what_is_written_is_equal_for_what_is_equal():
    keys = DEVICE.keys()
    backwards = dict(reversed(keys.items()))
    assert signed_keys.write(keys) == signed_keys.write({**backwards, "unsigned": {"a": 1}})
    with pytest.raises(Malformed):
        signed_keys.write({**keys, "weight": 1.5})


def test_a_public_key_is_of_its_length():
    assert signed_keys.read_public_key(public(DEVICE.key)) == DEVICE.key.verify_key
    assert signed_keys.read_public_key(public(DEVICE.key)[:-2]) is None
    assert signed_keys.read_public_key("not Base64!") is None
    assert signed_keys.read_public_key(None) is None
    assert signed_keys.device_public_key(DEVICE.keys(), "DEVICE") == DEVICE.key.verify_key
    assert signed_keys.device_public_key(DEVICE.keys(), "OTHER") is None
