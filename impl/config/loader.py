"""Reads the configuration: files -> one mapping -> Config.

Several files, and directories of files, may be given, as to Synapse: of a key that stands in two of
them at the top level, the later one counts. Without any file the defaults serve one machine.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from impl.config import parts
from impl.config.problems import ConfigError
from impl.config.section import Section
from impl.config.settings import Config
from impl.config.yaml_file import read_yaml

DATA_DIR_NAME = "soma-data"
SERVER_NAME_DEFAULT = "localhost"


def load(
    paths: Path | Sequence[Path] | None = None, data_dir: Path | None = None
) -> tuple[Config, list[str]]:
    """The configuration and its warnings. `data_dir` overrides the file's `soma.data_dir`."""
    warnings: list[str] = []
    files = _files([paths] if isinstance(paths, Path) else list(paths or ()))
    if not files:
        directory = data_dir or default_data_dir()
        values: dict[str, object] = {"server_name": SERVER_NAME_DEFAULT}
        root = Section("", values, directory, warnings)
        return parts.read(root, directory, has_file=False), warnings
    merged, homes = _merge(files, warnings)
    # Paths in a directory of files are relative to the file in which the key stands.
    root = Section("", merged, files[0].parent.absolute(), warnings, homes)
    directory = data_dir or _data_dir(root)
    return parts.read(root, directory, has_file=True), warnings


def default_data_dir() -> Path:
    """Where the data is when no configuration says so."""
    # PostgreSQL does not run as root, and whom it runs as instead cannot enter root's home.
    if os.geteuid() == 0:
        return Path("/var/lib/soma")
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "soma"


def _data_dir(root: Section) -> Path:
    return root.section("soma").path("data_dir") or root.resolve(DATA_DIR_NAME)


def _files(paths: list[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files.extend(sorted(file for file in path.glob("*.yaml") if file.is_file()))
        else:
            files.append(path)
    if paths and not files:
        raise ConfigError("", f"{paths[0]} holds no .yaml file")
    return files


def _merge(files: list[Path], warnings: list[str]) -> tuple[dict[str, object], dict[str, Path]]:
    merged: dict[str, object] = {}
    homes: dict[str, Path] = {}
    for file in files:
        values = read_yaml(file, "", warnings)
        if values is None:
            continue
        if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
            raise ConfigError("", f"{file}: the file must be a mapping of keys to values")
        merged.update(values)
        homes.update(dict.fromkeys(values, file.parent.absolute()))
    return merged, homes
