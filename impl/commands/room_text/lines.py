"""What the texts have in common: ids, times, events in a line."""

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

from impl.services.inspection.checks import Consulted
from impl.services.inspection.inspected_room import Brief

SHORT_ID = 12
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000))
# Controls, marks that turn the direction of writing and the like, lone surrogates.
_UNPRINTED = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def clean(line: str) -> str:
    """Without what a terminal would obey."""
    if line.isascii() and line.isprintable():
        return line
    return "".join(
        f"\\u{ord(one):04x}" if unicodedata.category(one) in _UNPRINTED else one for one in line
    )


def short(event_id: str) -> str:
    """Enough of an id to name the event again. Ids with a server name are sequences: all of it."""
    return event_id if ":" in event_id else event_id[:SHORT_ID]


def key(event_type: str, state_key: str | None) -> str:
    return f"{event_type} {state_key}" if state_key else event_type


def when(timestamp_ms: int) -> str:
    """In UTC. Others write what they like for a time."""
    try:
        return f"{datetime.fromtimestamp(timestamp_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return f"at {timestamp_ms} ms"


def age(timestamp_ms: int, now_ms: int) -> str:
    passed = now_ms - timestamp_ms
    if passed < 0:
        return "in the future"
    for unit, length in _UNITS:
        if passed >= length:
            return f"{passed // length} {unit} ago"
    return "now"


def size(number: int) -> str:
    for unit in ("B", "KB", "MB"):
        if number < 1024:
            return f"{number} {unit}"
        number //= 1024
    return f"{number} GB"


def event(brief: Brief) -> str:
    """An event in a line, without its id."""
    if brief.status == "missing":
        return "is not here"
    return "  ".join(filter(None, [key(brief.type, brief.state_key), brief.says]))


def marks(brief: Brief) -> list[str]:
    """What is not as usual."""
    found = [] if brief.status == "accepted" else [brief.status]
    if brief.is_redacted:
        found.append("redacted")
    if brief.is_extremity:
        found.append("forward extremity")
    return found


def with_id(brief: Brief) -> str:
    """An event in a line."""
    marked = marks(brief)
    sender = f"  by {brief.sender}" if brief.sender else ""
    tail = f"  [{', '.join(marked)}]" if marked else ""
    return f"{short(brief.event_id)}  {event(brief)}{sender}{tail}"


def looked_at(found: Iterable[Consulted], indent: str) -> list[str]:
    """What a check looked at, in words."""
    named = [
        (key(one.type, one.state_key), short(one.event_id) if one.event_id else "-", one.says)
        for one in found
    ]
    return [f"{indent}{event_id:<{SHORT_ID}}  {says}   ({name})" for name, event_id, says in named]
