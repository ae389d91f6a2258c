"""The arguments that say which server is meant, for all commands that need one."""

import argparse
import os
import sys
from pathlib import Path

from impl.config import Config, load
from impl.supervisor import data_directory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-c",
        "--config-path",
        action="append",
        type=Path,
        metavar="FILE",
        help="a homeserver.yaml, or a directory of such files; may be given several times",
    )
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="where the data is, instead of soma.data_dir"
    )


def read(arguments: argparse.Namespace) -> tuple[Config, list[str]]:
    """The configuration and its warnings."""
    return load(arguments.config_path, arguments.data_dir)


def read_with_secret(arguments: argparse.Namespace, may_make: bool) -> Config:
    """The configuration with the registration secret from its file."""
    config, _ = read(arguments)
    has_file = bool(arguments.config_path)
    return data_directory.with_shared_secret(config, has_file, may_make)


def repeated(arguments: argparse.Namespace) -> str:
    """The same arguments again, for a hint on the terminal."""
    words = [f" --config-path {path}" for path in arguments.config_path or ()]
    if arguments.data_dir:
        words.append(f" --data-dir {arguments.data_dir}")
    return "".join(words)


def warn(warnings: list[str]) -> None:
    for text in warnings:
        print(f"soma: warning: {text}", file=sys.stderr)


def make_absolute(arguments: argparse.Namespace) -> None:
    """A reload reads the files again, from wherever the process then is."""
    here = Path(os.getcwd())
    arguments.config_path = [here / path for path in arguments.config_path or ()] or None
    if arguments.data_dir:
        arguments.data_dir = here / arguments.data_dir
