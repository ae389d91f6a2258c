"""How much a JSON text comes to when it is read.

`[]` is two bytes on the wire and sixty in memory, and whoever reads ten megabytes of them has no
time for anybody else meanwhile. What people say is not like that: an event has a value for some
thirty of its bytes. So before a stranger's text is read its values are counted, which takes a
hundredth of the time."""

from collections.abc import Generator

# So much is looked at between two pauses.
PIECE_BYTES = 128 << 10


def has_more_values(text: bytes, values_max: int) -> bool:
    """Whether more values than that are in it, keys not counted. It need not be JSON."""
    counting = count_up_to(text, values_max)
    while True:
        try:
            next(counting)
        except StopIteration as found:
            return bool(found.value)


def count_up_to(text: bytes, values_max: int) -> Generator[None, None, bool]:
    """The same, with pauses: of what is very large it takes a while."""
    # A comma stands before each but the first of an object or a list; in strings stand commas too.
    if 1 + _count(text) <= values_max:
        return False
    count, start, is_in_string = 1, 0, False
    while start < len(text):
        piece = text[start : start + PIECE_BYTES]
        if (len(piece) - len(piece.rstrip(b"\\"))) % 2:
            # What it escapes belongs to it.
            piece = text[start : start + PIECE_BYTES + 1]
        start += len(piece)
        # What is left of them begins and ends a string.
        parts = piece.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        count += _count(b" ".join(parts[is_in_string::2]))
        if count > values_max:
            return True
        is_in_string ^= len(parts) % 2 == 0
        yield
    return False


def _count(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")
