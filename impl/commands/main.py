"""The console script `soma`: which command, and its arguments."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

from impl.config import ConfigError
from impl.storage.migrate import MigrationError
from impl.supervisor.data_directory import AlreadyRunning
from impl.supervisor.postgres_binaries import PostgresError
from impl.supervisor.terminal import version

# Command -> module and what it does. A module is imported when its command is asked for.
COMMANDS = {
    "serve": ("impl.commands.serve", "start the server"),
    "register": ("impl.commands.register", "make a user, or an administrator"),
    "room": ("impl.commands.room", "look into a room: its graph, its states, its decisions"),
    "federation": ("impl.commands.federation", "how this server and others reach each other"),
    "migrate": ("impl.commands.migrate", "bring the database to the newest schema"),
    "generate-config": (
        "impl.commands.generate_config",
        "write a configuration file to start from",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = next((word for word in words if word in COMMANDS), None)
    parser, module = _parser(name)
    parsed = parser.parse_args(words)
    if module is None:
        parser.print_help()
        return 2
    try:
        return module.run(parsed)
    except (ConfigError, AlreadyRunning, PostgresError, MigrationError) as error:
        print(f"soma: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser(chosen: str | None) -> tuple[argparse.ArgumentParser, ModuleType | None]:
    parser = argparse.ArgumentParser(prog="soma", description="A Matrix homeserver.")
    parser.add_argument("--version", action="version", version=f"soma {version()}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    module = None
    for name, (module_name, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
        if name == chosen:
            module = importlib.import_module(module_name)
            module.add_arguments(command)
    return parser, module
