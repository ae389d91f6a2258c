"""Durations and sizes as Synapse writes them: `5m`, `7d`, `50M`.

A bare number is milliseconds or bytes.
"""

import re

_SECOND_MS = 1000
_DURATION_MS = {
    "": 1,
    "s": _SECOND_MS,
    "m": 60 * _SECOND_MS,
    "h": 3600 * _SECOND_MS,
    "d": 86_400 * _SECOND_MS,
    "w": 7 * 86_400 * _SECOND_MS,
    "y": 365 * 86_400 * _SECOND_MS,
}
_SIZE_BYTES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_QUANTITY = re.compile(r"([0-9]{1,18})([A-Za-z]*)", re.ASCII)


def duration_ms(value: object) -> int | None:
    """Milliseconds, or None if the value is not a duration."""
    return _quantity(value, _DURATION_MS)


def size_bytes(value: object) -> int | None:
    """Bytes, or None if the value is not a size. `M` and `MiB` are the same."""
    if isinstance(value, str):
        value = re.sub(r"(?<=[KMGT])i?B$", "", value.strip())
    return _quantity(value, _SIZE_BYTES)


def _quantity(value: object, units: dict[str, int]) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    if not isinstance(value, str):
        return None
    match = _QUANTITY.fullmatch(value.strip())
    if match is None or match[2] not in units:
        return None
    return int(match[1]) * units[match[2]]
