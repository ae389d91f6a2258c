"""The nodes of core/state_trie.py, and their bytes.

A leaf is written as its number of entries, its keys (each as the distance from the one before) and
its values (each as the distance from the smallest); an inner node as the number of entries below
it, a mask of the digits that have a child, and the numbers of the children (each as the distance
from the smallest). All numbers are varints: seven bits a byte, the lowest first, with the top bit
set where more follow. The first byte says which of the two it is.
"""

from array import array
from dataclasses import dataclass

FAN_OUT = 16

_LEAF = 0
_INNER = 1


@dataclass(frozen=True, slots=True)
class Leaf:
    """Keys in ascending order, and the value of each at the same index."""

    keys: "array[int]"
    values: "array[int]"

    @property
    def count(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class Inner:
    """One child number per digit, 0 where there is none, and the number of entries below."""

    children: "array[int]"
    count: int


Node = Leaf | Inner


def encode(node: Node) -> bytes:
    """A node as it is stored."""
    written = bytearray()
    if isinstance(node, Leaf):
        written.append(_LEAF)
        _write_varint(written, node.count)
        last = 0
        for key in node.keys:
            _write_varint(written, key - last)
            last = key
        _write_distances(written, list(node.values))
        return bytes(written)

    written.append(_INNER)
    _write_varint(written, node.count)
    mask = 0
    for digit, child in enumerate(node.children):
        if child:
            mask |= 1 << digit
    written += mask.to_bytes(2, "little")
    _write_distances(written, [child for child in node.children if child])
    return bytes(written)


def decode(stored: bytes) -> Node:
    """A node from what `encode` made of it. ValueError, if it made no such thing."""
    if stored[:1] == b"\x00":
        numbers = _read_varints(stored, 1)
        count = numbers[0]
        if len(numbers) != 2 * count + 2:
            raise ValueError("a leaf of another length than it says")
        keys = array("q")
        key = 0
        for distance in numbers[1 : count + 1]:
            key += distance
            keys.append(key)
        smallest = numbers[count + 1]
        return Leaf(keys, array("q", [smallest + number for number in numbers[count + 2 :]]))

    if stored[:1] != b"\x01":
        raise ValueError("neither a leaf nor an inner node")
    mask_at = 1
    while stored[mask_at] & 0x80:
        mask_at += 1
    mask_at += 1
    count = _read_varints(stored[:mask_at], 1)[0]
    mask = int.from_bytes(stored[mask_at : mask_at + 2], "little")
    numbers = _read_varints(stored, mask_at + 2)
    if len(numbers) != mask.bit_count() + 1:
        raise ValueError("an inner node of another length than it says")
    children = array("q", bytes(8 * FAN_OUT))
    index = 1
    for digit in range(FAN_OUT):
        if mask >> digit & 1:
            children[digit] = numbers[0] + numbers[index]
            index += 1
    return Inner(children, count)


def _write_distances(written: bytearray, numbers: list[int]) -> None:
    smallest = min(numbers, default=0)
    _write_varint(written, smallest)
    for number in numbers:
        _write_varint(written, number - smallest)


def _write_varint(written: bytearray, number: int) -> None:
    if number < 0:
        raise ValueError("a node holds no negative numbers")
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)


def _read_varints(stored: bytes, start: int) -> list[int]:
    numbers = []
    number = shift = 0
    for byte in stored[start:]:
        if byte > 0x7F:
            number |= (byte & 0x7F) << shift
            shift += 7
        else:
            numbers.append(number | byte << shift)
            number = shift = 0
    if shift:
        raise ValueError("a node that ends within a number")
    return numbers
