"""Room aliases: this server's own, and what others' point to. C-S API, "Room aliases"."""

from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.core.event_builder import Draft
from impl.requester import Requester
from impl.services import posting, remote_queries, room_reading
from impl.services.room_events.submission import Submission
from impl.storage import aliases, room_servers
from impl.storage.aliases import Alias
from impl.storage.rooms import Room

CANONICAL_ALIAS = "m.room.canonical_alias"
# Of a room that is on thousands of servers a few will do to join it.
SERVERS_MAX = 50


def check(room_alias: str) -> None:
    """Raises InvalidParam for what is not an alias."""
    if not identifiers.is_room_alias(room_alias):
        raise errors.InvalidParam("the room alias is not valid")


def local_alias(app: App, localpart: str) -> str:
    """The alias of this server with a localpart; raises InvalidParam if there can be none."""
    room_alias = f"#{localpart}:{app.server_name}"
    if ":" in localpart or not identifiers.is_room_alias(room_alias):
        raise errors.InvalidParam("room_alias_name cannot be the first part of a room alias")
    return room_alias


def check_may_use(app: App, requester: Requester, room_alias: str) -> None:
    """Raises Exclusive for an alias in a namespace that an application service has to itself, and
    for one that a service has not reserved. Application Service API, "Registration".
    """
    for service in app.config.application_services:
        if service.id != requester.appservice_id and service.owns("aliases", room_alias):
            raise errors.Exclusive("the room alias belongs to an application service")
        if service.id == requester.appservice_id and not service.is_interested_in(
            "aliases", room_alias
        ):
            raise errors.Exclusive("the room alias is in no namespace of the application service")


def create(app: App, requester: Requester, room_alias: str, room_id: str) -> None:
    """Let an alias point to a room that the requester is in."""
    check(room_alias)
    if identifiers.server_name_of(room_alias) != app.server_name:
        raise errors.InvalidParam("the room alias belongs to another server")
    check_may_use(app, requester, room_alias)
    with app.database.transaction() as txn:
        if requester.is_admin:
            room = room_reading.get(app, txn, room_id)
        else:
            room = room_reading.get_joined(app, txn, room_id, requester.user_id)
        if not aliases.insert(txn, room_alias, room.room_nid, requester.user_id, app.now_ms()):
            raise errors.Unknown("the room alias exists already", status=409)


def resolve(app: App, room_alias: str) -> tuple[str, list[str]]:
    """The room that an alias points to, of this server or another, and servers that know it."""
    check(room_alias)
    if identifiers.server_name_of(room_alias) != app.server_name:
        return remote_queries.resolve_alias(app, room_alias)
    return resolve_own(app, room_alias)


def resolve_own(app: App, room_alias: str) -> tuple[str, list[str]]:
    """The same for an alias of this server."""
    alias = _get(app, room_alias)
    with app.database.read() as txn:
        room = room_reading.find(app, txn, alias.room_id)
        others = room_servers.list_of_room(txn, room.room_nid) if room is not None else []
    return alias.room_id, [app.server_name, *others[:SERVERS_MAX]]


def resolve_either(app: App, room_id_or_alias: str) -> tuple[str, list[str]]:
    """The room id that is meant by either, and servers that know the room, for an alias. Raises
    NotFound for an unknown alias."""
    if room_id_or_alias.startswith("#"):
        return resolve(app, room_id_or_alias)
    return resolve_room(app, room_id_or_alias), []


def resolve_room(app: App, room_id_or_alias: str) -> str:
    """The room id that is meant by either. Raises NotFound for an unknown alias."""
    if room_id_or_alias.startswith("#"):
        return resolve(app, room_id_or_alias)[0]
    if not identifiers.is_room_id(room_id_or_alias):
        raise errors.InvalidParam("neither a room id nor a room alias")
    return room_id_or_alias


def delete(app: App, requester: Requester, room_alias: str) -> None:
    """Take an alias away: for its maker, the room's moderators, the application service in whose
    namespace it is, and the server's administrators.
    """
    check(room_alias)
    with app.database.transaction() as txn:
        alias = aliases.get(txn, room_alias)
        if alias is None:
            raise errors.NotFound("the room alias does not exist")
        if not requester.is_admin:
            check_may_use(app, requester, room_alias)
        room = room_reading.get(app, txn, alias.room_id)
        is_theirs = (
            requester.is_admin
            or alias.creator == requester.user_id
            # A service that gets as far as this has reserved the alias.
            or requester.appservice_id is not None
        )
        if not is_theirs and not may_curate(app, txn, room, requester.user_id):
            raise errors.Forbidden("the alias is not yours, nor may you change the room's aliases")
        if not aliases.delete(txn, room_alias, room.room_nid):
            raise errors.NotFound("the room alias does not exist")
    _withdraw(app, requester, room, room_alias)


