"""Our corrections of the specification, one small file each in overlays/.

    why: |
      What the specification says, what is right, the evidence.
    file: client-server/room_summary.yaml
    changes:
      - at: [paths, "/room_summary/{roomIdOrAlias}", get, security]
        set: [{accessTokenBearer: []}]

`at` is the way from the document's root, one key or index after the other. A change is one of
`set: VALUE`, `remove: true`, `append: [VALUES]` (to a list) and `rename: KEY` (of the last key,
which keeps its place). A change that changes nothing is an error: upstream has corrected itself,
and the overlay is to be deleted.
"""

import copy
from pathlib import Path
from typing import Any

from codegen.load import SpecError, Specs, read_yaml

_KINDS = {"set", "remove", "append", "rename"}


def apply_overlays(specs: Specs, folder: Path) -> Specs:
    """`specs` with every overlay of `folder` applied; `specs` itself stays as it is."""
    result = copy.deepcopy(specs)
    for path in sorted(folder.glob("*.yaml")):
        overlay = read_yaml(path)
        _check_form(overlay, path)
        document = result.get(overlay["file"])
        if document is None:
            raise SpecError(f"{path.name}: there is no file {overlay['file']}")
        for change in overlay["changes"]:
            _apply(document, change, path.name)
    return result


def _check_form(overlay: Any, path: Path) -> None:
    if not isinstance(overlay, dict) or set(overlay) != {"why", "file", "changes"}:
        raise SpecError(f"{path.name}: an overlay has exactly the keys why, file and changes")
    if not str(overlay["why"] or "").strip():
        raise SpecError(f"{path.name}: an overlay must say why")
    for change in overlay["changes"] or []:
        kinds = set(change) - {"at"}
        if len(kinds) != 1 or not kinds <= _KINDS or not change.get("at"):
            raise SpecError(f"{path.name}: a change has `at` and one of {sorted(_KINDS)}")
    if not overlay["changes"]:
        raise SpecError(f"{path.name}: an overlay must change something")


def _apply(document: Any, change: dict[str, Any], name: str) -> None:
    *way, last = change["at"]
    where = f"{name}: {' > '.join(map(str, change['at']))}"
    parent = document
    for key in way:
        parent = _child(parent, key, where)

    if "set" in change:
        if _has(parent, last) and parent[last] == change["set"]:
            raise SpecError(f"{where}: the specification says so itself; delete the overlay")
        parent[last] = copy.deepcopy(change["set"])
    elif "remove" in change:
        if not _has(parent, last):
            raise SpecError(f"{where}: nothing is there any more; delete the overlay")
        del parent[last]
    elif "append" in change:
        values = _child(parent, last, where)
        if any(value in values for value in change["append"]):
            raise SpecError(f"{where}: it is in the list already; delete the overlay")
        values.extend(copy.deepcopy(change["append"]))
    else:
        _rename(parent, last, change["rename"], where)


def _rename(parent: dict[str, Any], old: str, new: str, where: str) -> None:
    _child(parent, old, where)
    if new in parent:
        raise SpecError(f"{where}: there is a {new!r} already")
    items = [(new if key == old else key, value) for key, value in parent.items()]
    parent.clear()
    parent.update(items)


def _has(parent: Any, key: Any) -> bool:
    if isinstance(parent, list):
        return isinstance(key, int) and 0 <= key < len(parent)
    return isinstance(parent, dict) and key in parent


def _child(parent: Any, key: Any, where: str) -> Any:
    if not _has(parent, key):
        raise SpecError(f"{where}: there is no {key!r} any more")
    return parent[key]
