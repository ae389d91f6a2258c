"""How long an answer may be kept: Cache-Control, Expires and Age. RFC 9111, "Freshness"."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

# A directive, and its value with or without quotes.
_DIRECTIVE = re.compile(r'([A-Za-z-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,"]*)))?')
_SECONDS = re.compile(r"[0-9]{1,18}", re.ASCII)


def lifetime_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from now; 0 where it must not be kept; None where the headers do not say.

    The names of the headers are in lower case."""
    directives = {
        match[1].lower(): match[2] or match[3] or ""
        for match in _DIRECTIVE.finditer(headers.get("cache-control", ""))
    }
    if "no-store" in directives or "no-cache" in directives:
        return 0.0
    if "max-age" in directives:
        return max(0.0, _seconds(directives["max-age"]) - _seconds(headers.get("age", "")))
    if "expires" not in headers:
        return None
    expires, date = _date(headers["expires"]), _date(headers.get("date", ""))
    # One that is no date, "0" above all, is in the past. What counts is the other's clock.
    if expires is None or date is None:
        return 0.0 if expires is None else None
    return max(0.0, expires - date)


def _seconds(text: str) -> float:
    return float(text) if _SECONDS.fullmatch(text.strip()) else 0.0


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
