"""`soma migrate`: bring the database to the newest schema, without starting the server."""

import argparse

from impl.commands import configuration
from impl.storage.migrate import migrate
from impl.supervisor import data_directory
from impl.supervisor.supervisor import a_database


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "`soma serve` does the same at every start; workers may go on meanwhile."
    configuration.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    config, warnings = configuration.read(arguments)
    configuration.warn(warnings)
    data_directory.prepare(config)
    with a_database(config) as dsn:
        applied = migrate(config.past_pooler or dsn)
    for name in applied:
        print(f"applied {name}")
    print(f"{len(applied)} migrations applied" if applied else "nothing to do")
    return 0
