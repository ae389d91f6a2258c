"""Does this event pass this filter? C-S API, "Filtering".

A filter is read once into a `Filter`; reading checks its shape and raises Malformed with the path
of the field that is wrong. What a filter does not say lets everything pass. Keys that are not
known are ignored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from impl.core.glob import Stars
from impl.core.rejection import Malformed

TYPES_KNOWN_MAX = 1000
# Each of them is looked for in each event.
EVENT_FIELDS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Types:
    """A list of event types: most stand as they are, a few have a `*`."""

    exact: frozenset[str]
    patterns: tuple[Stars, ...]
    # What the patterns said of types: there are many events, and of few types.
    _known: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, types: Iterable[str]) -> "Types":
        listed = frozenset(types)
        patterned = {one for one in listed if "*" in one}
        return cls(listed - patterned, tuple(map(Stars.of, sorted(patterned))))

    def __contains__(self, event_type: str) -> bool:
        if event_type in self.exact or not self.patterns:
            return event_type in self.exact
        known = self._known
        found = known.get(event_type)
        if found is None:
            if len(known) >= TYPES_KNOWN_MAX:
                known.clear()
            found = any(pattern.matches(event_type) for pattern in self.patterns)
            known[event_type] = found
        return found

    def __bool__(self) -> bool:
        return bool(self.exact or self.patterns)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """EventFilter, RoomEventFilter and StateFilter in one: each of them is this with fewer keys."""

    limit: int | None = None
    types: Types | None = None
    not_types: Types = Types(frozenset(), ())
    senders: frozenset[str] | None = None
    not_senders: frozenset[str] = frozenset()
    rooms: frozenset[str] | None = None
    not_rooms: frozenset[str] = frozenset()
    contains_url: bool | None = None
    lazy_load_members: bool = False
    include_redundant_members: bool = False
    unread_thread_notifications: bool = False
    # MSC3440: only events to which others relate so; for who knows an event's relations.
    related_by_senders: tuple[str, ...] | None = None
    related_by_rel_types: tuple[str, ...] | None = None

    @property
    def passes_all(self) -> bool:
        """Whether no event of a room that passes can fail."""
        return (
            self.types is None
            and not self.not_types
            and self.senders is None
            and not self.not_senders
            and self.contains_url is None
            and not self.asks_for_relations
        )

    @property
    def asks_for_relations(self) -> bool:
        """Whether what relates to an event decides as well, which `passes` does not know."""
        return self.related_by_senders is not None or self.related_by_rel_types is not None

    def passes_room(self, room_id: str) -> bool:
        return room_id not in self.not_rooms and (self.rooms is None or room_id in self.rooms)

    def passes(self, event_type: str, sender: str | None, content: Mapping[str, Any]) -> bool:
        """An event of a room that passes. Without a sender, as account data is, it has any."""
        if sender is not None:
            # What is excluded is so even if it is included as well.
            if sender in self.not_senders:
                return False
            if self.senders is not None and sender not in self.senders:
                return False
        if event_type in self.not_types:
            return False
        if self.types is not None and event_type not in self.types:
            return False
        return self.contains_url is None or ("url" in content) is self.contains_url


EVERYTHING = EventFilter()


@dataclass(frozen=True, slots=True)
class Filter:
    """What POST /user/{userId}/filter takes."""

    timeline: EventFilter = EVERYTHING
    state: EventFilter = EVERYTHING
    ephemeral: EventFilter = EVERYTHING
    room_account_data: EventFilter = EVERYTHING
    account_data: EventFilter = EVERYTHING
    presence: EventFilter = EVERYTHING
    # Which rooms at all: before what the parts say of rooms.
    rooms: EventFilter = EVERYTHING
    include_leave: bool = False
    is_federation_format: bool = False
    # As they were written; empty for all. See `project`.
    event_fields: tuple[str, ...] = ()


NO_FILTER = Filter()


def read(definition: object) -> Filter:
    """A whole filter, as it is stored or stands in /sync's query."""
    top = _object(definition, "filter")
    room = _object(top.get("room"), "room")
    event_format = top.get("event_format")
    if event_format not in (None, "client", "federation"):
        raise Malformed("event_format must be client or federation")
    event_fields = tuple(_strings(top, "event_fields") or ())
    if len(event_fields) > EVENT_FIELDS_MAX:
        raise Malformed(f"event_fields has more than {EVENT_FIELDS_MAX} fields")
    return Filter(
        timeline=read_part(room.get("timeline"), "room.timeline"),
        state=read_part(room.get("state"), "room.state"),
        ephemeral=read_part(room.get("ephemeral"), "room.ephemeral"),
        room_account_data=read_part(room.get("account_data"), "room.account_data"),
        account_data=read_part(top.get("account_data"), "account_data"),
        presence=read_part(top.get("presence"), "presence"),
        rooms=read_part({key: room[key] for key in ("rooms", "not_rooms") if key in room}, "room"),
        include_leave=_flag(room, "include_leave", "room") or False,
        is_federation_format=event_format == "federation",
        event_fields=event_fields,
    )


