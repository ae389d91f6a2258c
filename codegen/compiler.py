"""api-specs/ -> generated/: all stages in order, as a map from file to text.

Nothing is written here but by `write`, so that `check` can compare without touching the tree.
"""

from pathlib import Path

from codegen.bundle import api_bundle, connexion_bundle, json_text
from codegen.load import Specs, read_specs
from codegen.names import API_BY_NAME, APIS, module_name
from codegen.operations import SpecOperation, read_operations, routed
from codegen.overlay import apply_overlays
from codegen.stubs import TypeNames, module_text, operations_text

OVERLAYS = Path(__file__).parent / "overlays"

_README = """# generated

Written by `python -m codegen compile` from `api-specs/` and `codegen/overlays/`. Do not edit: run
`tox -e generated` instead, which fails when anything here is not what the compiler writes.
"""
_UNRECOGNIZED = '''"""What a stub raises. Written by `python -m codegen compile`; do not edit."""


class Unrecognized(NotImplementedError):
    """No function of impl.api answers this operation: 404 M_UNRECOGNIZED."""
'''


def corrected_specs(root: Path) -> Specs:
    """api-specs/ with the overlays applied."""
    return apply_overlays(read_specs(root / "api-specs"), OVERLAYS)


def compile_specs(specs: Specs, version: str) -> dict[str, str]:
    """The files of generated/, by path below it."""
    operations = routed(read_operations(specs))
    files = {
        "README.md": _README,
        "__init__.py": '"""Written by `python -m codegen compile`; do not edit."""\n',
        "unrecognized.py": _UNRECOGNIZED,
    }
    names: dict[str, TypeNames] = {}
    for api in APIS:
        own = [operation for operation in operations if operation.api is api]
        # A file whose operations were all merged into others still has its (empty) module.
        for file in sorted({n.split("/")[1] for n in specs if n.startswith(f"{api.name}/")}):
            text = _module(f"{api.name}/{file}", [o for o in own if o.file == file], names)
            files[f"{api.package}/{module_name(file)}.py"] = text
        files[f"{api.package}/__init__.py"] = f'"""api-specs/{api.name}"""\n'
        if own:
            bundle = api_bundle(api.name, own, version)
            files[f"openapi-3.1/{api.name}.json"] = json_text(bundle)
    files["operations.py"] = operations_text(operations, names)
    served = [operation for operation in operations if operation.api.served]
    files["openapi.json"] = json_text(connexion_bundle(served, version))
    return files


def write(files: dict[str, str], target: Path) -> list[str]:
    """Bring `target` to `files`; return what was written or deleted."""
    changed = stale(files, target)
    for name in changed:
        path = target / name
        if name in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name])
        else:
            path.unlink()
    return changed


def stale(files: dict[str, str], target: Path) -> list[str]:
    """The files of `target` that are not what they should be, or should not be there."""
    present = {
        path.relative_to(target).as_posix()
        for path in target.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    differing = {
        name
        for name in present & set(files)
        if (target / name).read_bytes() != files[name].encode()
    }
    return sorted((present ^ set(files)) | differing)


def _module(source: str, operations: list[SpecOperation], names: dict[str, TypeNames]) -> str:
    if not operations:
        return f'"""api-specs/{source}: its operations are answered by others\'."""\n'
    text, found = module_text(operations)
    api = operations[0].api.name
    names.update({f"{api}/{operation_id}": types for operation_id, types in found.items()})
    return text


def add_missing_modules(specs: Specs, root: Path) -> list[str]:
    """Give each served spec file its module in impl.api; what is there is never touched."""
    added = []
    for name in specs:
        api, _, file = name.partition("/")
        if API_BY_NAME[api].served:
            package = root / API_BY_NAME[api].impl.replace(".", "/")
            path = package / f"{module_name(file)}.py"
            if package.is_dir() and not path.exists():
                path.write_text(f'"""api-specs/{name}"""\n')
                added.append(path.relative_to(root).as_posix())
    return added
