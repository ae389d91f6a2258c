"""`soma room`: the debugger for rooms. Reads one snapshot of the database, whether the server runs
or not; what is read is in services/inspection, how it is shown in room_text/. A purge alone writes.
"""

import argparse
import secrets
import sys
from collections.abc import Callable, Iterable
from typing import Any

from impl.commands import configuration
from impl.commands.id_arguments import IdParser
from impl.commands.one_app import an_app, as_json, database_of, fail, print_lines
from impl.commands.room_text import graph as graph_text
from impl.commands.room_text import resolve as resolve_text
from impl.commands.room_text import show as show_text
from impl.commands.room_text import states as states_text
from impl.commands.room_text import why as why_text
from impl.commands.room_text.lines import clean
from impl.config import Config, ConfigError
from impl.core.rejection import Malformed
from impl.core.signing import new_signing_key, read_signing_keys
from impl.errors import BadState, InvalidParam, MatrixError
from impl.services import room_purge
from impl.services.inspection import graph, overview, resolution, states, verdict
from impl.services.inspection.inspected_room import InspectedRoom
from impl.storage.database import DatabaseUnavailable, StatementError
from impl.storage.migrate import migrate

EPILOG = """\
ROOM is a room id or an alias of this server; EVENT is an event id, or as much of its beginning
as no other event of the room has. Quote them ('!room:example.org', '$abc'), for the shell takes !
and $ for its own; or leave out the ! and the $. Every subcommand has a --help.

where to begin:
  soma room show '#room:example.org'           what the room is, and where its graph ends
  soma room graph ROOM EVENT                   what lies around an event
  soma room why ROOM EVENT                     why it was accepted, rejected or soft-failed, and why
                                               a state event is not in the current state
  soma room resolve ROOM                       how the branches became the current state
"""

