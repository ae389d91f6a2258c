"""api-specs/client-server/login.yaml, logout.yaml, refresh.yaml, whoami.yaml: sessions, and how
they end.
"""

import pytest

from impl.config.settings import Passwords
from impl.web import matrix_api
from tests.api.api_client import Api, register

LOGIN = "/_matrix/client/v3/login"
WHOAMI = "/_matrix/client/v3/account/whoami"
PASSWORD = "correct horse"


@pytest.fixture
def dana(api: Api) -> dict[str, str]:
    """A session of @dana, as it was answered."""
    return api.post(
        "/_matrix/client/v3/register",
        {"username": "dana", "password": PASSWORD, "auth": {"type": "m.login.dummy"}},
    ).json


def credentials(password: str = PASSWORD, **more: object) -> dict[str, object]:
    user = {"type": "m.id.user", "user": "dana"}
    return {"type": "m.login.password", "identifier": user, "password": password, **more}


def test_the_flows_hold_the_password(api: Api) -> None:
    assert {"type": "m.login.password"} in api.get(LOGIN).json["flows"]


def test_the_password_gives_a_session(api: Api, dana: dict[str, str]) -> None:
    answer = api.post(LOGIN, credentials())
    assert answer.status == 200
    assert answer.json["user_id"] == "@dana:soma.test"
    assert answer.json["device_id"] != dana["device_id"]
    assert api.get(WHOAMI, token=answer.json["access_token"]).status == 200


@pytest.mark.parametrize("user", ["dana", "@dana:soma.test"])
def test_the_user_is_named_in_either_form(api: Api, dana: dict[str, str], user: str) -> None:
    old = {"type": "m.login.password", "user": user, "password": PASSWORD}
    assert api.post(LOGIN, old).status == 200


def test_a_wrong_password_and_an_unknown_user_are_answered_alike(
    api: Api, dana: dict[str, str]
) -> None:
    wrong = api.post(LOGIN, credentials("wrong"))
    unknown = api.post(
        LOGIN, {**credentials(), "identifier": {"type": "m.id.user", "user": "nobody"}}
    )
    assert (wrong.status, wrong.errcode) == (403, "M_FORBIDDEN")
    assert wrong.json == unknown.json


def test_what_is_missing_is_named(api: Api) -> None:
    answer = api.post(LOGIN, {"type": "m.login.password", "password": "x"})
    assert (answer.status, answer.errcode) == (400, "M_MISSING_PARAM")
    answer = api.post(LOGIN, {"password": "x"})
    assert (answer.status, answer.errcode) == (400, "M_BAD_JSON")
    assert "type" in answer.json["error"]


def test_an_unknown_type_is_refused(api: Api) -> None:
    answer = api.post(LOGIN, {"type": "m.login.magic"})
    assert (answer.status, answer.errcode) == (400, "M_UNKNOWN")


def test_logging_in_on_a_device_again_ends_its_old_session(api: Api, dana: dict[str, str]) -> None:
    answer = api.post(LOGIN, credentials(device_id=dana["device_id"]))
    assert answer.json["device_id"] == dana["device_id"]
    assert api.get(WHOAMI, token=dana["access_token"]).errcode == "M_UNKNOWN_TOKEN"
    assert api.get(WHOAMI, token=answer.json["access_token"]).status == 200


def test_logout_ends_the_session_at_once_in_every_worker(new_app) -> None:
    one = new_app()
    other = Api(matrix_api.build(new_app(one.database.dsn)))
    api = Api(matrix_api.build(one))
    token = api.post(
        "/_matrix/client/v3/register",
        {"username": "dana", "password": PASSWORD, "auth": {"type": "m.login.dummy"}},
    ).json["access_token"]
    assert other.get(WHOAMI, token=token).status == 200
    assert api.post("/_matrix/client/v3/logout", {}, token=token).json == {}
    for worker in (api, other):
        answer = worker.get(WHOAMI, token=token)
        assert (answer.status, answer.errcode) == (401, "M_UNKNOWN_TOKEN")


def test_logout_all_ends_all_sessions(api: Api, dana: dict[str, str]) -> None:
    second = api.post(LOGIN, credentials()).json
    api.post("/_matrix/client/v3/logout/all", {}, token=dana["access_token"])
    for session in (dana, second):
        assert api.get(WHOAMI, token=session["access_token"]).status == 401


def test_a_refresh_token_gives_new_tokens(api: Api, dana: dict[str, str]) -> None:
    first = api.post(LOGIN, credentials(refresh_token=True)).json
    assert first["expires_in_ms"] > 0
    second = api.post("/_matrix/client/v3/refresh", {"refresh_token": first["refresh_token"]}).json
    assert api.get(WHOAMI, token=first["access_token"]).status == 401
    assert second["access_token"] != first["access_token"]

    # The answer might have got lost: the old one works until the new one is used.
    third = api.post("/_matrix/client/v3/refresh", {"refresh_token": first["refresh_token"]}).json
    fourth = api.post("/_matrix/client/v3/refresh", {"refresh_token": third["refresh_token"]})
    assert fourth.status == 200
    late = api.post("/_matrix/client/v3/refresh", {"refresh_token": first["refresh_token"]})
    assert (late.status, late.errcode) == (401, "M_UNKNOWN_TOKEN")


