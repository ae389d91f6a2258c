"""A state resolution, step by step."""

from collections.abc import Iterable, Sequence

from impl.commands.room_text.lines import event, key, looked_at, short, with_id
from impl.services.inspection.inspected_room import Brief
from impl.services.inspection.resolution import Check, Pass, Resolution


def lines(report: Resolution, *, is_verbose: bool) -> Iterable[str]:
    """With `is_verbose` what the checks looked at is told of those that allowed an event, too."""
    yield (
        f"State resolution {report.algorithm} in {report.room_id}, room version {report.version}"
    )
    yield ""
    yield "The branches:"
    for branch in report.branches:
        yield f"  state {branch.state} is after {with_id(branch.event)}"
    for event_id in report.missing:
        yield f"  {event_id} is not here, and its state was not among those resolved"
    if not report.branches:
        yield "  none: it stands on nothing that is here"
    elif not report.conflicts:
        yield ""
        yield "They have the same state: there is nothing to resolve."
    else:
        yield from _steps(report, is_verbose)
    yield from _comparison(report)


def _steps(report: Resolution, is_verbose: bool) -> Iterable[str]:
    yield from _conflicts(report)
    if report.algorithm != "v1":
        yield from _events(
            "The auth difference: what not all of the states rest on", report.auth_difference
        )
    if report.algorithm == "v2.1":
        yield from _events(
            "The conflicted subgraph: what lies between conflicted events",
            report.conflicted_subgraph,
        )
    for number, one in enumerate(report.passes):
        yield from _pass(one, report.algorithm, is_verbose)
        if number == 0 and report.algorithm != "v1":
            yield from _events("The mainline, from the newest", report.mainline)
    yield from _results(report)


def _conflicts(report: Resolution) -> Iterable[str]:
    yield ""
    yield f"The conflicted keys: {len(report.conflicts)}"
    for conflict in report.conflicts:
        yield f"  {key(conflict.type, conflict.state_key)}"
        for one in conflict.candidates:
            brief = one.event
            yield f"    {_states(one.states)}: {_said(brief)}"
        if conflict.absent_in:
            yield f"    {_states(conflict.absent_in)}: nothing"


def _said(brief: Brief) -> str:
    return f"{short(brief.event_id)}  {brief.says}  by {brief.sender}"


def _states(numbers: Sequence[int]) -> str:
    return f"state {', '.join(map(str, numbers))}"


def _events(title: str, briefs: Sequence[Brief]) -> Iterable[str]:
    yield ""
    yield f"{title}: {len(briefs)}"
    for brief in briefs:
        yield f"  {with_id(brief)}"


def _pass(one: Pass, algorithm: str, is_verbose: bool) -> Iterable[str]:
    yield ""
    yield f"Checked: {one.name}: {len(one.checks)}"
    for brief in one.unchecked:
        yield f"   -  {with_id(brief)}  (unchecked)"
    for number, check in enumerate(one.checks, 1):
        yield f"  {number:>2}. {short(check.event.event_id)}  {event(check.event)}"
        yield f"        by {check.event.sender}, {_order(check, algorithm)}"
        yield "        allowed" if check.rule is None else f"        REFUSED: {check.rule}"
        if is_verbose or check.rule is not None:
            yield from looked_at(check.consulted, "          ")


def _order(check: Check, algorithm: str) -> str:
    """What the event's place in the order comes from."""
    if algorithm == "v1":
        return f"depth {check.event.depth}"
    position = check.mainline_position
    place = f", from mainline position {position}" if position is not None else ""
    said = "a creator" if check.sender_level is None else f"level {check.sender_level}"
    return f"{said} by what it cites{place}, time {check.event.origin_server_ts}"


def _results(report: Resolution) -> Iterable[str]:
    yield ""
    yield "The result:"
    for outcome in report.outcomes:
        winner = outcome.winner
        stands = _said(winner) if winner is not None else "nothing"
        yield f"  {key(outcome.type, outcome.state_key)} = {stands}"
        yield f"      {outcome.reason}"
        for loser in outcome.losers:
            yield f"    not {_said(loser.event)}"
            yield f"      {loser.reason}"


def _comparison(report: Resolution) -> Iterable[str]:
    if report.compared_with is None:
        return
    yield ""
    if not report.deviations:
        yield f"This is {report.compared_with}, as it is stored."
        return
    yield f"! This is NOT {report.compared_with}, as it is stored. They differ at:"
    for name in report.deviations:
        yield f"!   {name}"
    if report.missing:
        yield "! Where prev events are missing another server was asked for the state."
