"""POST /user/{userId}/openid/request_token."""

from urllib.parse import quote

import pytest

from impl import errors
from impl.app import App
from impl.services import openid
from tests.api.api_client import Answer, Api, User


def ask(user: User, user_id: str = "") -> Answer:
    place = quote(user_id or user.user_id, safe="")
    return user.post(f"/_matrix/client/v3/user/{place}/openid/request_token", {})


def test_the_token_says_who_somebody_is_for_an_hour(app: App, alice: User) -> None:
    token = ask(alice).json
    assert (token["token_type"], token["matrix_server_name"]) == ("Bearer", "soma.test")
    assert token["expires_in"] == 3600
    assert openid.user_of(app, token["access_token"]) == alice.user_id

    now_ms = app.now_ms()
    app.now_ms = lambda: now_ms + 3_600_000
    with pytest.raises(errors.UnknownToken):
        openid.user_of(app, token["access_token"])


def test_the_token_is_good_for_nothing_else(api: Api, app: App, alice: User) -> None:
    token = ask(alice).json["access_token"]
    answer = api.get("/_matrix/client/v3/account/whoami", token)
    assert (answer.status, answer.errcode) == (401, "M_UNKNOWN_TOKEN")
    with pytest.raises(errors.UnknownToken):
        openid.user_of(app, alice.access_token)


def test_what_is_over_is_forgotten(app: App, alice: User) -> None:
    ask(alice)
    now_ms = app.now_ms()
    app.now_ms = lambda: now_ms + 3_600_001
    ask(alice)
    with app.database.read() as txn:
        txn.execute("SELECT count(*) FROM openid_tokens")
        assert txn.fetchone() == (1,)


def test_nobody_gets_anothers(alice: User, bob: User) -> None:
    answer = ask(alice, bob.user_id)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_the_body_is_an_object(api: Api, alice: User) -> None:
    place = quote(alice.user_id, safe="")
    path = f"/_matrix/client/v3/user/{place}/openid/request_token"
    assert alice.post(path, []).status == 400
    assert api.post(path, {}).status == 401
