"""`soma federation`: how this server and others reach each other."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from impl.commands import configuration
from impl.commands.room_text.lines import clean
from impl.config import Config
from impl.core.rejection import Malformed
from impl.core.signing import SigningKey, read_signing_keys
from impl.services import federation_check, https
from impl.services.federation_probe import NOTE, OK, PROBLEM, Finding

EPILOG = """\
examples:
  soma federation check                 what other servers see of this one, and what to do about it
  soma federation check example.org     the same of another server
"""
_MARKS = {OK: "ok", NOTE: "note", PROBLEM: "PROBLEM"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.set_defaults(run_what=None, print_help=parser.print_help)
    commands = parser.add_subparsers(metavar="WHAT", title="what to do")

    one = _command(commands, "check", "what other servers see of a server, from here", _check)
    one.add_argument(
        "server_name", nargs="?", metavar="SERVER", help="a server name; if none, this server's"
    )


def _command(
    commands: Any, name: str, summary: str, run_what: Callable[[Config, Any], int]
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    parser.set_defaults(run_what=run_what)
    parser.add_argument("--json", action="store_true", help="for scripts: everything, as JSON")
    configuration.add_arguments(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    if arguments.run_what is None:
        arguments.print_help()
        return 2
    config, warnings = configuration.read(arguments)
    configuration.warn(warnings)
    return arguments.run_what(config, arguments)


def _check(config: Config, arguments: argparse.Namespace) -> int:
    name = arguments.server_name or config.server_name
    own_keys = _own_keys(config) if name == config.server_name else []
    instruments = https.instruments_of(config)
    findings = federation_check.check(name, instruments, own_keys)
    try:
        if arguments.json:
            found = list(findings)
            print(json.dumps(msgspec.to_builtins(found), indent=2))
        else:
            found = _tell(name, findings)
    finally:
        instruments.resolver.close()
    return 1 if any(one.verdict == PROBLEM for one in found) else 0


def _tell(name: str, findings: Iterable[Finding]) -> list[Finding]:
    # A locale without Unicode is no reason to fail.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    print(f"{clean(name)}, as other servers find it from here\n")
    found = []
    for one in findings:
        found.append(one)
        print(clean(f"  {_MARKS[one.verdict]:<8} {one.subject:<12} {one.text}"), flush=True)
        if one.advice:
            print(clean(f"           {'':<12} {one.advice}"), flush=True)
    problems = sum(one.verdict == PROBLEM for one in found)
    print(f"\n{problems} problem{'s' if problems != 1 else ''}." if problems else "\nAll is well.")
    return found


def _own_keys(config: Config) -> list[SigningKey]:
    """None where the server was never started here, or this is another user."""
    try:
        return read_signing_keys(config.signing_key_path.read_text())
    except (OSError, UnicodeDecodeError, Malformed) as error:
        print(f"soma: signing_key_path {config.signing_key_path}: {error}", file=sys.stderr)
        return []
