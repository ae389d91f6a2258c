"""C-S API, "Server Access Control Lists (ACLs) for rooms"."""

import time

import pytest

from impl.core.server_acl import is_allowed


def acl(allow: object = ("*",), deny: object = (), **more: object) -> dict[str, object]:
    lists = {"allow": allow, "deny": deny}
    return {
        **{
            name: list(value) if isinstance(value, tuple) else value
            for name, value in lists.items()
        },
        **more,
    }


def test_without_the_event_everybody_is_allowed():
    assert is_allowed("evil.example", None)


@pytest.mark.parametrize(
    "content", [{}, acl(allow=()), acl(allow=None), acl(allow="*"), acl(allow=(1,))]
)
def test_without_an_allowed_server_nobody_is(content):
    assert not is_allowed("good.example", content)


@pytest.mark.parametrize(
    ("name", "glob", "matches"),
    [
        ("evil.example", "evil.example", True),
        ("evil.example:8448", "evil.example", True),
        ("EVIL.example", "evil.EXAMPLE", True),
        ("evil.example", "*.example", True),
        ("example", "*.example", False),
        ("a.evil.example", "*.evil.*", True),
        ("evil.example", "evil?example", True),
        ("evilexample", "evil?example", False),
        ("evil.example", "evil", False),
        ("evil-example", "evil.example", False),
        ("notevil.example", "evil.example", False),
        ("evil.example", "", False),
        ("evil.example", "[e]vil.example", False),
        ("aXbXb", "a*b", True),
        ("abab", "ab*ab", True),
        ("aba", "ab*ba", False),
        ("abcbd", "a*b*b?", True),
        ("[::1]:80", "[::1]", True),
        ("[::1]", "*", True),
    ],
)
def test_globs(name, glob, matches):
    assert is_allowed(name, acl(allow=(glob,))) is matches
    assert is_allowed(name, acl(deny=("other.test", 1, glob))) is not matches


@pytest.mark.parametrize("name", ["1.2.3.4", "1.2.3.4:80", "[::1]", "[::1]:80"])
def test_ip_literals_can_be_denied(name):
    assert is_allowed(name, acl())
    assert is_allowed(name, acl(allow_ip_literals=None))
    assert is_allowed(name, acl(allow_ip_literals=0))
    assert not is_allowed(name, acl(allow_ip_literals=False))
    assert is_allowed("1.2.3.4.example", acl(allow_ip_literals=False))


def test_no_glob_takes_long():
    begun = time.perf_counter()
    assert not is_allowed("a" * 230, acl(allow=("*a" * 100 + "b", "*a?" * 50 + "b")))
    assert time.perf_counter() - begun < 1
