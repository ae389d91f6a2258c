"""`soma serve`: the server, until it is stopped."""

import argparse

from impl.commands import configuration
from impl.config import Config
from impl.supervisor import data_directory, logs
from impl.supervisor.supervisor import Supervisor
from impl.supervisor.terminal import Terminal

DESCRIPTION = """\
Without a configuration the server's name is localhost and it listens on 127.0.0.1:8008, with a
PostgreSQL of its own. SIGHUP reads the configuration again, SIGTERM and Ctrl-C stop the server.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = DESCRIPTION
    configuration.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    configuration.make_absolute(arguments)
    config, warnings = configuration.read(arguments)
    logs.set_up(config.soma.log_level, config.soma.log_format)
    configuration.warn(warnings)
    data_directory.prepare(config)
    data_directory.check_server_name(config)

    def load_config() -> Config:
        return configuration.read_with_secret(arguments, may_make=True)

    terminal = Terminal(config_arguments=configuration.repeated(arguments))
    return Supervisor(load_config(), load_config, terminal).run()
