"""Appendices, "Identifier Grammar"."""

import pytest

from impl.core import identifiers

SERVER_NAMES = [
    "matrix.example",
    "matrix.example:8888",
    "1.2.3.4",
    "1.2.3.4:1234",
    "[1234:5678::abcd]",
    "[1234:5678::abcd]:5678",
    "localhost",
    "a-b.C",
    "[::]",
]
NOT_SERVER_NAMES = [
    "",
    ":",
    ":80",
    "a:",
    "a:b",
    "a:123456",
    "a b",
    "a_b",
    "a/b",
    "a\n",
    "é.example",
    "[::1",
    "[]",
    "[::1]x",
    "::1",
    "a" * 256,
    "a:١",
    "\ud800",
    "%41",
]
HASH = "Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg"


@pytest.mark.parametrize("name", SERVER_NAMES)
def test_server_names(name):
    assert identifiers.is_server_name(name)
    assert identifiers.is_user_id(f"@a:{name}")
    assert identifiers.server_name_of(f"@a:{name}") == name
    assert identifiers.localpart_of(f"@a:{name}") == "a"


@pytest.mark.parametrize("name", NOT_SERVER_NAMES)
def test_what_is_no_server_name(name):
    assert not identifiers.is_server_name(name)
    assert not identifiers.is_user_id(f"@a:{name}")
    assert not identifiers.is_room_alias(f"#a:{name}")
    assert not identifiers.is_mxc_uri(f"mxc://{name}/a")


@pytest.mark.parametrize("name", [None, 1, [], {}, b"a"])
def test_what_is_no_text_is_no_identifier(name):
    assert not identifiers.is_server_name(name)
    assert not identifiers.is_room_alias(name)
    assert not identifiers.is_mxc_uri(name)


@pytest.mark.parametrize("localpart", ["a", "a.b_c=d-e/f+1", "0"])
def test_new_localparts(localpart):
    assert identifiers.is_new_localpart(localpart)


@pytest.mark.parametrize("localpart", ["", "A", "é", "a b", "a:b", "a\n", "a\0", "@", "\ud800"])
def test_what_is_no_new_localpart(localpart):
    assert not identifiers.is_new_localpart(localpart)


@pytest.mark.parametrize("localpart", ["", "A", "é", "a b", "日本", "\n", "!#$", "a" * 252])
def test_users_of_old_have_any_name(localpart):
    assert identifiers.is_user_id(f"@{localpart}:a")


@pytest.mark.parametrize(
    "user_id",
    [
        *("", "@", "@a", "a:b", "!a:b", "@a\0:b", "@\ud800:b"),
        *(f"@{'a' * 253}:a", f"@{'é' * 127}:a"),
        *(None, 1, [], {}, b"@a:b"),
    ],
)
def test_what_is_no_user_id(user_id):
    assert not identifiers.is_user_id(user_id)


@pytest.mark.parametrize("room_id", ["!a:b", "!a:b:80", "!:b", f"!{HASH}"])
def test_room_ids(room_id):
    assert identifiers.is_room_id(room_id)


@pytest.mark.parametrize(
    "room_id", ["", "!", "!a", f"!{HASH}x", f"!{HASH[:-1]}/", "a:b", f"!{'a' * 255}:b", None, 1]
)
def test_what_is_no_room_id(room_id):
    assert not identifiers.is_room_id(room_id)


@pytest.mark.parametrize(
    "event_id", ["$a:b", f"${HASH}", "$acR1l0raoZnm60CBwAVgqbZqoO/mYU81xysh1u7XcJk"]
)
def test_event_ids(event_id):
    assert identifiers.is_event_id(event_id)


@pytest.mark.parametrize(
    "event_id", ["", "$", "a", "!a:b", "$" + "a" * 255, "$\ud800", "$a\0", None, 1]
)
def test_what_is_no_event_id(event_id):
    assert not identifiers.is_event_id(event_id)
    assert not identifiers.is_named_event_id(event_id)


@pytest.mark.parametrize(
    ("event_id", "is_named"),
    [("$a:b", True), ("$:b", True), (f"${HASH}", False), ("$a:", False), ("$a:b c", False)],
)
def test_in_versions_1_and_2_event_ids_have_a_server_name(event_id, is_named):
    assert identifiers.is_event_id(event_id)
    assert identifiers.is_named_event_id(event_id) is is_named


@pytest.mark.parametrize("alias", ["#a:b", "#é ä:b:80"])
def test_aliases(alias):
    assert identifiers.is_room_alias(alias)


@pytest.mark.parametrize(
    "alias", ["", "#", "#a", "#:b", "a:b", "#a\0:b", "#" + "a" * 255 + ":b", None]
)
def test_what_is_no_alias(alias):
    assert not identifiers.is_room_alias(alias)


@pytest.mark.parametrize("uri", ["mxc://a/b", "mxc://[::1]:80/A-b_9"])
def test_mxc_uris(uri):
    assert identifiers.is_mxc_uri(uri)


@pytest.mark.parametrize(
    "uri", ["", "mxc://", "mxc://a", "mxc://a/", "mxc://a/b/c", "mxc://a/../b", "http://a/b", None]
)
def test_what_is_no_mxc_uri(uri):
    assert not identifiers.is_mxc_uri(uri)
