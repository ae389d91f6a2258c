"""Display names, avatars and the other profile fields. C-S API, "Profiles"."""

import re
from typing import Any

import msgspec

from impl import errors
from impl.app import App
from impl.core import canonical_json, identifiers
from impl.core.rejection import Malformed
from impl.requester import Requester
from impl.services import membership
from impl.storage import accounts, profiles

PROFILE_BYTES_MAX = 65_536
KEY_BYTES_MAX = 255
TEXT_BYTES_MAX = 1000
IN_MEMBER_EVENTS = ("displayname", "avatar_url")
# C-S API, "Profiles": names of the specification, or by the common namespaced grammar.
_KEY = re.compile(r"[a-z][a-z0-9_.\-]*", re.ASCII)


def get_profile(app: App, user_id: str) -> dict[str, Any]:
    """All fields. Raises NotFound for who is not a user here."""
    if not identifiers.is_user_id(user_id):
        raise errors.InvalidParam("user_id is not a user id")
    with app.database.read() as txn:
        fields = profiles.get(txn, user_id)
        if not fields and accounts.get(txn, user_id) is None:
            raise errors.NotFound("there is no such user")
    return fields


def get_field(app: App, user_id: str, key_name: str) -> object:
    fields = get_profile(app, user_id)
    if key_name not in fields:
        raise errors.NotFound("the profile has no such field")
    return fields[key_name]


def set_field(app: App, requester: Requester, user_id: str, key_name: str, value: object) -> None:
    """Set a field of one's own profile; None for a display name or avatar takes it away, as it did
    of old.
    """
    _check_own(requester, user_id)
    if value is None and key_name in IN_MEMBER_EVENTS:
        delete_field(app, requester, user_id, key_name)
        return
    _check_key(key_name)
    _check_value(key_name, value)
    with app.database.transaction() as txn:
        fields = profiles.get(txn, user_id)
        if fields.get(key_name) == value:
            return
        if len(msgspec.json.encode({**fields, key_name: value})) > PROFILE_BYTES_MAX:
            raise errors.MatrixError(
                "the profile would be too large", errcode="M_PROFILE_TOO_LARGE"
            )
        profiles.put(txn, user_id, key_name, value)
    if key_name in IN_MEMBER_EVENTS:
        membership.repeat_profile(app, user_id)


def delete_field(app: App, requester: Requester, user_id: str, key_name: str) -> None:
    _check_own(requester, user_id)
    _check_key(key_name)
    with app.database.transaction() as txn:
        profiles.delete(txn, user_id, key_name)
    if key_name in IN_MEMBER_EVENTS:
        membership.repeat_profile(app, user_id)


def _check_own(requester: Requester, user_id: str) -> None:
    if requester.user_id != user_id:
        raise errors.Forbidden("you can only change your own profile")


def _check_key(key_name: str) -> None:
    if len(key_name.encode(errors="surrogatepass")) > KEY_BYTES_MAX:
        raise errors.MatrixError("the field's name is too long", errcode="M_KEY_TOO_LARGE")
    if not _KEY.fullmatch(key_name):
        raise errors.InvalidParam("the field's name is not of a-z, 0-9, and the characters . _ -")


def _check_value(key_name: str, value: object) -> None:
    if key_name in (*IN_MEMBER_EVENTS, "m.tz"):
        if not isinstance(value, str):
            raise errors.BadJson(f"{key_name} is not a string")
        if len(value.encode(errors="surrogatepass")) > TEXT_BYTES_MAX:
            raise errors.InvalidParam(f"{key_name} is longer than {TEXT_BYTES_MAX} bytes")
    try:
        canonical_json.encode({key_name: value})
    except Malformed as error:
        raise errors.BadJson(f"{key_name}: {error}") from error