def test_using_a_refreshed_access_token_ends_the_old_refresh_token(
    api: Api, dana: dict[str, str]
) -> None:
    first = api.post(LOGIN, credentials(refresh_token=True)).json
    old = {"refresh_token": first["refresh_token"]}
    second = api.post("/_matrix/client/v3/refresh", old).json
    assert api.get(WHOAMI, token=second["access_token"]).status == 200
    late = api.post("/_matrix/client/v3/refresh", old)
    assert (late.status, late.errcode) == (401, "M_UNKNOWN_TOKEN")
    assert api.get(WHOAMI, token=second["access_token"]).status == 200


def test_an_expired_token_is_a_soft_logout(api: Api, app, dana: dict[str, str]) -> None:
    session = api.post(LOGIN, credentials(refresh_token=True)).json
    later = app.now_ms() + session["expires_in_ms"]
    app.now_ms = lambda: later
    answer = api.get(WHOAMI, token=session["access_token"])
    assert (answer.status, answer.errcode) == (401, "M_UNKNOWN_TOKEN")
    assert answer.json["soft_logout"] is True


def test_a_device_is_renamed_and_deleted_by_its_owner(api: Api, dana: dict[str, str]) -> None:
    token = dana["access_token"]
    other = api.post(LOGIN, credentials(initial_device_display_name="Old phone")).json
    path = f"/_matrix/client/v3/devices/{other['device_id']}"
    assert api.get(path, token=token).json["display_name"] == "Old phone"
    assert api.put(path, {"display_name": "Phone"}, token=token).json == {}
    assert api.get(path, token=token).json["display_name"] == "Phone"

    asked = api.delete(path, {}, token=token)
    assert asked.status == 401
    auth = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": "dana"},
        "session": asked.json["session"],
    }
    wrong = api.delete(path, {"auth": {**auth, "password": "wrong"}}, token=token)
    assert (wrong.status, wrong.errcode) == (401, "M_FORBIDDEN")
    assert api.delete(path, {"auth": {**auth, "password": PASSWORD}}, token=token).status == 200
    assert api.get(path, token=token).errcode == "M_NOT_FOUND"
    assert api.get(WHOAMI, token=other["access_token"]).status == 401


def test_others_devices_are_not_there(api: Api, dana: dict[str, str], alice) -> None:
    answer = alice.get(f"/_matrix/client/v3/devices/{dana['device_id']}")
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_a_changed_password_logs_the_other_devices_out(api: Api, dana: dict[str, str]) -> None:
    other = api.post(LOGIN, credentials()).json
    auth = {"type": "m.login.password", "user": "dana", "password": PASSWORD}
    answer = api.post(
        "/_matrix/client/v3/account/password",
        {"new_password": "battery staple", "auth": auth},
        token=dana["access_token"],
    )
    assert answer.status == 200
    assert api.get(WHOAMI, token=dana["access_token"]).status == 200
    assert api.get(WHOAMI, token=other["access_token"]).status == 401
    assert api.post(LOGIN, credentials()).status == 403
    assert api.post(LOGIN, credentials("battery staple")).status == 200


def test_a_deactivated_account_is_closed_for_ever(api: Api, dana: dict[str, str]) -> None:
    auth = {"type": "m.login.password", "user": "dana", "password": PASSWORD}
    answer = api.post(
        "/_matrix/client/v3/account/deactivate", {"auth": auth}, token=dana["access_token"]
    )
    assert answer.status == 200
    assert api.get(WHOAMI, token=dana["access_token"]).status == 401
    assert api.post(LOGIN, credentials()).errcode == "M_USER_DEACTIVATED"
    again = api.post(
        "/_matrix/client/v3/register",
        {"username": "dana", "password": PASSWORD, "auth": {"type": "m.login.dummy"}},
    )
    assert again.errcode == "M_USER_IN_USE"


def test_a_password_is_not_changed_where_none_logs_in(api_of, new_app) -> None:
    password_config = Passwords(enabled=False)
    dana = register(api_of(new_app(password_config=password_config)), "dana", PASSWORD)
    auth = {"type": "m.login.password", "user": "dana", "password": PASSWORD}
    body = {"new_password": "battery staple", "auth": auth}
    answer = dana.post("/_matrix/client/v3/account/password", body)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_an_address_that_is_not_known_is_forbidden(api: Api) -> None:
    address = {"type": "m.id.thirdparty", "medium": "email", "address": "dana@soma.test"}
    answer = api.post(LOGIN, {**credentials(), "identifier": address})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_a_device_says_when_and_from_where_it_was_last_seen(api: Api, app) -> None:
    dana = register(api, "dana", PASSWORD)
    app.now_ms = lambda: 2_000_000_000_000
    seen = {"last_seen_ts": 2_000_000_000_000, "last_seen_ip": "127.0.0.1"}
    (device,) = dana.get("/_matrix/client/v3/devices").json["devices"]
    assert seen.items() <= device.items()
    assert seen.items() <= dana.get("/_matrix/client/v3/devices/" + dana.device_id).json.items()


def test_devices_are_deleted_by_a_recent_login_where_it_is_configured(api_of, new_app) -> None:
    dana = register(api_of(new_app(ui_auth_session_timeout=60_000)), "dana", PASSWORD)
    assert dana.post("/_matrix/client/v3/delete_devices", {"devices": ["X"]}).status == 200
    assert dana.delete("/_matrix/client/v3/devices/X", {}).status == 200
    assert dana.post("/_matrix/client/v3/account/deactivate", {}).status == 401
