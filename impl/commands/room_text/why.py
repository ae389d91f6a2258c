"""What was decided about an event, and why."""

import shlex
from collections.abc import Iterable

from impl.commands.room_text.lines import key, looked_at, short, when, with_id
from impl.services.inspection.checks import Consulted
from impl.services.inspection.fate import Fate
from impl.services.inspection.inspected_room import Brief
from impl.services.inspection.verdict import Check, Verdict

_SUMMARIES = {
    "accepted": "ACCEPTED: it passed the checks of what it cites and of the state before it,"
    " and the current state did not forbid it when it came.",
    "soft-failed": "SOFT-FAILED: it was allowed where it stands, and forbidden by the current state"
    " when it came. It counts in the graph; clients are not shown it, and nothing of this server is"
    " put on top of it.",
    "outlier": "OUTLIER: it is kept for what cites it, without a place in the graph.",
}


def lines(report: Verdict) -> Iterable[str]:
    brief = report.event
    yield brief.event_id
    yield f"  {key(brief.type, brief.state_key)}  {brief.says}"
    yield f"  by {brief.sender}, {when(brief.origin_server_ts)} UTC, depth {brief.depth}"
    yield from _references("stands on", report.prev_events)
    yield from _references("cites", report.auth_events)
    if report.redacted_by is not None:
        yield f"  redacted by {with_id(report.redacted_by)}"
    if brief.is_extremity:
        yield "  a forward extremity"
    yield f"  {'shown' if report.is_shown_to_clients else 'not shown'} to clients"
    yield ""
    yield _SUMMARIES.get(brief.status) or f"REJECTED {report.rejected_reason}"
    yield ""
    yield "The checks, asked again now:"
    shown: list[Consulted] = []
    for number, check in enumerate(report.checks, 1):
        yield from _check(number, check)
        if check.consulted and check.consulted == shown:
            yield "     it looks at the same as the last"
        else:
            yield from looked_at(check.consulted, "     ")
        shown = check.consulted
    if not report.agrees:
        yield ""
        yield (
            "! The rules do not say now what was stored when the event came: either what it refers"
            " to has changed since, or the rules have, or this is a bug of Soma's."
        )
    if report.fate is not None:
        yield ""
        yield from _fate(report.fate, report.room_id)


def _references(name: str, briefs: list[Brief]) -> Iterable[str]:
    for number, one in enumerate(briefs):
        yield f"  {name if not number else '':<10} {with_id(one)}"


def _check(number: int, check: Check) -> Iterable[str]:
    answers = {None: "not asked", True: "allowed", False: f"REFUSED: {check.rule}"}
    yield f"{number}. {check.name}: {answers[check.is_allowed]}"
    if check.where is not None:
        yield f"     the rule: {check.where}"
    if check.remark is not None:
        yield f"     {check.remark}"


def _fate(fate: Fate, room_id: str) -> Iterable[str]:
    if fate.kind == "current":
        yield "It is in the current state."
        return
    yield "It is not in the current state."
    if fate.kind == "replaced" and fate.by is not None:
        yield f"  REPLACED {when(fate.by.origin_server_ts)} by {with_id(fate.by)}"
    elif fate.kind == "dropped" and fate.by is not None:
        yield f"  DROPPED by a state resolution, when this came: {with_id(fate.by)}"
    if fate.reason:
        yield f"  {fate.reason}"
    if fate.outcome is not None:
        winner = fate.outcome.winner
        stands = with_id(winner) if winner is not None else "nothing"
        yield f"  what it came to: {stands}: {fate.outcome.reason}"
    if fate.branches:
        words = [room_id, *(short(one) for one in fate.branches)]
        yield f"  step by step: soma room resolve {shlex.join(words)}"
    now = with_id(fate.stands_now) if fate.stands_now is not None else "nothing"
    yield f"  at its key now: {now}"
