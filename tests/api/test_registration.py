"""api-specs/client-server/registration.yaml and registration_tokens.yaml"""

import pytest

from impl import errors
from impl.app import App
from impl.storage import accounts
from impl.web import matrix_api
from tests.api.api_client import Api

REGISTER = "/_matrix/client/v3/register"
DUMMY = {"type": "m.login.dummy"}


def body(username: str | None = "dana", **more: object) -> dict[str, object]:
    return {"username": username, "password": "correct horse", **more}


def test_the_first_request_says_what_is_to_be_done(api: Api) -> None:
    answer = api.post(REGISTER, body())
    assert answer.status == 401
    assert answer.json["flows"] == [{"stages": ["m.login.dummy"]}]
    assert answer.json["session"]
    assert "errcode" not in answer.json


def test_the_stage_makes_the_account_and_a_session(api: Api) -> None:
    session = api.post(REGISTER, body()).json["session"]
    answer = api.post(REGISTER, body(auth={**DUMMY, "session": session}))
    assert answer.status == 200
    assert answer.json["user_id"] == "@dana:soma.test"
    whoami = api.get("/_matrix/client/v3/account/whoami", token=answer.json["access_token"])
    assert whoami.json == {
        "user_id": "@dana:soma.test",
        "device_id": answer.json["device_id"],
        "is_guest": False,
    }


def test_the_name_becomes_the_display_name(api: Api) -> None:
    api.post(REGISTER, body(auth=DUMMY))
    profile = api.get("/_matrix/client/v3/profile/@dana:soma.test/displayname")
    assert profile.json == {"displayname": "dana"}


def test_without_a_name_one_is_made_up(api: Api) -> None:
    answer = api.post(REGISTER, body(None, auth=DUMMY))
    assert answer.status == 200
    assert answer.json["user_id"].endswith(":soma.test")


def test_inhibit_login_gives_no_token(api: Api) -> None:
    answer = api.post(REGISTER, body(auth=DUMMY, inhibit_login=True))
    assert answer.status == 200
    assert "access_token" not in answer.json


def test_a_given_device_is_the_session_s(api: Api) -> None:
    answer = api.post(REGISTER, body(auth=DUMMY, device_id="PHONE"))
    assert answer.json["device_id"] == "PHONE"


@pytest.mark.parametrize("name", ["da na", "däna", "", "_bridge_dana", "12345"])
def test_a_name_against_the_grammar_is_refused(api: Api, name: str) -> None:
    answer = api.post(REGISTER, body(name, auth=DUMMY))
    assert (answer.status, answer.errcode) == (400, "M_INVALID_USERNAME")


def test_a_name_that_is_too_long_is_refused(api: Api) -> None:
    answer = api.post(REGISTER, body("d" * 255, auth=DUMMY))
    assert (answer.status, answer.errcode) == (400, "M_INVALID_USERNAME")


def test_a_name_that_is_taken_is_refused(api: Api) -> None:
    api.post(REGISTER, body(auth=DUMMY))
    answer = api.post(REGISTER, body(auth=DUMMY))
    assert (answer.status, answer.errcode) == (400, "M_USER_IN_USE")


def test_an_empty_password_is_weak(api: Api) -> None:
    answer = api.post(REGISTER, {"username": "dana", "password": "", "auth": DUMMY})
    assert (answer.status, answer.errcode) == (400, "M_WEAK_PASSWORD")


def test_a_session_is_good_for_one_request_only(api: Api) -> None:
    session = api.post(REGISTER, body()).json["session"]
    assert api.post(REGISTER, body(auth={**DUMMY, "session": session})).status == 200
    again = api.post(REGISTER, body("again", auth={**DUMMY, "session": session}))
    assert again.status in (400, 403)


def test_an_unknown_session_or_stage_is_refused(api: Api) -> None:
    answer = api.post(REGISTER, body(auth={**DUMMY, "session": "made up"}))
    assert (answer.status, answer.errcode) == (400, "M_UNKNOWN")
    answer = api.post(REGISTER, body(auth={"type": "m.login.sso"}))
    assert (answer.status, answer.errcode) == (400, "M_UNKNOWN")


def test_where_registration_is_closed_it_is_forbidden(new_app) -> None:
    api = Api(matrix_api.build(new_app(enable_registration=False)))
    answer = api.post(REGISTER, body(auth=DUMMY))
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_guests_are_refused_where_there_are_none(api: Api) -> None:
    answer = api.post(REGISTER + "?kind=guest", {})
    assert (answer.status, answer.errcode) == (403, "M_GUEST_ACCESS_FORBIDDEN")


