"""The parts of a server name."""

import pytest

from impl.core.server_name import ServerName, parse


@pytest.mark.parametrize(
    ("name", "host", "port", "is_literal"),
    [
        ("a.test", "a.test", None, False),
        ("a.test:8448", "a.test", 8448, False),
        ("a.test.", "a.test.", None, False),
        ("localhost:1", "localhost", 1, False),
        ("1.2.3.4", "1.2.3.4", None, True),
        ("1.2.3.4:65535", "1.2.3.4", 65535, True),
        ("[1:2::3]", "1:2::3", None, True),
        ("[::1]:443", "::1", 443, True),
        # These are names, which the DNS does not know.
        ("1.2.3", "1.2.3", None, False),
        ("1.2.3.400", "1.2.3.400", None, False),
    ],
)
def test_a_name_has_a_host_and_perhaps_a_port(
    name: str, host: str, port: int | None, is_literal: bool
) -> None:
    assert parse(name) == ServerName(name, host, port, is_literal)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ":443",
        "a.test:",
        "a.test:0",
        "a.test:65536",
        "a.test:x",
        "a..test",
        ".a.test",
        ".",
        "a" * 64 + ".test",
        "a." * 127 + "test",
        "[::1",
        "[::x]",
        "[1.2.3.4]",
        "::1",
        "a b.test",
        "https://a.test",
        "ü.test",
    ],
)
def test_what_nobody_can_be_called(name: str) -> None:
    assert parse(name) is None
