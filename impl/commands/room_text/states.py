"""A state, and what two states differ in."""

from collections.abc import Iterable

from impl.commands.room_text.lines import clean, key, short, when, with_id
from impl.services.inspection.states import Difference, State

_KEY_WIDTH_MAX = 48


def lines(report: State) -> Iterable[str]:
    place = f"{report.where} {report.event_id}" if report.event_id else report.where
    shown = "" if len(report.entries) == report.size else f", {len(report.entries)} shown"
    yield f"State of {report.room_id}, {place}: {report.size} entries{shown}"
    names = [clean(key(one.event.type, one.event.state_key)) for one in report.entries]
    width = min(max(map(len, names), default=0), _KEY_WIDTH_MAX)
    for name, entry in zip(names, report.entries, strict=True):
        brief = entry.event
        yield (
            f"  {name:<{width}}  {short(brief.event_id)}  {brief.says}"
            f"   ({brief.sender}, {when(brief.origin_server_ts)})"
        )


def difference(report: Difference) -> Iterable[str]:
    yield f"State of {report.room_id}"
    yield f"- after {with_id(report.before)}"
    yield f"+ after {with_id(report.after)}"
    yield f"{len(report.changes)} keys differ" if report.changes else "no difference"
    for change in report.changes:
        yield f"  {key(change.type, change.state_key)}"
        for sign, brief in (("-", change.before), ("+", change.after)):
            if brief is not None:
                yield f"    {sign} {short(brief.event_id)}  {brief.says}   ({brief.sender})"