def list_local(app: App, requester: Requester, room_id: str) -> list[str]:
    """This server's aliases of a room, for its members, or for all if all may read the room."""
    with app.database.read() as txn:
        room = room_reading.find(app, txn, room_id)
        if room is None or not (
            room_reading.membership(txn, room, requester.user_id) == "join"
            or room_reading.is_world_readable(app, txn, room)
        ):
            raise errors.Forbidden("you are not in this room")
        return aliases.list_of_room(txn, room.room_nid)


def may_curate(app: App, txn: Any, room: Room, user_id: str) -> bool:
    """May a user say which aliases the room goes by? Then also whether the directory shows it."""
    if room_reading.membership(txn, room, user_id) != "join":
        return False
    levels = room_reading.levels(app, txn, room)
    return levels.user(user_id) >= levels.event(CANONICAL_ALIAS, is_state=True)


def new_aliases(app: App, txn: Any, room: Room, content: dict[str, Any]) -> set[str]:
    """The aliases of a new m.room.canonical_alias that are not known to point to its room.

    C-S API, PUT /rooms/{roomId}/state: what stands in the present event already is not looked at
    again."""
    key = room_reading.CANONICAL_ALIAS
    present = room_reading.stored_state(app, txn, room, (key,)).get(key)
    known = named_aliases(room_reading.content_of(present)) if present else set()
    here = set(aliases.list_of_room(txn, room.room_nid))
    return named_in(content) - known - here


def check_point_to(app: App, room_aliases: set[str], room_id: str) -> None:
    """Raises BadAlias for an alias that does not point to a room; other servers are asked."""
    for room_alias in sorted(room_aliases):
        check(room_alias)
        try:
            found = resolve(app, room_alias)[0]
        except errors.MatrixError:
            found = None
        if found != room_id:
            raise errors.BadAlias(f"{room_alias} does not point to this room")


def named_in(content: dict[str, Any]) -> set[str]:
    """The aliases of a new m.room.canonical_alias. Raises BadJson for content of another shape."""
    alias = content.get("alias")
    alternatives = content.get("alt_aliases")
    if not isinstance(alias, str | None):
        raise errors.BadJson("alias must be a string")
    if not isinstance(alternatives, list | None) or not all(
        isinstance(one, str) for one in alternatives or ()
    ):
        raise errors.BadJson("alt_aliases must be a list of strings")
    return named_aliases(content)


def named_aliases(content: dict[str, Any]) -> set[str]:
    """The aliases of an m.room.canonical_alias, whatever its shape."""
    alternatives = content.get("alt_aliases")
    named = [content.get("alias"), *(alternatives if isinstance(alternatives, list) else ())]
    return {one for one in named if isinstance(one, str) and one}


def _get(app: App, room_alias: str) -> Alias:
    check(room_alias)
    with app.database.read() as txn:
        alias = aliases.get(txn, room_alias)
    if alias is None:
        raise errors.NotFound("the room alias does not exist")
    return alias


def _withdraw(app: App, requester: Requester, room: Room, room_alias: str) -> None:
    """Take an alias that is gone out of the room's m.room.canonical_alias, if the requester may."""
    key = room_reading.CANONICAL_ALIAS
    with app.database.read() as txn:
        present = room_reading.stored_state(app, txn, room, (key,)).get(key)
    if present is None:
        return
    content = room_reading.content_of(present)
    if room_alias not in named_aliases(content):
        return
    kept = {name: value for name, value in content.items() if name not in ("alias", "alt_aliases")}
    if content.get("alias") and content["alias"] != room_alias:
        kept["alias"] = content["alias"]
    alternatives = content.get("alt_aliases")
    if isinstance(alternatives, list):
        kept["alt_aliases"] = [one for one in alternatives if one != room_alias]
    try:
        draft = Draft(CANONICAL_ALIAS, requester.user_id, kept, state_key="")
        posting.submit(app, Submission(room.room_id, [draft]))
    except errors.Forbidden:
        # C-S API, DELETE /directory/room: the alias is gone all the same.
        return
