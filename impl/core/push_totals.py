"""How often a class of members was notified of a room or thread, as the rows of a timeline keep it.

A few bytes for each class that was ever told of something: its number, its notifications and those
among them that are highlights, as variable-length integers (seven bits a byte,
the lowest first)."""

from collections.abc import Mapping

# (notifications, highlights).
Pair = tuple[int, int]
NOTHING: Pair = (0, 0)

# class_nid -> pair; a class that is not there was never told of anything.
Totals = dict[int, Pair]


def add(one: Pair, other: Pair) -> Pair:
    return one[0] + other[0], one[1] + other[1]


def subtract(one: Pair, other: Pair) -> Pair:
    return one[0] - other[0], one[1] - other[1]


def sum_of(totals: Mapping[int, Pair], more: Mapping[int, Pair]) -> Totals:
    """What the totals are after some more."""
    found = dict(totals)
    for class_nid, pair in more.items():
        found[class_nid] = add(found.get(class_nid, NOTHING), pair)
    return found


def encode(totals: Mapping[int, Pair]) -> bytes:
    written = bytearray()
    for class_nid, pair in sorted(totals.items()):
        if pair != NOTHING:
            for number in (class_nid, *pair):
                _write(written, number)
    return bytes(written)


def decode(content: bytes) -> Totals:
    """The totals; ValueError for what `encode` does not write."""
    numbers: list[int] = []
    number = shift = 0
    for byte in content:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    if shift or len(numbers) % 3:
        raise ValueError("these are no totals")
    triples = zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)
    return {class_nid: (notify, highlight) for class_nid, notify, highlight in triples}


def of_class(content: bytes, class_nid: int) -> Pair:
    return decode(content).get(class_nid, NOTHING) if content else NOTHING


def _write(written: bytearray, number: int) -> None:
    while number >= 0x80:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
