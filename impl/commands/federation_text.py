"""What is told of sending to other servers, as text. `soma federation status`."""

from collections.abc import Iterator

from impl.commands.room_text.lines import age, when
from impl.services.sending.status import Behind, One, Overview

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000))


def overview(report: Overview) -> Iterator[str]:
    if not report.has_begun:
        yield "Nothing was ever sent to other servers."
        return
    if not report.behind and report.waiting_count:
        yield "All other servers answer."
    elif not report.behind:
        yield "All other servers have been told everything, and answer."
    else:
        yield (
            f"{_servers(report.behind_count, 'has', 'have')} not been told everything;"
            f" {_servers(report.failing_count, 'does', 'do')} not answer."
        )
    if report.to_device_count:
        yield f"Messages to devices that wait: {report.to_device_count}."
    if report.waiting_count:
        yield f"Events that nobody has come to yet: {report.waiting_count}."
    if not report.behind:
        return
    yield ""
    width = min(40, max(len(one.server_name) for one in report.behind))
    yield f"  {'SERVER':<{width}}  {'FAILING SINCE':<21}{'NEXT TRY':<13}WHY"
    for one in report.behind:
        since = when(one.failing_since_ts) if one.failing_since_ts else "-"
        yield (
            f"  {one.server_name:<{width}}  {since:<21}"
            f"{_next_try(one, report.now_ms):<13}{one.failure or _lags(one)}"
        ).rstrip()
    left = max(report.behind_count, report.failing_count) - len(report.behind)
    if left > 0:
        yield f"  ... and {left} more"


def of_server(report: One) -> Iterator[str]:
    now_ms, behind = report.now_ms, report.behind
    yield report.server_name
    if not report.is_federated_with:
        yield "  by federation_domain_whitelist this server does not federate with it"
    yield _row("rooms with us", str(report.room_count))
    if behind is None:
        yield _row("state", "it has been told everything, and answers")
    elif behind.failing_since_ts is None:
        yield _row("state", "it is being told what it missed")
    else:
        since = behind.failing_since_ts
        yield _row("failing since", f"{when(since)} ({age(since, now_ms)})")
        yield _row("why", behind.failure or "not known")
        yield _row("next try", _next_try(behind, now_ms))
    if report.oldest_missed_ts is not None:
        since = report.oldest_missed_ts
        yield _row("rooms it missed", f"{report.missed_room_count}, since {when(since)}")
    if report.oldest_to_device_ts is not None:
        since = report.oldest_to_device_ts
        yield _row("to its devices", f"{report.to_device_count} messages, since {when(since)}")


def _row(label: str, text: str) -> str:
    return f"  {label:<17}{text}"


def _servers(number: int, one: str, many: str) -> str:
    return f"{number} server {one}" if number == 1 else f"{number} servers {many}"


def _lags(one: Behind) -> str:
    return "it is being told what it missed" if one.is_behind else ""


def _next_try(one: Behind, now_ms: int) -> str:
    left = one.retry_ts - now_ms
    for unit, length in _UNITS:
        if left >= length:
            return f"in {left // length} {unit}"
    return "now"
