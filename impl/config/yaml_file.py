"""One YAML file -> plain values. Problems name the file and the line."""

from pathlib import Path

import yaml

from impl.config.problems import ConfigError


class _Loader(yaml.SafeLoader):
    """SafeLoader that remembers which keys stood twice in one mapping: the last one wins."""

    doubles: list[tuple[str, int]]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.value == "<<":
                continue
            if key_node.value in seen:
                self.doubles.append((key_node.value, key_node.start_mark.line + 1))
            seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path, key: str, warnings: list[str]) -> object:
    """The file's values. `key` is the key that named the file, or ""."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(key, f"{path} cannot be read: {error.strerror}".strip()) from None
    except UnicodeDecodeError:
        raise ConfigError(key, f"{path} is not UTF-8 text") from None
    try:
        loader = _Loader(text)
        loader.doubles = []
        try:
            values = loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(key, f"{path}{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(key, f"{path}: not YAML: {type(error).__name__}") from None
    for name, line_number in loader.doubles:
        warnings.append(f"{name} stands twice in {path}, line {line_number}: the last one counts")
    return values
