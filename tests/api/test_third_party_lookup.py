"""third_party_lookup.yaml of client-server, on a server that bridges to nothing."""

import pytest

from tests.api.api_client import Api, User

THIRD_PARTY = "/_matrix/client/v3/thirdparty"


def test_there_are_no_protocols(alice: User) -> None:
    answer = alice.get(f"{THIRD_PARTY}/protocols")
    assert (answer.status, answer.json) == (200, {})


@pytest.mark.parametrize(
    "path",
    [
        "protocol/irc",
        "location/irc?network=freenode&channel=%23matrix",
        "user/irc?nickname=somebody",
        "location?alias=%23matrix%3Asoma.test",
        "user?userid=%40bob%3Asoma.test",
    ],
)
def test_nothing_is_found_in_them(alice: User, path: str) -> None:
    answer = alice.get(f"{THIRD_PARTY}/{path}")
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


@pytest.mark.parametrize(
    ("path", "errcode"),
    [
        ("location", "M_MISSING_PARAM"),
        ("user", "M_MISSING_PARAM"),
        ("location?alias=matrix", "M_INVALID_PARAM"),
        ("user?userid=bob", "M_INVALID_PARAM"),
    ],
)
def test_what_names_nothing_is_refused(alice: User, path: str, errcode: str) -> None:
    answer = alice.get(f"{THIRD_PARTY}/{path}")
    assert (answer.status, answer.errcode) == (400, errcode)


def test_strangers_do_not_ask(api: Api) -> None:
    assert api.get(f"{THIRD_PARTY}/protocols").status == 401
