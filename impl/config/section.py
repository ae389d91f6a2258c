"""A part of the configuration file, while it is read: typed values; complaints name the key.

A key that is read is a key that is known; what is left over when a section is finished is named in
a warning.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from impl.config.problems import ConfigError
from impl.config.units import duration_ms, size_bytes

_ABSENT = object()


class Section:
    """A mapping of the file, under its full name: `listeners[0].resources[1]`, "" for the file."""

    def __init__(
        self,
        name: str,
        value: object,
        directory: Path,
        warnings: list[str],
        homes: Mapping[str, Path] | None = None,
    ) -> None:
        if value is None:
            value = {}  # An empty mapping in YAML, whose keys are all commented out.
        if not isinstance(value, Mapping):
            raise ConfigError(name, f"must be a mapping of keys to values, not {kind(value)}")
        self.name = name
        self.warnings = warnings
        self._values = value
        self._directory = directory
        # The directory of each key's file, where the keys come from several.
        self._homes = homes or {}
        self._known: set[str] = set()

    def key(self, key: object) -> str:
        """The full name of a key of this section."""
        return f"{self.name}.{key}" if self.name else str(key)

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def error(self, key: str, complaint: str) -> ConfigError:
        """To be raised: says what is wrong with a key's value."""
        return ConfigError(self.key(key), complaint)

    def warn(self, key: str, text: str) -> None:
        """A remark on a key that does not stop the start."""
        self.warnings.append(f"{self.key(key)} {text}")

    def raw(self, key: str) -> object:
        """The value as it stands in the file; None where there is none."""
        self._known.add(key)
        return self._values.get(key)

    def accept(self, *keys: str) -> None:
        """These keys are known, and their values do not matter."""
        self._known.update(keys)

    def present(self, keys: Collection[str]) -> list[str]:
        """Those of the keys that the file holds, in the file's order."""
        return [key for key in self._values if key in keys]

    def string(self, key: str, default: str | None = None) -> str | None:
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.error(key, f"must be a string, not {kind(value)}")
        if "\0" in value:
            raise self.error(key, "must not contain a NUL character")
        return value

    def required_string(self, key: str) -> str:
        value = self.string(key)
        if not value:
            raise self.error(key, "is missing" if value is None else "must not be empty")
        return value

    def boolean(self, key: str, default: bool) -> bool:
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.error(key, f"must be true or false, not {kind(value)}")
        return value

    def integer(self, key: str, default: int, least: int = 0, most: int = 2**53) -> int:
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(key, f"must be a whole number, not {kind(value)}")
        if not least <= value <= most:
            raise self.error(key, f"must be from {least} to {most}, not {value}")
        return value

    def number(self, key: str, default: float) -> float:
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, int | float) or isinstance(value, bool) or value != value:
            raise self.error(key, f"must be a number, not {kind(value)}")
        if value < 0:
            raise self.error(key, f"must not be negative, but is {value}")
        return float(value)

    def duration(self, key: str, default: int | None = None) -> int | None:
        """Milliseconds."""
        value = self.raw(key)
        if value is None:
            return default
        milliseconds = duration_ms(value)
        if milliseconds is None:
            raise self.error(
                key, f"must be a duration such as 30s, 5m, 24h or 7d, not {kind(value)}"
            )
        return milliseconds

    def size(self, key: str, default: int) -> int:
        """Bytes."""
        value = self.raw(key)
        if value is None:
            return default
        number = size_bytes(value)
        if number is None:
            raise self.error(key, f"must be a size in bytes such as 512K or 50M, not {kind(value)}")
        return number

    def choice(self, key: str, default: str, choices: Sequence[str]) -> str:
        value = self.string(key, default)
        if value not in choices:
            raise self.error(key, f"must be one of {', '.join(choices)}, not {value!r}")
        return str(value)

    def path(self, key: str) -> Path | None:
        """A path; a relative one is relative to the file."""
        value = self.string(key)
        if value is None:
            return None
        if not value:
            raise self.error(key, "must not be empty")
        return self.resolve(value, key)

    def resolve(self, path: str, key: str = "") -> Path:
        """The path as seen from the file in which the key stands."""
        return self._homes.get(key, self._directory) / Path(path).expanduser()

    def strings(self, key: str) -> list[str] | None:
        """A list of strings, or None where there is none."""
        value = self.raw(key)
        if value is None:
            return None
        for place, item in enumerate(self.items(key)):
            if not isinstance(item, str):
                raise self.error(f"{key}[{place}]", f"must be a string, not {kind(item)}")
        return list(value)  # type: ignore[call-overload]

    def items(self, key: str) -> list[object]:
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(key, f"must be a list, not {kind(value)}")
        return value

    def mapping(self, key: str) -> dict[str, object]:
        """A mapping whose content is not ours to judge."""
        value = self.raw(key)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise self.error(key, f"must be a mapping of keys to values, not {kind(value)}")
        return value

    def section(self, key: str) -> "Section":
        """A nested mapping; an empty one where there is none."""
        home = self._homes.get(key, self._directory)
        return Section(self.key(key), self.raw(key), home, self.warnings)

    def sections(self, key: str) -> Iterator["Section"]:
        """The mappings of a list."""
        for place, item in enumerate(self.items(key)):
            name = f"{self.key(key)}[{place}]"
            if item is None:
                raise ConfigError(name, "is empty")
            yield Section(name, item, self._directory, self.warnings)

    def finish(self) -> None:
        """Name what was not read."""
        for key in self._values:
            if key not in self._known:
                self.warnings.append(f"{self.key(key)} is not a key that Soma knows: it is ignored")


def kind(value: object) -> str:
    """What a value is, for a complaint. Text is not repeated: it may be a misplaced secret."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return "text" if value else "an empty text"
    if isinstance(value, list):
        return "a list"
    return "a mapping" if isinstance(value, Mapping) else f"a {type(value).__name__}"
