"""A graph drawn with lines of characters, as `git log --graph` does.

The vertices come one a row, each before its parents. A lane is a column that waits for a vertex;
a vertex takes the lane that waits for it, and leaves one for each parent. Between the rows lanes
fork (`|\\`) and meet (`|/`), one at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the drawing; `vertex` is the one that stands on it, if any does."""

    drawing: str
    vertex: str | None


def draw(
    order: Sequence[str], parents: Mapping[str, Sequence[str]], symbols: Mapping[str, str]
) -> Iterator[Row]:
    """The rows for vertices in an order, with the parents that are to be drawn."""
    place = {vertex: number for number, vertex in enumerate(order)}
    lanes: list[str] = []
    for vertex in order:
        if vertex not in lanes:
            lanes.append(vertex)
        lane = lanes.index(vertex)
        while lanes.count(vertex) > 1:
            last = len(lanes) - 1 - lanes[::-1].index(vertex)
            yield Row(_meeting(len(lanes), lane, last), None)
            del lanes[last]
        cells = [symbols[vertex] if number == lane else "|" for number in range(len(lanes))]
        yield Row(" ".join(cells), vertex)

        # What would lead upwards is a circle, and is not drawn.
        below = [one for one in parents[vertex] if place.get(one, -1) > place[vertex]]
        if not below:
            if lane < len(lanes) - 1:
                yield Row(_closing(len(lanes), lane), None)
            del lanes[lane]
            continue
        lanes[lane] = below[0]
        for number, parent in enumerate(below[1:], lane + 1):
            yield Row(_fork(len(lanes), number - 1), None)
            lanes.insert(number, parent)


def _fork(count: int, lane: int) -> str:
    """A lane to the right of one begins; those further right make room."""
    drawing = " ".join("|" for _ in range(lane + 1)) + "\\"
    return drawing + " \\" * (count - lane - 1)


def _meeting(count: int, lane: int, last: int) -> str:
    """A lane goes over into another to its left; those further right follow."""
    drawing = " ".join("|" for _ in range(lane + 1))
    drawing += "".join("_|" for _ in range(lane + 1, last)) + "/"
    return drawing + "".join(" /" for _ in range(last + 1, count))


def _closing(count: int, lane: int) -> str:
    """A lane ends; those further right take its place."""
    drawing = " ".join("|" for _ in range(lane))
    following = " ".join("/" for _ in range(lane + 1, count))
    return f"{drawing} " * (lane > 0) + " " + following