def read_part(definition: object, path: str) -> EventFilter:
    """One EventFilter, RoomEventFilter or StateFilter; `path` is what to call it."""
    part = _object(definition, path)
    if not part:
        return EVERYTHING
    types = _strings(part, "types", path)
    senders = _strings(part, "senders", path, "@")
    rooms = _strings(part, "rooms", path, "!")
    related_by_senders = _strings(part, "related_by_senders", path, "@")
    related_by_rel_types = _strings(part, "related_by_rel_types", path)
    return EventFilter(
        limit=_limit(part, path),
        types=None if types is None else Types.of(types),
        not_types=Types.of(_strings(part, "not_types", path) or ()),
        senders=None if senders is None else frozenset(senders),
        not_senders=frozenset(_strings(part, "not_senders", path, "@") or ()),
        rooms=None if rooms is None else frozenset(rooms),
        not_rooms=frozenset(_strings(part, "not_rooms", path, "!") or ()),
        contains_url=_flag(part, "contains_url", path),
        lazy_load_members=_flag(part, "lazy_load_members", path) or False,
        include_redundant_members=_flag(part, "include_redundant_members", path) or False,
        unread_thread_notifications=_flag(part, "unread_thread_notifications", path) or False,
        # Empty is as good as absent: matrix-js-sdk sends them so with each filter that it pages by.
        related_by_senders=tuple(related_by_senders) if related_by_senders else None,
        related_by_rel_types=tuple(related_by_rel_types) if related_by_rel_types else None,
    )


def _path(key: str, path: str) -> str:
    return f"{path}.{key}" if path else key


def _object(value: object, path: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Malformed(f"{path} must be an object")
    return value


def _limit(part: Mapping[str, Any], path: str) -> int | None:
    limit = part.get("limit")
    if limit is None:
        return None
    if type(limit) is not int or limit < 1:
        raise Malformed(f"{_path('limit', path)} must be an integer greater than 0")
    return limit


def _strings(
    part: Mapping[str, Any], key: str, path: str = "", sigil: str = ""
) -> list[str] | None:
    values = part.get(key)
    if values is None:
        return None
    if not isinstance(values, list):
        raise Malformed(f"{_path(key, path)} must be a list")
    for index, value in enumerate(values):
        if not isinstance(value, str) or not value.startswith(sigil):
            beginning = f" that begins with {sigil}" if sigil else ""
            raise Malformed(f"{_path(key, path)}[{index}] must be a string{beginning}")
    return values


def _flag(part: Mapping[str, Any], key: str, path: str) -> bool | None:
    value = part.get(key)
    if value is not None and not isinstance(value, bool):
        raise Malformed(f"{_path(key, path)} must be true or false")
    return value
