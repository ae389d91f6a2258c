"""What other servers are asked for a client: aliases, profiles and directories of theirs. S-S API,
"Querying for information", "Published Room Directory".

The answers are kept for a moment, so that a client that draws the same name a hundred times asks
once. What is no good in them is left out; a client gets what it would get from us."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.outbound.failures import FederationFailure, Refused
from impl.services import told_refusals

SERVERS_MAX = 100
ROOMS_MAX = 500
# C-S API, "Profiles": no larger than an event; other servers may be more generous.
PROFILE_BYTES_MAX = 131_072
# How long what was heard of a profile is good enough.
KEPT_MS = 60_000
KEPT_MAX = 10_000

# A room of a directory: what each field must be, and whether it must be there.
_CHUNK: Mapping[str, type] = {
    "room_id": str,
    "num_joined_members": int,
    "world_readable": bool,
    "guest_can_join": bool,
}
_CHUNK_OPTIONAL: Mapping[str, type] = {
    "name": str,
    "topic": str,
    "canonical_alias": str,
    "avatar_url": str,
    "join_rule": str,
    "room_type": str,
}

T = TypeVar("T")


class Profiles:
    """This worker's memory of other servers' users."""

    def __init__(self, app: App) -> None:
        self._kept: dict[str, tuple[int, dict[str, Any]]] = {}

    def get(self, user_id: str, now_ms: int) -> dict[str, Any] | None:
        heard_ts, fields = self._kept.get(user_id, (0, None))
        return fields if now_ms - heard_ts < KEPT_MS else None

    def keep(self, user_id: str, now_ms: int, fields: dict[str, Any]) -> None:
        self._kept.pop(user_id, None)
        self._kept[user_id] = (now_ms, fields)
        if len(self._kept) > KEPT_MAX:
            del self._kept[next(iter(self._kept))]


def resolve_alias(app: App, room_alias: str) -> tuple[str, list[str]]:
    """The room that an alias of another server points to, and servers that know it."""
    server = identifiers.server_name_of(room_alias)
    answer = _asked(lambda: app.federation.query_room_directory(server, room_alias))
    room_id, servers = answer.get("room_id"), answer.get("servers")
    if not identifiers.is_room_id(room_id):
        raise errors.MatrixError(f"{server} does not say what room it is", status=502)
    named = servers if isinstance(servers, list) else []
    known = [one for one in named if identifiers.is_server_name(one)][:SERVERS_MAX]
    return room_id, known or [server]


def profile(app: App, user_id: str) -> dict[str, Any]:
    """The profile of another server's user."""
    now_ms = app.now_ms()
    profiles = app.part(Profiles, Profiles)
    fields = profiles.get(user_id, now_ms)
    if fields is None:
        server = identifiers.server_name_of(user_id)
        answer = _asked(lambda: app.federation.query_profile(server, user_id))
        if len(msgspec.json.encode(answer)) > PROFILE_BYTES_MAX:
            raise errors.MatrixError(f"{server} tells more than a profile may hold", status=502)
        fields = answer
        # What is no text is none: nobody can show it.
        for name in ("displayname", "avatar_url"):
            if name in fields and not isinstance(fields[name], str):
                del fields[name]
        profiles.keep(user_id, now_ms, fields)
    return fields


def public_rooms(app: App, server: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A page of another server's directory."""
    if not identifiers.is_server_name(server):
        raise errors.InvalidParam("server is not a server name")
    if body.get("filter"):
        answer = _asked(lambda: app.federation.query_public_rooms(server, dict(body)))
    else:
        answer = _asked(lambda: app.federation.get_public_rooms(server, body))
    chunk = answer.get("chunk")
    rooms = [_room(one) for one in (chunk if isinstance(chunk, list) else [])[:ROOMS_MAX]]
    page: dict[str, Any] = {"chunk": [one for one in rooms if one is not None]}
    for name, kind in (
        ("next_batch", str),
        ("prev_batch", str),
        ("total_room_count_estimate", int),
    ):
        if isinstance(answer.get(name), kind):
            page[name] = answer[name]
    return page


def _room(one: object) -> dict[str, Any] | None:
    if not isinstance(one, dict) or not identifiers.is_room_id(one.get("room_id")):
        return None
    if not all(type(one.get(name)) is kind for name, kind in _CHUNK.items()):
        return None
    shown = {name: one[name] for name in _CHUNK}
    for name, kind in _CHUNK_OPTIONAL.items():
        if type(one.get(name)) is kind:
            shown[name] = one[name]
    return shown


def _asked(ask: Callable[[], T]) -> T:
    """Raises what the other server says, and a 502 where it says nothing of use."""
    try:
        return ask()
    except Refused as refusal:
        if not 400 <= refusal.status < 500:
            raise errors.MatrixError(f"another server fails: {refusal}", status=502) from refusal
        if refusal.status == 404:
            raise errors.NotFound(f"{refusal.destination} does not know it") from refusal
        message = f"{refusal.destination} refuses: {refusal.error or refusal.errcode}"
        raise told_refusals.as_error(refusal, message) from refusal
    except FederationFailure as failure:
        raise errors.MatrixError(f"another server fails: {failure}", status=502) from failure
