"""Paths to properties, such as `content.body`. Appendices, "Dot-separated property paths".

A dot or backslash that belongs to a name has a backslash before it; any other backslash is itself.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

_PIECE = re.compile(r"\\([.\\])|(\.)|(\\)|([^.\\]+)")


class _Absent:
    """There is no such property. None is a value."""


ABSENT = _Absent()


@lru_cache(maxsize=4096)
def split(path: str) -> tuple[str, ...]:
    """The names in a path."""
    names = [""]
    for escaped, dot, backslash, text in _PIECE.findall(path):
        if dot:
            names.append("")
        else:
            names[-1] += escaped or backslash or text
    return tuple(names)


def find(value: Mapping[str, Any], path: str) -> object:
    """The property at a path, or ABSENT."""
    found: object = value
    for name in split(path):
        if not isinstance(found, Mapping) or name not in found:
            return ABSENT
        found = found[name]
    return found


def project(value: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The object with these properties only; those that it lacks are skipped."""
    projected: dict[str, Any] = {}
    # Shorter paths first: what is in as a whole stays whole.
    for names in sorted({split(path) for path in paths}, key=len):
        _copy(value, projected, names)
    return projected


def _copy(source: Mapping[str, Any], target: dict[str, Any], names: tuple[str, ...]) -> None:
    made: list[tuple[dict[str, Any], str]] = []
    for name in names[:-1]:
        below = source.get(name)
        if not isinstance(below, Mapping):
            break
        if target.get(name) is below:
            return
        if name not in target:
            target[name] = {}
            made.append((target, name))
        source, target = below, target[name]
    else:
        if names[-1] in source:
            target[names[-1]] = source[names[-1]]
            return
    # The property is not there, so no empty objects are left on its way.
    for parent, name in made[:1]:
        del parent[name]
