"""The graph around an event, drawn with characters, or for Graphviz."""

from collections.abc import Iterable

from impl.commands.room_text import lanes
from impl.commands.room_text.lines import clean, event, key, marks, short, when
from impl.services.inspection.graph import Graph, Vertex

LEGEND = (
    "*: message   S: state   x: rejected   ~: soft-failed   o: outlier   ?: missing;"
    "   the newest first"
)
_SYMBOLS = {"rejected": "x", "soft-failed": "~", "outlier": "o", "missing": "?"}
_COLOURS = {
    "rejected": "lightcoral",
    "soft-failed": "khaki",
    "outlier": "lightgrey",
    "missing": "white",
}


def lines(report: Graph) -> Iterable[str]:
    vertices = {one.event.event_id: one for one in report.vertices}
    rows = list(
        lanes.draw(
            list(vertices),
            {event_id: one.prev_events for event_id, one in vertices.items()},
            {event_id: _symbol(one) for event_id, one in vertices.items()},
        )
    )
    for row in rows:
        if row.vertex is None:
            yield row.drawing
            continue
        arrow = "  <== this one" if row.vertex == report.event_id else ""
        yield f"{row.drawing}  {_label(vertices[row.vertex])}{arrow}"
    yield ""
    yield LEGEND


def dot(report: Graph) -> Iterable[str]:
    """Newer above older, edges from an event to its prev events."""
    yield "digraph room {"
    yield '  node [shape=box, style=filled, fillcolor=white, fontname="monospace"];'
    for vertex in report.vertices:
        brief = vertex.event
        attributes = {
            "label": "\n".join(
                [
                    short(brief.event_id),
                    key(brief.type, brief.state_key) or "missing",
                    brief.sender,
                    ", ".join(_marks(vertex)),
                ]
            ).strip(),
            "tooltip": brief.event_id,
        }
        if brief.state_key is not None:
            attributes["shape"] = "ellipse"
        if brief.status in _COLOURS:
            attributes["fillcolor"] = _COLOURS[brief.status]
        if brief.event_id == report.event_id:
            attributes["penwidth"] = "3"
        written = ", ".join(f"{name}={_quoted(value)}" for name, value in attributes.items())
        yield f"  {_quoted(brief.event_id)} [{written}];"
    shown = {one.event.event_id for one in report.vertices}
    for vertex in report.vertices:
        for prev in vertex.prev_events:
            if prev in shown:
                yield f"  {_quoted(vertex.event.event_id)} -> {_quoted(prev)};"
    yield "}"


def _symbol(vertex: Vertex) -> str:
    usual = "S" if vertex.event.state_key is not None else "*"
    return _SYMBOLS.get(vertex.event.status, usual)


def _label(vertex: Vertex) -> str:
    brief = vertex.event
    if brief.status == "missing":
        return f"{brief.event_id}  [{', '.join(_marks(vertex))}]"
    parts = [short(brief.event_id), when(brief.origin_server_ts), brief.sender, event(brief)]
    marked = _marks(vertex)
    if marked:
        parts.append(f"[{', '.join(marked)}]")
    return "  ".join(parts)


def _marks(vertex: Vertex) -> list[str]:
    found = marks(vertex.event)
    if vertex.is_backward_extremity:
        found.append("backward extremity")
    if vertex.not_shown:
        found.append(f"{len(vertex.not_shown)} below not shown")
    if vertex.followed_by:
        found.append(f"{vertex.followed_by} above not shown")
    return found


def _quoted(text: str) -> str:
    # Graphviz takes \n for a new line and knows no other escape but that of the quote.
    parts = (clean(part).replace("\\", "\\\\").replace('"', '\\"') for part in text.split("\n"))
    return '"' + "\\n".join(parts) + '"'
