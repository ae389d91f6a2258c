"""How much a JSON text comes to when it is read.

`[]` is two bytes on the wire and sixty in memory, and whoever reads ten megabytes of them has no
time for anybody else meanwhile. What people say is not like that: an event has a value for some
thirty of its bytes. So before a stranger's text is read its values are counted, which takes a
hundredth of the time."""

import re

# A string, also one that does not end; nothing of it is looked at twice.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.?[^"\\]*+)*+(?:"|\Z)', re.DOTALL)


def has_more_values(text: bytes, values_max: int) -> bool:
    """Whether more values than that are in it, keys not counted. It need not be JSON."""
    # A comma stands before each but the first of an object or a list; in strings stand commas too.
    if _count(text) <= values_max:
        return False
    # Each string is a value, or the name of one; some of the quotes are in strings.
    return text.count(b'"') > 4 * values_max or _count(_STRING.sub(b"", text)) > values_max


def _count(text: bytes) -> int:
    return 1 + text.count(b",") + text.count(b"[") + text.count(b"{")
