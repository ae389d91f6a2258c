"""Corrections of the spec, and every way in which one is wrong."""

from pathlib import Path

import pytest
import yaml

from codegen.load import SpecError
from codegen.overlay import apply_overlays

SPECS = {"client-server/a.yaml": {"paths": {"/a ": {"get": {"tags": ["x"]}}, "/b": {}}}}


def apply(tmp_path: Path, *changes: dict, **others: object) -> dict:
    overlay = {"why": "it is wrong", "file": "client-server/a.yaml", "changes": list(changes)}
    (tmp_path / "o.yaml").write_text(yaml.safe_dump({**overlay, **others}))
    return apply_overlays(SPECS, tmp_path)["client-server/a.yaml"]["paths"]


def test_set_replaces_and_creates(tmp_path):
    paths = apply(
        tmp_path,
        {"at": ["paths", "/b", "put"], "set": {"operationId": "b"}},
        {"at": ["paths", "/a ", "get", "tags", 0], "set": "y"},
    )
    assert paths == {"/a ": {"get": {"tags": ["y"]}}, "/b": {"put": {"operationId": "b"}}}


def test_remove_and_append(tmp_path):
    paths = apply(
        tmp_path,
        {"at": ["paths", "/b"], "remove": True},
        {"at": ["paths", "/a ", "get", "tags"], "append": ["y"]},
    )
    assert paths == {"/a ": {"get": {"tags": ["x", "y"]}}}


def test_a_renamed_key_keeps_its_place(tmp_path):
    assert list(apply(tmp_path, {"at": ["paths", "/a "], "rename": "/a"})) == ["/a", "/b"]


def test_the_specs_themselves_are_left_alone(tmp_path):
    apply(tmp_path, {"at": ["paths", "/b"], "remove": True})
    assert "/b" in SPECS["client-server/a.yaml"]["paths"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"at": ["paths", "/b"], "set": {}}, "says so itself"),
        ({"at": ["paths", "/c"], "remove": True}, "nothing is there any more"),
        ({"at": ["paths", "/a ", "get", "tags"], "append": ["x"]}, "in the list already"),
        ({"at": ["paths", "/a ", "get", "no"], "append": ["x"]}, "there is no 'no'"),
        ({"at": ["paths", "/a"], "rename": "/x"}, "there is no '/a'"),
        ({"at": ["paths", "/a "], "rename": "/b"}, "a '/b' already"),
        ({"at": ["paths", "/c", "get"], "set": 1}, "there is no '/c'"),
        ({"at": ["paths", "/a ", "get", "tags", 1, "x"], "set": 1}, "there is no 1"),
        ({"at": ["paths"], "set": 1, "remove": True}, "one of"),
        ({"at": ["paths"], "replace": 1}, "one of"),
        ({"at": [], "set": 1}, "one of"),
    ],
)
def test_a_change_that_does_not_fit_is_an_error(tmp_path, change, message):
    with pytest.raises(SpecError, match=message):
        apply(tmp_path, change)


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"why": "  "}, "say why"),
        ({"changes": []}, "must change something"),
        ({"file": "client-server/none.yaml"}, "there is no file"),
        ({"because": "typo"}, "exactly the keys"),
    ],
)
def test_an_overlay_of_the_wrong_form_is_an_error(tmp_path, others, message):
    with pytest.raises(SpecError, match=message):
        apply(tmp_path, {"at": ["paths", "/b"], "remove": True}, **others)
