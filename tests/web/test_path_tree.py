"""The tree of paths."""

import pytest

from impl import errors
from impl.web import path_tree
from impl.web.route import Route


def tree(*paths: str) -> path_tree.Node:
    root = path_tree.Node()
    for path in paths:
        path_tree.add(root, path, Route(path, "", "GET", path, None, frozenset()))
    return root


def found(root: path_tree.Node, path: str) -> tuple[str, list[str]] | None:
    result = path_tree.find(root, path)
    if result is None or not result[0].routes:
        return None
    return result[0].routes["GET"].operation_id, result[1]


def test_values_are_decoded_after_the_path_was_split() -> None:
    root = tree("/rooms/{roomId}/state/{eventType}/{stateKey}")
    path = "/rooms/%21a%3Ab/state/a%2Fb/%25%20+"
    assert found(root, path) is not None
    assert found(root, path)[1] == ["!a:b", "a/b", "% +"]  # type: ignore[index]


def test_identifiers_may_stand_unencoded() -> None:
    root = tree("/profile/{userId}")
    assert found(root, "/profile/@é:b".encode().decode("latin-1")) == (
        "/profile/{userId}",
        ["@é:b"],
    )


def test_a_literal_wins_over_a_parameter_and_may_be_encoded() -> None:
    root = tree("/a/{x}", "/a/b")
    assert found(root, "/a/b") == ("/a/b", [])
    assert found(root, "/a/%62") == ("/a/b", [])
    assert found(root, "/a/c") == ("/a/{x}", ["c"])


def test_a_parameter_is_not_empty_but_a_path_may_end_in_a_slash() -> None:
    root = tree("/state/{type}", "/state/{type}/", "/state/{type}/{key}")
    assert found(root, "/state/a") == ("/state/{type}", ["a"])
    assert found(root, "/state/a/") == ("/state/{type}/", ["a"])
    assert found(root, "/state/a/k") == ("/state/{type}/{key}", ["a", "k"])
    assert found(root, "/state/") is None


@pytest.mark.parametrize("piece", ["%", "%a", "%zz", "%ff", "%ed%a0%80", "%00", "\xff"])
def test_a_piece_that_cannot_be_decoded_is_refused(piece: str) -> None:
    with pytest.raises(errors.InvalidParam):
        path_tree.find(tree("/{x}"), f"/{piece}")


def test_a_path_that_a_literal_hides_stops_the_start() -> None:
    path_tree.check(tree("/a/{x}", "/a/b", "/a/b/c"))
    with pytest.raises(ValueError, match="hides"):
        path_tree.check(tree("/a/{x}/c", "/a/b"))


def test_two_operations_at_one_place_stop_the_start() -> None:
    with pytest.raises(ValueError, match="twice"):
        tree("/a/{x}", "/a/{y}")


def test_an_alias_shares_what_lies_below_and_hides_nothing() -> None:
    root = tree("/m/v3/a", "/m/v3/b/c", "/m/v1/b/d")
    path_tree.alias(root, ("m", "v3"), "v1")
    assert found(root, "/m/v1/a") == ("/m/v3/a", [])
    assert found(root, "/m/v1/b/c") == ("/m/v3/b/c", [])
    assert found(root, "/m/v1/b/d") == ("/m/v1/b/d", [])
    assert found(root, "/m/v3/b/d") is None
