"""Which operations are implemented, which are stubs, which we refuse, and why."""

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codegen.load import SpecError, read_yaml
from codegen.names import APIS
from codegen.operations import SpecOperation, answering_operation

REFUSED = Path(__file__).parent / "refused.yaml"


@dataclass(frozen=True)
class ApiStatus:
    """Operation ids of one API."""

    implemented: list[str] = field(default_factory=list)
    stubbed: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)  # With the reason.

    @property
    def total(self) -> int:
        return len(self.implemented) + len(self.stubbed) + len(self.refused)


def defined_functions(root: Path, module: str) -> set[str]:
    """The functions that `module` defines, read without importing it."""
    path = root / (module.replace(".", "/") + ".py")
    if not path.is_file():
        return set()
    tree = ast.parse(path.read_text(), filename=str(path))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def read_status(
    operations: list[SpecOperation], root: Path, refused_file: Path = REFUSED
) -> dict[str, ApiStatus]:
    """By API. An operation that was merged into another is what the other is."""
    refused = _read_refused(refused_file, operations)
    statuses = {api.name: ApiStatus() for api in APIS}
    for operation in operations:
        answering = answering_operation(operation, operations)
        key = f"{operation.api.name}/{operation.operation_id}"
        status = statuses[operation.api.name]
        if answering.name in defined_functions(root, answering.impl_module):
            if key in refused:
                raise SpecError(f"{refused_file.name}: {key} is implemented")
            status.implemented.append(operation.operation_id)
        elif key in refused:
            status.refused[operation.operation_id] = refused[key]
        else:
            status.stubbed.append(operation.operation_id)
    return statuses


def status_text(statuses: dict[str, ApiStatus]) -> str:
    rows: list[tuple[str, ...]] = [("", "implemented", "stubbed", "refused", "all")]
    for name, status in statuses.items():
        counts = (len(status.implemented), len(status.stubbed), len(status.refused), status.total)
        rows.append((name, *(str(count) for count in counts)))
    totals = [sum(int(row[column]) for row in rows[1:]) for column in range(1, 5)]
    rows.append(("all", *(str(total) for total in totals)))
    lines = [f"{row[0]:20}" + "".join(f"{cell:>13}" for cell in row[1:]) for row in rows]
    for name, status in statuses.items():
        lines += [f"refused: {name}/{id_}: {why}" for id_, why in status.refused.items()]
    return "\n".join(lines)


def status_json(statuses: dict[str, ApiStatus]) -> dict[str, Any]:
    return {
        name: {
            "implemented": status.implemented,
            "stubbed": status.stubbed,
            "refused": status.refused,
        }
        for name, status in statuses.items()
    }


def _read_refused(path: Path, operations: list[SpecOperation]) -> dict[str, str]:
    refused = read_yaml(path) or {}
    known = {f"{o.api.name}/{o.operation_id}" for o in operations}
    for key, reason in refused.items():
        if key not in known:
            raise SpecError(f"{path.name}: there is no operation {key}")
        if not str(reason or "").strip():
            raise SpecError(f"{path.name}: {key} is refused without a reason")
    return dict(refused)