def test_guests_are_let_in_where_they_may(new_app) -> None:
    api = Api(matrix_api.build(new_app(allow_guest_access=True)))
    answer = api.post(REGISTER + "?kind=guest", {})
    assert answer.status == 200
    whoami = api.get("/_matrix/client/v3/account/whoami", token=answer.json["access_token"])
    assert whoami.json["is_guest"] is True


def test_availability_says_yes_or_why_not(api: Api) -> None:
    path = REGISTER + "/available"
    assert api.get(path, query={"username": "dana"}).json == {"available": True}
    api.post(REGISTER, body(auth=DUMMY))
    taken = api.get(path, query={"username": "dana"})
    assert (taken.status, taken.errcode) == (400, "M_USER_IN_USE")
    wrong = api.get(path, query={"username": "Da na"})
    assert (wrong.status, wrong.errcode) == (400, "M_INVALID_USERNAME")
    missing = api.get(path)
    assert (missing.status, missing.errcode) == (400, "M_MISSING_PARAM")


def with_token(app: App, uses_allowed: int | None, expires_ts: int | None = None) -> Api:
    with app.database.transaction() as txn:
        accounts.insert_registration_token(txn, "letmein", uses_allowed, expires_ts)
    return Api(matrix_api.build(app))


def token_stage(token: str) -> dict[str, str]:
    return {"type": "m.login.registration_token", "token": token}


def test_a_registration_token_is_good_as_often_as_it_says(new_app) -> None:
    api = with_token(new_app(registration_requires_token=True), 1)
    validity = "/_matrix/client/v1/register/m.login.registration_token/validity"
    assert api.get(validity, query={"token": "letmein"}).json == {"valid": True}
    assert api.get(validity, query={"token": "other"}).json == {"valid": False}

    wrong = api.post(REGISTER, body(auth=token_stage("other")))
    assert wrong.status == 401
    assert wrong.json["flows"] == [{"stages": ["m.login.registration_token"]}]
    assert wrong.json["errcode"] == "M_UNAUTHORIZED"

    assert api.post(REGISTER, body(auth=token_stage("letmein"))).status == 200
    assert api.post(REGISTER, body("second", auth=token_stage("letmein"))).status == 401
    assert api.get(validity, query={"token": "letmein"}).json == {"valid": False}


def test_an_expired_registration_token_is_refused(new_app) -> None:
    api = with_token(new_app(registration_requires_token=True), None, expires_ts=1)
    assert api.post(REGISTER, body(auth=token_stage("letmein"))).status == 401


@pytest.mark.parametrize("wish", [{"device_id": ""}, {"initial_device_display_name": "x" * 101}])
def test_a_device_that_cannot_be_leaves_no_account(api: Api, wish: dict[str, str]) -> None:
    answer = api.post(REGISTER, body(auth=DUMMY, **wish))
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
    assert api.get(REGISTER + "/available", query={"username": "dana"}).json == {"available": True}


def test_an_account_and_its_session_are_made_together_or_not_at_all(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise errors.Unavailable("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr("impl.storage.accounts.insert_access_token", fail)
        assert api.post(REGISTER, body(auth=DUMMY)).status == 503
    assert api.post(REGISTER, body(auth=DUMMY)).status == 200


@pytest.mark.parametrize("stage", [[], {}, 1])
def test_a_stage_that_is_no_name_is_refused(api: Api, stage: object) -> None:
    answer = api.post(REGISTER, body(auth={"type": stage}))
    assert (answer.status, answer.errcode) == (400, "M_BAD_JSON")


@pytest.mark.parametrize(
    ("first", "last"),
    [({}, body()), (body(), {}), ({"username": "mallory"}, body())],
    ids=["all comes with the last step", "nothing comes again", "what comes last counts"],
)
def test_steps_may_say_what_others_did_not(
    api: Api, first: dict[str, object], last: dict[str, object]
) -> None:
    session = api.post(REGISTER, first).json["session"]
    answer = api.post(REGISTER, {**last, "auth": {**DUMMY, "session": session}})
    assert (answer.status, answer.json["user_id"]) == (200, "@dana:soma.test")
    login = {"type": "m.login.password", "user": "dana", "password": body()["password"]}
    assert api.post("/_matrix/client/v3/login", login).status == 200


def test_a_password_does_not_lie_in_the_database(api: Api, app: App) -> None:
    api.post(REGISTER, body())
    with app.database.read() as txn:
        txn.execute("SELECT body FROM ui_auth_sessions")
        (kept,) = txn.fetchone()
    assert str(body()["password"]) not in kept
