"""A room on one screen."""

from collections.abc import Iterable

from impl.commands.room_text.lines import age, event, size, when
from impl.services.inspection.overview import Overview

SERVERS_NAMED = 5
POWERFUL_NAMED = 10
BACKWARD_NAMED = 10


def lines(report: Overview) -> Iterable[str]:
    yield report.room_id
    rows = [
        ("version", f"{report.version} (state resolution {report.state_resolution})"),
        ("created", _created(report)),
        *(([("type", report.type)]) if report.type else []),
        *((name.replace("_", " "), value) for name, value in report.values.items()),
        ("aliases here", ", ".join(report.aliases) or "none"),
        ("in the directory", "yes" if report.is_published else "no"),
        ("members", _counts(report.members)),
        ("of this server", _counts(report.local_members)),
        ("servers", _first([f"{k} {v}" for k, v in report.servers.items()], SERVERS_NAMED)),
        ("power", _first(_powerful(report), POWERFUL_NAMED)),
        ("events", _events(report)),
        ("state", f"{report.size.entries} entries in {report.size.nodes} nodes"),
        (
            "all states",
            f"{report.size.nodes_of_all_states} nodes, {size(report.size.bytes_of_all_states)}",
        ),
    ]
    for name, value in rows:
        yield f"  {name:<20}{value}"
    yield ""
    yield f"Forward extremities: {len(report.forward_extremities)}"
    for one in report.forward_extremities:
        yield f"  {one.event_id}"
        yield (
            f"      {event(one)}  by {one.sender}, {age(one.origin_server_ts, report.now_ms)},"
            f" depth {one.depth}"
        )
    yield f"Backward extremities: {len(report.backward_extremities)}"
    for event_id in report.backward_extremities[:BACKWARD_NAMED]:
        yield f"  {event_id}"
    if len(report.backward_extremities) > BACKWARD_NAMED:
        yield f"  and {len(report.backward_extremities) - BACKWARD_NAMED} more"
    if report.remarks:
        yield ""
    for remark in report.remarks:
        yield f"! {remark}"


def _created(report: Overview) -> str:
    names = ", ".join(report.creators) or "nobody that is known"
    known = f"known here since {when(report.known_since_ts)}"
    return f"{when(report.created_ts)} by {names}; {known}" if report.created_ts else known


def _counts(counts: dict[str, int]) -> str:
    order = ("join", "invite", "knock", "leave", "ban")
    named = [f"{counts[one]} {one}" for one in order if one in counts]
    named += [f"{number} {one}" for one, number in sorted(counts.items()) if one not in order]
    return ", ".join(named) or "none"


def _first(names: list[str], number: int) -> str:
    more = [f"and {len(names) - number} more"] if len(names) > number else []
    return ", ".join([*names[:number], *more]) or "none"


def _powerful(report: Overview) -> list[str]:
    return [
        f"{user_id} {'creator' if level is None else level}"
        for user_id, level in report.powerful.items()
    ]


def _events(report: Overview) -> str:
    counts = report.events
    return (
        f"{counts.events}, of them {counts.state_events} state, {counts.rejected} rejected,"
        f" {counts.soft_failed} soft-failed, {counts.outliers} outliers, {counts.redacted}"
        f" redacted; depth {report.depth_max}"
    )
