"""The paths of all operations as a tree of their segments.

A path is split while it is still encoded and its pieces are decoded afterwards, since an identifier
may hold an encoded slash. A literal segment wins over a parameter, and the walk does not come back:
`check` says at start whether some path would need that.
"""

from dataclasses import dataclass, field

from impl.web.request import decode_piece
from impl.web.route import Route


@dataclass(slots=True)
class Node:
    """One segment; `routes` are the operations whose path ends here, by method."""

    literals: dict[str, "Node"] = field(default_factory=dict)
    parameter: "Node | None" = None
    routes: dict[str, Route] = field(default_factory=dict)


def add(root: Node, path: str, route: Route) -> None:
    node = root
    for segment in path[1:].split("/"):
        if segment.startswith("{"):
            node.parameter = node.parameter or Node()
            node = node.parameter
        else:
            node = node.literals.setdefault(segment, Node())
    if node.routes.setdefault(route.method, route) is not route:
        raise ValueError(f"{route.method} {path} is there twice")


def alias(root: Node, known: tuple[str, ...], name: str) -> None:
    """Make the last segment of `known` also answer to `name`, with all that lies below."""
    node = root
    for segment in known[:-1]:
        node = node.literals.get(segment, Node())
    target = node.literals.get(known[-1])
    if target is not None:
        _graft(node.literals.setdefault(name, Node()), target)


def _graft(node: Node, other: Node) -> None:
    # What stands under the name already keeps its place.
    for method, route in other.routes.items():
        node.routes.setdefault(method, route)
    for segment, child in other.literals.items():
        if segment in node.literals:
            _graft(node.literals[segment], child)
        else:
            node.literals[segment] = child
    if other.parameter is not None:
        node.parameter = node.parameter or other.parameter


def lengthen(root: Node, known: tuple[str, ...]) -> None:
    """Let a path end in one more segment, or an empty one, that says nothing. "{}" stands for a
    parameter."""
    node = root
    for segment in known:
        child = node.parameter if segment == "{}" else node.literals.get(segment)
        node = child or Node()
    longer = Node(routes=node.routes)
    node.parameter = node.parameter or longer
    node.literals.setdefault("", longer)


def find(root: Node, path: str) -> tuple[Node, list[str]] | None:
    """The node of a raw path, and the decoded values of its parameters."""
    node, values = root, []
    for segment in path[1:].split("/"):
        child = node.literals.get(segment)
        if child is None:
            piece = segment if segment.isascii() and "%" not in segment else decode_piece(segment)
            child = node.literals.get(piece)
            if child is None:
                child = node.parameter
                if child is None or not piece:
                    return None
                values.append(piece)
        node = child
    return node, values


def check(node: Node, path: str = "") -> None:
    """Fail if a literal hides a path that goes through the parameter beside it."""
    for segment, child in node.literals.items():
        check(child, f"{path}/{segment}")
        if node.parameter is not None and segment and not _covers(child, node.parameter):
            raise ValueError(f"{path}/{segment} hides operations under {path}/{{}}")
    if node.parameter is not None:
        check(node.parameter, f"{path}/{{}}")


def _covers(node: Node, other: Node) -> bool:
    # A node with no routes at all may be hidden from: nothing ends there.
    if not other.routes.keys() <= node.routes.keys():
        return False
    if other.parameter is not None:
        return node.parameter is not None and _covers(node.parameter, other.parameter)
    return all(
        segment in node.literals and _covers(node.literals[segment], child)
        for segment, child in other.literals.items()
    )
