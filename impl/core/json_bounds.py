"""How much a JSON text comes to when it is read.

`[]` is two bytes on the wire and sixty in memory, and whoever reads ten megabytes of them has no
time for anybody else meanwhile. What people say is not like that: an event has a value for some
thirty of its bytes. So before a stranger's text is read its values are counted, which takes a
hundredth of the time."""

import re

# A string, also one that does not end; nothing of it is looked at twice.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.?[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
# Some strings that end, and what is before each.
_PIECE = re.compile(rb'(?:[^"]*+"[^"\\]*+(?:\\.?[^"\\]*+)*+"){1,10000}+', re.DOTALL)


def has_more_values(text: bytes, values_max: int) -> bool:
    """Whether more values than that are in it, keys not counted. It need not be JSON."""
    # A comma stands before each but the first of an object or a list; in strings stand commas too.
    if 1 + _count(text) <= values_max:
        return False
    # Each string is a value, or the name of one; some of the quotes are in strings.
    if text.count(b'"') > 4 * values_max:
        return True
    count, start = 1, 0
    while start < len(text):
        piece = _PIECE.match(text, start)
        end = piece.end() if piece is not None else len(text)
        count += _count(_STRING.sub(b"", text[start:end]))
        start = end
    return count > values_max


def _count(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")
