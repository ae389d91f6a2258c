"""python -m codegen COMMAND: upstream -> api-specs/ -> generated/. See README.md beside this."""

import argparse
import json
import sys
from pathlib import Path

from codegen.compiler import add_missing_modules, compile_specs, corrected_specs, stale, write
from codegen.difference import differences
from codegen.importer import import_tree, version_of, write_tree
from codegen.load import SpecError, read_specs
from codegen.operations import answering_operation, read_operations
from codegen.status import defined_functions, read_status, status_json, status_text

ROOT = Path(__file__).parent.parent


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m codegen", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)

    importing = commands.add_parser("import", help="upstream's definitions -> api-specs/")
    importing.add_argument("data", type=Path, help="the data directory of matrix-spec")
    importing.add_argument("--version", help="vX.YY, where the path does not say it")
    commands.add_parser("compile", help="api-specs/ -> generated/")
    commands.add_parser("check", help="fail if generated/ is not what compile would write")

    comparing = commands.add_parser("diff", help="what changed between two versions of the spec")
    comparing.add_argument("old", metavar="vA")
    comparing.add_argument("new", metavar="vB")
    comparing.add_argument(
        "--upstream", type=Path, required=True, help="the folder that holds vA/data and vB/data"
    )
    comparing.add_argument(
        "--formats", action="store_true", help="strings' formats and patterns count as well"
    )
    counting = commands.add_parser("status", help="operations implemented, stubbed, refused")
    counting.add_argument("--json", action="store_true", help="operation ids instead of counts")

    options = parser.parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
    except SpecError as error:
        print(f"codegen: {error}", file=sys.stderr)
        return 1


def _import(options: argparse.Namespace) -> int:
    version = options.version or version_of(options.data)
    if version is None:
        raise SpecError("the path does not name the version of the spec: give --version vX.YY")
    specs = import_tree(options.data)
    write_tree(specs, options.root / "api-specs", version)
    count = sum(len(item) for document in specs.values() for item in document["paths"].values())
    print(f"api-specs/: {version}, {len(specs)} files, {count} operations")
    return 0


def _compiled(root: Path) -> dict[str, str]:
    version = (root / "api-specs" / "VERSION").read_text().strip()
    return compile_specs(corrected_specs(root), version)


def _compile(options: argparse.Namespace) -> int:
    changed = write(_compiled(options.root), options.root / "generated")
    print(f"generated/: {len(changed)} files changed")
    for name in add_missing_modules(read_specs(options.root / "api-specs"), options.root):
        print(f"{name}: new, nothing in it is implemented")
    return 0


def _check(options: argparse.Namespace) -> int:
    wrong = stale(_compiled(options.root), options.root / "generated")
    for name in wrong:
        print(f"generated/{name} is stale")
    if wrong:
        print("run: python -m codegen compile")
    return 1 if wrong else 0


def _diff(options: argparse.Namespace) -> int:
    old, new = (import_tree(options.upstream / v / "data") for v in (options.old, options.new))
    changes = differences(old, new, formats=options.formats)
    ours = read_operations(corrected_specs(options.root))
    for change in changes:
        operation = change.operation
        endpoint = f"{operation.method.upper()} {operation.path.strip()}"
        answering = answering_operation(operation, ours)
        is_written = answering.name in defined_functions(options.root, answering.impl_module)
        function = f"{answering.impl_module}.{answering.name}"
        print(f"{change.mark} {operation.api.name} {operation.operation_id}: {endpoint}")
        print(f"    {'touches' if is_written else 'not implemented:'} {function}")
        for line in change.lines:
            print(f"    {line}")
    counts = [sum(change.mark == mark for change in changes) for mark in "+-~"]
    print("{} operations added, {} removed, {} changed".format(*counts))
    return 0


def _status(options: argparse.Namespace) -> int:
    statuses = read_status(read_operations(corrected_specs(options.root)), options.root)
    if options.json:
        print(json.dumps(status_json(statuses), indent=1))
    else:
        print(status_text(statuses))
    return 0


_COMMANDS = {
    "import": _import,
    "compile": _compile,
    "check": _check,
    "diff": _diff,
    "status": _status,
}

if __name__ == "__main__":
    sys.exit(main())
