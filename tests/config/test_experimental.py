"""Of the features that Synapse calls experimental only those are named that are not as asked."""

from pathlib import Path

import pytest

from impl.config import ConfigError, load


def warnings_of(directory: Path, features: str) -> list[str]:
    path = directory / "homeserver.yaml"
    path.write_text(f"server_name: soma.test\nexperimental_features: {features}\n")
    return load(path)[1]


@pytest.mark.parametrize(
    "features",
    ["", "{}", "{msc3814_enabled: true, msc4133_enabled: true}", "{msc3881_enabled: false}"],
)
def test_what_is_as_asked_is_not_spoken_of(tmp_path: Path, features: str) -> None:
    assert warnings_of(tmp_path, features) == []


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    assert warnings_of(
        tmp_path, "{msc3814_enabled: true, msc4306_enabled: true, msc3861: {enabled: true}}"
    ) == [
        "experimental_features.msc4306_enabled is not there: it is ignored",
        "experimental_features.msc3861 is not there: it is ignored",
    ]


def test_what_is_always_there_cannot_be_turned_off(tmp_path: Path) -> None:
    (warning,) = warnings_of(tmp_path, "{msc3814_enabled: false}")
    assert warning.startswith("experimental_features.msc3814_enabled cannot be turned off")


def test_they_are_a_mapping(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="^experimental_features must be a mapping"):
        warnings_of(tmp_path, "[msc3814_enabled]")
