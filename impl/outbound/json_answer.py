"""What another server answers is read as JSON, if it is not too much of it."""

from collections.abc import Collection
from typing import Any

import msgspec

from impl import breath
from impl.core import json_bounds

# An event has a value for some thirty of its bytes. What is much denser means no good, and takes
# many times its size once it is read (core/json_bounds.py).
VALUES_FREE = 200_000
BYTES_OF_VALUE_MIN = 20
# Of a room of a hundred thousand members, with what its state rests on.
VALUES_MAX = 8_000_000
# Of what stands beside such lists: the names of all servers in a room.
BESIDE_BYTES_MAX = 4 << 20

_decode = msgspec.json.Decoder().decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_texts = msgspec.json.Decoder(list[msgspec.Raw]).decode


def read(body: bytes, texts: Collection[str]) -> Any:
    """None for what is no JSON, or too much of it. `texts`: lists whose entries stay text; what is
    large beside them is left out.
    """
    values_max = min(VALUES_MAX, max(VALUES_FREE, len(body) // BYTES_OF_VALUE_MIN))
    if _has_more_values(body, values_max):
        return None
    try:
        if not texts:
            return _decode(body)
        fields = _decode_fields(body)
        return {
            name: _read_texts(value) if name in texts else _decode(value)
            for name, value in fields.items()
            if name in texts or len(memoryview(value)) <= BESIDE_BYTES_MAX
        }
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _has_more_values(body: bytes, values_max: int) -> bool:
    """With breaths: in a large body to count takes seconds."""
    counting = json_bounds.count_up_to(body, values_max)
    while True:
        try:
            next(counting)
        except StopIteration as found:
            return bool(found.value)
        breath.take()


def _read_texts(value: msgspec.Raw) -> Any:
    try:
        return _decode_texts(value)
    except msgspec.ValidationError:
        return None  # It is no list.
