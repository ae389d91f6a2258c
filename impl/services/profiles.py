"""Display names, avatars and the other profile fields. C-S API, "Profiles"."""

import json
import re
from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.requester import Requester
from impl.services import membership, presence, rate_limiting, remote_queries
from impl.services.media import avatar_limits
from impl.storage import account_data, accounts, profiles

PROFILE_BYTES_MAX = 65_536
KEY_BYTES_MAX = 255
TEXT_BYTES_MAX = 1000
IN_MEMBER_EVENTS = ("displayname", "avatar_url")
# So long a change waits for the rooms to hear of it; further rooms hear after the answer.
ROOMS_TIMEOUT_S = 2.0
# The specification's own names, and those of others in the Java package naming convention.
_KEY = re.compile(r"displayname|avatar_url|m\.tz|[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+", re.ASCII)


def get_profile(app: App, requester: Requester | None, user_id: str) -> dict[str, Any]:
    """All fields. Raises NotFound for who is not a user here."""
    if requester is None and app.config.require_auth_for_profile_requests:
        raise errors.MissingToken("the access token is missing")
    if not identifiers.is_user_id(user_id):
        raise errors.InvalidParam("user_id is not a user id")
    if identifiers.server_name_of(user_id) != app.server_name:
        return remote_queries.profile(app, user_id)
    return get_own(app, user_id)


def get_own(app: App, user_id: str) -> dict[str, Any]:
    """All fields of a user of this server."""
    with app.database.read() as txn:
        fields = profiles.get(txn, user_id)
        if not fields and accounts.get(txn, user_id) is None:
            raise errors.NotFound("there is no such user")
    return fields


def tell_server(app: App, user_id: str, field: str | None) -> dict[str, Any]:
    """What another server is told of a user of ours. S-S API, "Querying for information"."""
    if not app.config.allow_profile_lookup_over_federation:
        raise errors.Forbidden("this server does not tell others of its users")
    if not identifiers.is_user_id(user_id):
        raise errors.InvalidParam("user_id is not a user id")
    if identifiers.server_name_of(user_id) != app.server_name:
        raise errors.NotFound("that is not a user of this server")
    fields = get_own(app, user_id)
    if field is None:
        return fields
    return {field: fields[field]} if field in fields else {}


def get_field(app: App, requester: Requester | None, user_id: str, key_name: str) -> object:
    fields = get_profile(app, requester, user_id)
    if key_name not in fields:
        raise errors.NotFound("the profile has no such field")
    return fields[key_name]


def set_field(app: App, requester: Requester, user_id: str, key_name: str, value: object) -> None:
    """Set a field of one's own profile; None for a display name or avatar takes it away, as it did
    of old."""
    if value is None and key_name in IN_MEMBER_EVENTS:
        delete_field(app, requester, user_id, key_name)
        return
    _check_change(requester, user_id, key_name)
    _check_value(key_name, value)
    if key_name == "avatar_url":
        avatar_limits.check(app, value)
    with app.database.transaction() as txn:
        # One change at a time, so that together they cannot be too large.
        account_data.lock(txn, user_id)
        fields = profiles.get(txn, user_id)
        if key_name in fields:
            if fields[key_name] == value:
                return
            _check_not_fixed(app, requester, key_name)
        if len(_as_json({**fields, key_name: value})) > PROFILE_BYTES_MAX:
            raise errors.MatrixError(
                "the profile would be too large", errcode="M_PROFILE_TOO_LARGE"
            )
        _count(app, requester, key_name)
        profiles.put(txn, user_id, key_name, value)
    _tell_rooms(app, user_id, key_name)


def delete_field(app: App, requester: Requester, user_id: str, key_name: str) -> None:
    _check_change(requester, user_id, key_name)
    _check_not_fixed(app, requester, key_name)
    _count(app, requester, key_name)
    with app.database.transaction() as txn:
        profiles.delete(txn, user_id, key_name)
    _tell_rooms(app, user_id, key_name)


def fixed_fields(app: App, requester: Requester) -> list[str]:
    """The fields that the configuration lets nobody but administrators change.

    COMPAT(Synapse's enable_set_displayname and enable_set_avatar_url): what is not set yet may be
    set, once.
    """
    config = app.config
    allowed = (config.enable_set_displayname, config.enable_set_avatar_url)
    return [
        name
        for name, may_change in zip(IN_MEMBER_EVENTS, allowed, strict=True)
        if not may_change and not requester.is_admin
    ]


def _count(app: App, requester: Requester, key_name: str) -> None:
    # All the events that a change makes are one message, as they are to Synapse.
    if key_name in IN_MEMBER_EVENTS:
        rate_limiting.spend(app, rate_limiting.MESSAGES, requester.user_id, requester)


def _tell_rooms(app: App, user_id: str, key_name: str) -> None:
    if key_name in IN_MEMBER_EVENTS:
        presence.tell_of_profile(app, user_id)
        app.spawn(_repeat, app, user_id).join(timeout=ROOMS_TIMEOUT_S)


def _repeat(app: App, user_id: str) -> None:
    """Put the profile into the user's rooms, until what stands there is what it is now."""
    told: list[object] | None = None
    while (now := _in_member_events(app, user_id)) != told:
        membership.repeat_profile(app, user_id)
        told = now


def _in_member_events(app: App, user_id: str) -> list[object]:
    with app.database.read() as txn:
        fields = profiles.get(txn, user_id)
    return [fields.get(name) for name in IN_MEMBER_EVENTS]


def _check_change(requester: Requester, user_id: str, key_name: str) -> None:
    if requester.user_id != user_id:
        raise errors.Forbidden("you can only change your own profile")
    if len(key_name.encode(errors="surrogatepass")) > KEY_BYTES_MAX:
        raise errors.MatrixError("the field's name is too long", errcode="M_KEY_TOO_LARGE")
    if not _KEY.fullmatch(key_name):
        raise errors.InvalidParam("the field's name is not one of a profile's")


def _check_not_fixed(app: App, requester: Requester, key_name: str) -> None:
    if key_name in fixed_fields(app, requester):
        raise errors.Forbidden(f"this server does not let users change their {key_name}")


def check_text(key_name: str, value: object) -> None:
    """Raises for what cannot be a name: it has to go into an event in each of the user's rooms."""
    if not isinstance(value, str):
        raise errors.BadJson(f"{key_name} is not a string")
    if len(value.encode(errors="surrogatepass")) > TEXT_BYTES_MAX:
        raise errors.InvalidParam(f"{key_name} is longer than {TEXT_BYTES_MAX} bytes")


def _check_value(key_name: str, value: object) -> None:
    if key_name in (*IN_MEMBER_EVENTS, "m.tz"):
        check_text(key_name, value)
    # An empty one is none, to clients that know no other way to take it away.
    if key_name == "avatar_url" and value and not identifiers.is_mxc_uri(value):
        raise errors.InvalidParam("avatar_url is not an mxc:// URI")


def _as_json(value: object) -> bytes:
    # Any JSON, fractions too: a profile is no event.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
