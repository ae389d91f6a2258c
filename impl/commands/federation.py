"""`soma federation`: how this server and others reach each other."""

import argparse
import json
import secrets
import sys
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from impl.app import App
from impl.commands import configuration, federation_text
from impl.commands.one_app import an_app, as_json, database_of, fail, print_lines
from impl.commands.room_text.lines import clean
from impl.config import Config
from impl.core.rejection import Malformed
from impl.core.signing import SigningKey, new_signing_key, read_signing_keys
from impl.errors import MatrixError
from impl.services import federation_check, https
from impl.services.federation_probe import NOTE, OK, PROBLEM, Finding
from impl.services.sending import status
from impl.storage.database import DatabaseUnavailable, StatementError

EPILOG = """\
examples:
  soma federation check                 what other servers see of this one, and what to do about it
  soma federation check example.org     the same of another server
  soma federation status                who has not been told everything, since when, and why
  soma federation status example.org    the same of one server
  soma federation retry example.org     try a server now that is left alone since it did not answer
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

    one = _command(commands, "status", "what waits for other servers, and why it does", _status)
    one.add_argument("server_name", nargs="?", metavar="SERVER", help="of this one, in more detail")

    one = _command(commands, "retry", "try servers now that are left alone", _retry)
    which = one.add_mutually_exclusive_group(required=True)
    which.add_argument("server_name", nargs="?", metavar="SERVER")
    which.add_argument("--all", action="store_true", help="all of them, one after the other")


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


def _status(config: Config, arguments: argparse.Namespace) -> int:
    def look(app: App) -> list[str]:
        if arguments.server_name is not None:
            one = status.of_server(app, arguments.server_name)
            return [as_json(one)] if arguments.json else [*federation_text.of_server(one)]
        report = status.overview(app)
        return [as_json(report)] if arguments.json else [*federation_text.overview(report)]

    return _with_app(config, look)


def _retry(config: Config, arguments: argparse.Namespace) -> int:
    def ask(app: App) -> list[str]:
        if arguments.all:
            number = status.retry_all(app)
        else:
            number = int(status.retry(app, arguments.server_name))
        if arguments.json:
            return [as_json({"retried": number})]
        return [f"Servers that are tried now: {number}." if number else "None is left alone."]

    return _with_app(config, ask)


def _with_app(config: Config, do: Callable[[App], list[str]]) -> int:
    """Do something with the server's database, and print what comes of it."""
    # Nothing is signed, so any key will do.
    key = new_signing_key(secrets.token_bytes(32), "unused")
    try:
        with database_of(config) as dsn, an_app(config, dsn, key) as app:
            lines = do(app)
    except (MatrixError, DatabaseUnavailable) as error:
        return fail(clean(str(error)))
    except StatementError as error:
        reason = str(error).partition("\n")[0]
        return fail(f"the database cannot be read (is its schema of another version?): {reason}")
    return print_lines("\n".join(map(clean, line.split("\n"))) for line in lines)


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
