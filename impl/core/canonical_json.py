"""Canonical JSON: the bytes that are hashed and signed. Appendices, "Canonical JSON".

The shortest UTF-8 encoding with keys in the order of their code points, which for UTF-8 is the
order of their bytes. msgspec writes exactly that; what it would write and the specification forbids
is found by a walk beforehand.
"""

from typing import Any

import canonicaljson
import msgspec

from impl.core.rejection import Malformed

INTEGER_MAX = 2**53 - 1
# Deeper than any event that fits into 65,536 bytes and means something; far from the interpreter's
# limit.
DEPTH_MAX = 200

_encode = msgspec.json.Encoder(order="sorted").encode


def encode(value: Any, *, strict: bool = True) -> bytes:
    """The canonical form of parsed JSON.

    Raises Malformed for what has none: with `strict` (room version 6 and later, and everything that
    is not an event) floats and integers beyond 2^53 - 1; always lone surrogates, keys that are not
    strings, and very deep nesting.
    """
    _check(value, strict, DEPTH_MAX)
    try:
        # Older rooms hold floats and big integers in their events; how Python writes these is what
        # was signed.
        return _encode(value) if strict else canonicaljson.encode_canonical_json(value)
    except (UnicodeEncodeError, TypeError, ValueError, OverflowError) as error:
        raise Malformed(f"not encodable as canonical JSON: {error}") from error


def _check(value: Any, strict: bool, depth: int) -> None:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is int:
        if strict and not -INTEGER_MAX <= value <= INTEGER_MAX:
            raise Malformed("an integer is beyond 2^53 - 1")
    elif kind is dict:
        if depth == 0:
            raise Malformed("nested too deeply")
        for key, inner in value.items():
            if type(key) is not str:
                raise Malformed("a key is not a string")
            if type(inner) is not str:
                _check(inner, strict, depth - 1)
    elif kind is list or kind is tuple:
        if depth == 0:
            raise Malformed("nested too deeply")
        for inner in value:
            _check(inner, strict, depth - 1)
    elif kind is not float or strict:
        raise Malformed(f"a {kind.__name__} cannot stand in canonical JSON")
