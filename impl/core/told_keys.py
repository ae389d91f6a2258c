"""What another server says of the devices and keys of its users. S-S API, "Device Management",
"End-to-End Encryption".

Nothing of it is believed but what our own users' keys must be as well: they name their user and
their device, they are of a bearable size, and a signature that we can check is right. What is not
so is left out, each device and each key by itself: one that is no good takes no other with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from impl.core import signed_keys
from impl.core.rejection import Malformed
from impl.core.signed_keys import MASTER, SELF_SIGNING, CrossSigningKey

KEY_BYTES_MAX = 65_536
# Clients and bots that log in anew each time they run make thousands.
DEVICES_MAX = 10_000
DEVICE_ID_BYTES_MAX = 255
NAME_LENGTH_MAX = 255
STREAM_ID_LENGTH_MAX = 255
PREV_IDS_MAX = 1_000

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Device:
    """A device with its identity keys, in the form in which we keep our own."""

    device_id: str
    key_json: str
    display_name: str | None


@dataclass(frozen=True, slots=True)
class CrossSigning:
    """One of the two keys of a user that others may see, with their own signatures alone."""

    usage: str
    public_key: str
    key_json: str


@dataclass(frozen=True, slots=True)
class Told:
    """All of a user's. `stream_id` says where their server's sequence of changes stood; None if it
    does not say.
    """

    devices: Mapping[str, Device] = field(default_factory=dict)
    keys: Mapping[str, CrossSigning] = field(default_factory=dict)
    stream_id: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceUpdate:
    """m.device_list_update: what became of one device, with its place in the sequence of its user's
    server. Without keys it is none that anybody could talk to, or it is gone.
    """

    user_id: str
    device_id: str
    stream_id: str
    prev_ids: list[str]
    device: Device | None


def read_update(content: Json) -> DeviceUpdate:
    """Raises Malformed."""
    user_id, device_id = content.get("user_id"), content.get("device_id")
    stream_id, told = read_stream_id(content.get("stream_id")), content.get("prev_id", [])
    if not isinstance(user_id, str) or not is_device_id(device_id) or stream_id is None:
        raise Malformed("user_id, device_id or stream_id is no good")
    if not isinstance(told, list) or len(told) > PREV_IDS_MAX:
        raise Malformed("prev_id is no list, or too long")
    prev_ids = [read_stream_id(one) for one in told]
    device = None
    if content.get("deleted") is not True:
        name = content.get("device_display_name")
        device = read_device(user_id, device_id, content.get("keys"), name)
    # An id that is no good is none that we know.
    return DeviceUpdate(user_id, str(device_id), stream_id, [one or "" for one in prev_ids], device)


def read_user_devices(answer: Json, user_id: str) -> Told:
    """What GET /user/devices answers. Raises Malformed for what is about somebody else or says not
    what it must.
    """
    stream_id, told = read_stream_id(answer.get("stream_id")), answer.get("devices")
    if answer.get("user_id") != user_id:
        raise Malformed("user_id is not who was asked for")
    if stream_id is None or not isinstance(told, list):
        raise Malformed("stream_id or devices is no good")
    devices: dict[str, Device] = {}
    for one in told[:DEVICES_MAX]:
        if isinstance(one, dict):
            name = one.get("device_display_name")
            device = read_device(user_id, one.get("device_id"), one.get("keys"), name)
            if device is not None:
                devices[device.device_id] = device
    master, self_signing = answer.get("master_key"), answer.get("self_signing_key")
    return Told(devices, read_cross_signing(user_id, master, self_signing), stream_id)


def read_query(answer: Json, user_id: str) -> Told:
    """What POST /user/keys/query answers, as far as it is about a user."""
    told = _of_user(answer, "device_keys", user_id)
    devices: dict[str, Device] = {}
    for device_id, keys in list(told.items())[:DEVICES_MAX] if isinstance(told, dict) else ():
        unsigned = keys.get("unsigned") if isinstance(keys, dict) else None
        name = unsigned.get("device_display_name") if isinstance(unsigned, dict) else None
        device = read_device(user_id, device_id, keys, name)
        if device is not None:
            devices[device_id] = device
    master = _of_user(answer, "master_keys", user_id)
    self_signing = _of_user(answer, "self_signing_keys", user_id)
    return Told(devices, read_cross_signing(user_id, master, self_signing))


def _of_user(answer: Json, field_name: str, user_id: str) -> object:
    of_users = answer.get(field_name)
    return of_users.get(user_id) if isinstance(of_users, dict) else None


def read_device(user_id: str, device_id: object, keys: object, name: object) -> Device | None:
    """None where there are no keys, or none that are good."""
    if not isinstance(keys, dict) or not is_device_id(device_id):
        return None
    device_id = str(device_id)
    try:
        signed_keys.check_device_keys(keys, user_id, device_id)
        key_json = signed_keys.write(keys)
    except Malformed:
        return None
    if len(key_json.encode()) > KEY_BYTES_MAX or not _signs_itself(keys, user_id, device_id):
        return None
    return Device(device_id, key_json, _read_name(name))


def is_device_id(device_id: object) -> bool:
    """Whether it can be the name of a device."""
    return isinstance(device_id, str) and bool(device_id) and _is_text(device_id)


def read_stream_id(value: object) -> str | None:
    """An id of a change: the specification has integers, others have texts. As text."""
    if type(value) is int:
        return str(value) if abs(value) < 10**18 else None
    is_good = isinstance(value, str) and len(value) <= STREAM_ID_LENGTH_MAX and _is_text(value)
    return str(value) if value and is_good else None


def _signs_itself(keys: Json, user_id: str, device_id: str) -> bool:
    """As for our own: what is not of Ed25519 is for other devices to judge; what is must be
    right.
    """
    public_key = signed_keys.device_public_key(keys, device_id)
    key_id = f"{signed_keys.ED25519}:{device_id}"
    signature = signed_keys.signatures_of(keys, user_id).get(key_id)
    if public_key is None or not signed_keys.is_signature(signature):
        return True
    return signed_keys.is_signed(keys, user_id, key_id, public_key)


def read_cross_signing(
    user_id: str, master: object, self_signing: object, known_master: str | None = None
) -> dict[str, CrossSigning]:
    """usage -> key. The master key must have signed the other; `known_master` is the one that
    stands, in Base64, where none is told.
    """
    keys: dict[str, CrossSigning] = {}
    read = _read_key(user_id, master, MASTER)
    if read is not None:
        keys[MASTER] = _as_kept(read, user_id)
        known_master = read.public_key
    key = _read_key(user_id, self_signing, SELF_SIGNING)
    if key is None or known_master is None or key.public_key == known_master:
        return keys
    public_key = signed_keys.read_public_key(known_master) or b""
    key_id = f"{signed_keys.ED25519}:{known_master}"
    if signed_keys.is_signed(key.value, user_id, key_id, public_key):
        keys[SELF_SIGNING] = _as_kept(key, user_id)
    return keys


def _read_key(user_id: str, value: object, usage: str) -> CrossSigningKey | None:
    try:
        key = signed_keys.read_cross_signing_key(value, user_id, usage)
        is_short = len(signed_keys.write(key.value).encode()) <= KEY_BYTES_MAX
    except Malformed:
        return None
    return key if is_short else None


def _as_kept(key: CrossSigningKey, user_id: str) -> CrossSigning:
    # What others would have said of the key is not for everybody to see.
    own = signed_keys.signatures_of(key.value, user_id)
    value = {name: one for name, one in key.value.items() if name != "signatures"}
    if own:
        value["signatures"] = {user_id: own}
    return CrossSigning(key.usage, key.public_key, signed_keys.write(value))


def read_one_time_keys(told: object, algorithm: str) -> dict[str, str | Json]:
    """Of what is told for a device that was asked for one key: name -> key; at most one."""
    for name, key in told.items() if isinstance(told, dict) else ():
        if isinstance(name, str) and name.partition(":")[0] == algorithm and _is_one_time_key(key):
            return {name: key}
    return {}


def _is_one_time_key(key: object) -> bool:
    if not isinstance(key, str | dict):
        return False
    try:
        return len(signed_keys.write({"key": key})) <= KEY_BYTES_MAX
    except Malformed:
        return False


def _read_name(name: object) -> str | None:
    is_good = isinstance(name, str) and bool(name) and "\0" not in name and _is_encodable(name)
    return str(name)[:NAME_LENGTH_MAX] if is_good else None


def _is_text(value: str) -> bool:
    is_good = "\0" not in value and _is_encodable(value)
    return is_good and len(value.encode()) <= DEVICE_ID_BYTES_MAX


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
