"""Ids that begin with `-` are told from options."""

import argparse

import pytest

from impl.commands import room

HASH = "w" * 42


def read(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    room.add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    "name", ["-" + HASH, "--" + HASH[1:], "-c" + HASH[1:], "-h" + HASH[1:], "-" + "-" * 42]
)
def test_an_id_is_one_wherever_it_stands(name: str) -> None:
    assert read("show", name).room == name
    assert read("show", "--json", name, "-c", "a.yaml").room == name
    assert read("why", name, name).event == name
    assert read("diff", name, name, name).other == name
    assert read("state", name, "--at", name).at == name
    found = read("resolve", "-v", name, name, name)
    assert (found.room, found.events, found.verbose) == (name, [name, name], True)


@pytest.mark.parametrize("name", ["-ab", "-h2", "-vx_-", "-0123456789"])
def test_so_is_the_beginning_of_one(name: str) -> None:
    assert read("why", "!room", name).event == name


def test_options_are_options() -> None:
    assert [str(one) for one in read("show", "-ca.yaml", "!r").config_path] == ["a.yaml"]
    assert [str(one) for one in read("show", "-cfile", "!r").config_path] == ["file"]
    assert read("show", "!r", "--js").json
    for words in (("show", "-h"), ("show", "--help"), ("resolve", "!r", "-vh")):
        with pytest.raises(SystemExit) as end:
            read(*words)
        assert end.value.code == 0
    with pytest.raises(SystemExit) as end:
        read("show", "!r", "--jsn")
    assert end.value.code == 2
