"""A module for mypy that holds what impl.api defines against the Protocols of generated/.

A module satisfies its Protocol only when it is complete, so each adapter module is filled up with
stubs. The text is written to a temporary file (tests/codegen); it is not part of the tree.
"""

from pathlib import Path

from codegen.operations import SpecOperation
from codegen.status import defined_functions


def conformance_text(operations: list[SpecOperation], root: Path) -> str:
    """`operations` are those with a function of their own (`operations.routed`)."""
    modules: dict[str, list[SpecOperation]] = {}
    for operation in operations:
        if operation.api.served:
            modules.setdefault(operation.impl_module, []).append(operation)

    parts = []
    for number, (impl_module, own) in enumerate(modules.items()):
        defined = defined_functions(root, impl_module)
        if not any(operation.name in defined for operation in own):
            continue
        lines = [
            f"import {own[0].module} as stubs_{number}",
            f"import {impl_module} as impl_{number}",
            "",
            "",
            f"class Held{number}:",
            f'    """{impl_module}"""',
            "",
        ]
        for operation in own:
            source = "impl" if operation.name in defined else "stubs"
            lines.append(f"    {operation.name} = staticmethod({source}_{number}.{operation.name})")
        lines += ["", "", f"held_{number}: stubs_{number}.Operations = Held{number}()"]
        parts.append("\n".join(lines))
    return "\n\n\n".join(parts) + "\n"