Report = Any
# A report of a room, and its lines as text.
Made = tuple[Report, Iterable[str]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Look into a room: its graph, its states, and why they are what they are."
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.set_defaults(what=None, print_help=parser.print_help)
    commands = parser.add_subparsers(metavar="WHAT", title="what to look at", parser_class=IdParser)

    _command(commands, "show", "what a room is, who is in it, how its graph ends", _show)

    one = _command(commands, "graph", "the graph around an event, as text", _graph)
    one.add_argument("event", metavar="EVENT")
    one.add_argument("--before", type=_number, default=10, metavar="N", help="older events (10)")
    one.add_argument("--after", type=_number, default=10, metavar="N", help="newer events (10)")
    one.add_argument("--dot", action="store_true", help="for Graphviz: ... --dot | dot -Tsvg")

    one = _command(commands, "state", "the current state, or that at an event", _state)
    place = one.add_mutually_exclusive_group()
    place.add_argument("--at", metavar="EVENT", help="the state that the event was judged by")
    place.add_argument("--after", metavar="EVENT", help="the state with the event in it")
    one.add_argument("--type", metavar="T", help="of this type alone: m.room.member, say")
    one.add_argument("--key", metavar="K", help="of this state key alone; '' for the empty one")

    one = _command(commands, "diff", "what differs between the states after two events", _diff)
    one.add_argument("event", metavar="EVENT")
    one.add_argument("other", metavar="EVENT")

    one = _command(commands, "why", "why an event was accepted or not, and what became of it", _why)
    one.add_argument("event", metavar="EVENT")

    one = _command(commands, "resolve", "a state resolution, step by step", _resolve)
    one.add_argument(
        "events",
        nargs="*",
        metavar="EVENT",
        help="the states after these are resolved; if none is given, the forward extremities",
    )
    one.add_argument("--at", metavar="EVENT", help="the branches that this event joined")
    one.add_argument(
        "-v", "--verbose", action="store_true", help="what the checks that passed looked at, too"
    )

    one = _command(commands, "purge", "delete a room with all that is known of it", None)
    one.add_argument("--force", action="store_true", help="make users of this server leave it")
    one.add_argument("-y", "--yes", action="store_true", help="do not ask, at a terminal")


def _command(
    commands: Any, name: str, summary: str, make: Callable[[InspectedRoom, Any], Made] | None
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    parser.set_defaults(make=make, what=name)
    parser.add_argument("room", metavar="ROOM", help="a room id, or an alias of this server")
    parser.add_argument("--json", action="store_true", help="for scripts: everything, as JSON")
    configuration.add_arguments(parser)
    return parser


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of events")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    if arguments.what is None:
        arguments.print_help()
        return 2
    config, warnings = configuration.read(arguments)
    configuration.warn(warnings)
    try:
        with database_of(config) as dsn:
            if arguments.what == "purge":
                text = _purge(config, dsn, arguments)
            else:
                text = _look(config, dsn, arguments)
    except MatrixError as error:
        return fail("\n".join(map(clean, error.message.split("\n"))))
    except DatabaseUnavailable as error:
        return fail(str(error))
    except StatementError as error:
        reason = str(error).partition("\n")[0]
        return fail(f"the database cannot be read (is its schema of another version?): {reason}")
    return print_lines(text)


def _look(config: Config, dsn: str, arguments: argparse.Namespace) -> list[str]:
    # Nothing is signed, so any key will do.
    key = new_signing_key(secrets.token_bytes(32), "unused")
    with an_app(config, dsn, key) as app, app.database.snapshot() as txn:
        room = InspectedRoom.find(app, txn, arguments.room)
        report, lines = arguments.make(room, arguments)
        return [as_json(report)] if arguments.json else list(map(clean, lines))


def _purge(config: Config, dsn: str, arguments: argparse.Namespace) -> list[str]:
    # Whoever is made to leave signs that. A key that is missing is not made here.
    try:
        key = read_signing_keys(config.signing_key_path.read_text())[0]
    except (OSError, UnicodeDecodeError, Malformed) as error:
        raise ConfigError("signing_key_path", f"{config.signing_key_path}: {error}") from None
    migrate(config.past_pooler or dsn)
    with an_app(config, dsn, key) as app:
        with app.database.snapshot() as txn:
            report = overview.overview(InspectedRoom.find(app, txn, arguments.room))
        if not arguments.yes and not _is_meant(report):
            raise InvalidParam("nothing was purged")
        try:
            app.start()
            counts = room_purge.purge(app, report.room_id, is_forced=arguments.force)
        except BadState as error:
            raise BadState(f"{error.message}; --force makes them leave") from error
    if arguments.json:
        return [as_json(counts)]
    rows = [f"  {name:<24}{number}" for name, number in sorted(counts.items()) if number]
    return [f"Purged {clean(report.room_id)}. Rows deleted:", *rows]


def _is_meant(report: overview.Overview) -> bool:
    """Ask, where there is somebody to ask."""
    if not sys.stdin.isatty():
        return True
    for line in show_text.lines(report):
        print(clean(line))
    try:
        answer = input("\nDelete all this for good? [no] ")
    except EOFError:
        return False
    return answer.strip().lower() in ("y", "yes")


def _show(room: InspectedRoom, arguments: argparse.Namespace) -> Made:
    report = overview.overview(room)
    return report, show_text.lines(report)


def _graph(room: InspectedRoom, arguments: argparse.Namespace) -> Made:
    report = graph.graph(room, arguments.event, arguments.before, arguments.after)
    return report, graph_text.dot(report) if arguments.dot else graph_text.lines(report)


def _state(room: InspectedRoom, arguments: argparse.Namespace) -> Made:
    where, event = "current", None
    if arguments.at is not None:
        where, event = "before", arguments.at
    elif arguments.after is not None:
        where, event = "after", arguments.after
    report = states.state(room, where, event, arguments.type, arguments.key)
    return report, states_text.lines(report)


def _diff(room: InspectedRoom, arguments: argparse.Namespace) -> Made:
    report = states.difference(room, arguments.event, arguments.other)
    return report, states_text.difference(report)


def _why(room: InspectedRoom, arguments: argparse.Namespace) -> Made:
    report = verdict.verdict(room, arguments.event)
    return report, why_text.lines(report)


def _resolve(room: InspectedRoom, arguments: argparse.Namespace) -> Made:
    if arguments.at is not None and arguments.events:
        raise InvalidParam("either --at an event, or events: not both")
    if arguments.at is not None:
        report = resolution.of_merge(room, arguments.at)
    elif arguments.events:
        report = resolution.of_events(room, arguments.events)
    else:
        report = resolution.of_extremities(room)
    return report, resolve_text.lines(report, is_verbose=arguments.verbose)
