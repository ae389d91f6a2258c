"""User-interactive authentication: order of stages, binding, other workers, uses of tokens."""

from collections.abc import Callable
from typing import Any

import pytest

from impl import errors
from impl.app import App
from impl.services import accounts as registered
from impl.services import sessions
from impl.services import user_interactive_auth as ui_auth
from impl.services.sessions import DeviceWish
from impl.storage import accounts
from impl.storage.ui_auth import Session
from tests.builders import ALICE, a_requester

TWO = [[ui_auth.REGISTRATION_TOKEN, ui_auth.DUMMY]]
BODY = {"username": "dana"}


def step(app: App, auth: dict[str, Any] | None, **changes: Any) -> Session:
    body = {**changes.get("body", BODY), "auth": auth}
    return ui_auth.authenticate(app, changes.get("operation", "register"), TWO, body)


def refused(app: App, auth: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    with pytest.raises(errors.UserAuthenticationRequired) as caught:
        step(app, auth, **changes)
    return caught.value.as_json()


def add_token(app: App, uses_allowed: int | None = 1) -> None:
    with app.database.transaction() as txn:
        accounts.insert_registration_token(txn, "secret", uses_allowed, None)


def uses(app: App) -> tuple[int, int]:
    with app.database.read() as txn:
        txn.execute("SELECT pending, completed FROM registration_tokens")
        return txn.fetchone()


def token_stage(session: str, token: str = "secret") -> dict[str, str]:
    return {"type": ui_auth.REGISTRATION_TOKEN, "token": token, "session": session}


def dummy_stage(session: str) -> dict[str, str]:
    return {"type": ui_auth.DUMMY, "session": session}


def test_stages_are_done_in_order_by_any_worker(new_app: Callable[..., App]) -> None:
    app = new_app()
    other = new_app(dsn=app.database.dsn)
    add_token(app)
    session = refused(app, None)["session"]
    assert refused(other, token_stage(session))["completed"] == [ui_auth.REGISTRATION_TOKEN]
    assert step(app, dummy_stage(session)).body == BODY


def test_a_later_stage_does_not_come_first(app: App) -> None:
    session = refused(app, None)["session"]
    answer = refused(app, dummy_stage(session))
    assert answer["errcode"] == "M_FORBIDDEN"
    assert "completed" not in answer


def test_a_stage_that_fails_may_be_tried_again(app: App) -> None:
    add_token(app)
    session = refused(app, None)["session"]
    answer = refused(app, token_stage(session, "wrong"))
    assert (answer["errcode"], answer["session"]) == ("M_UNAUTHORIZED", session)
    assert "completed" in refused(app, token_stage(session))


def test_a_complete_stage_is_not_done_again(app: App) -> None:
    add_token(app)
    session = refused(app, None)["session"]
    for token in ("secret", "wrong"):
        assert "errcode" not in refused(app, token_stage(session, token))
    assert uses(app) == (1, 0)


def test_a_token_in_use_elsewhere_is_not_good_for_another(app: App) -> None:
    add_token(app)
    first, second = (refused(app, None)["session"] for _ in range(2))
    refused(app, token_stage(first))
    assert refused(app, token_stage(second))["errcode"] == "M_UNAUTHORIZED"


def test_a_use_counts_when_the_session_is_used_up(app: App) -> None:
    add_token(app)
    session_id = refused(app, None)["session"]
    refused(app, token_stage(session_id))
    session = step(app, dummy_stage(session_id))
    with app.database.transaction() as txn:
        ui_auth.use_up(txn, session)
    assert uses(app) == (0, 1)
    with pytest.raises(errors.Unknown):
        step(app, dummy_stage(session_id))


def test_a_use_is_given_back_when_the_session_expires(app: App) -> None:
    add_token(app)
    refused(app, token_stage(refused(app, None)["session"]))
    assert uses(app) == (1, 0)
    later = app.now_ms() + ui_auth.SESSION_MS + 1
    app.now_ms = lambda: later
    refused(app, None)
    assert uses(app) == (0, 0)


def test_a_session_is_good_for_its_own_request_only(app: App) -> None:
    session = refused(app, None)["session"]
    for changes in ({"operation": "delete_device @x"}, {"body": {"username": "eve"}}):
        with pytest.raises(errors.Forbidden):
            step(app, dummy_stage(session), **changes)


def test_a_session_ends(app: App) -> None:
    session = refused(app, None)["session"]
    later = app.now_ms() + ui_auth.SESSION_MS + 1
    app.now_ms = lambda: later
    with pytest.raises(errors.Unknown):
        step(app, dummy_stage(session))


def by_a_session(app: App, **changes: Any) -> Any:
    """Whether alice, who has just logged in, has to prove it again."""
    requester = a_requester(ALICE, **changes)
    try:
        return ui_auth.authenticate_user(app, requester, "x", {"a": 1}, may_be_recent=True)
    except errors.UserAuthenticationRequired:
        return None


def test_one_proof_is_good_for_a_while_where_it_is_configured(new_app: Callable[..., App]) -> None:
    app = new_app(ui_auth_session_timeout=60_000)
    user_id = registered.register_user(app, "alice", "correct horse")
    sessions.begin(app, user_id, DeviceWish("DEVICE"))
    now_ms = app.now_ms()
    app.now_ms = lambda: now_ms + 30_000
    assert by_a_session(app) == {"a": 1}
    assert by_a_session(app, device_id="ANOTHER") is None
    assert by_a_session(app, device_id=None) is None

    app.now_ms = lambda: now_ms + 90_000
    assert by_a_session(app) is None
    auth = {"type": ui_auth.PASSWORD, "password": "correct horse"}
    ui_auth.authenticate_user(app, a_requester(ALICE), "y", {"auth": auth})
    assert by_a_session(app) == {"a": 1}


def test_what_weighs_more_is_proved_each_time(new_app: Callable[..., App]) -> None:
    app = new_app(ui_auth_session_timeout=60_000)
    user_id = registered.register_user(app, "alice", "correct horse")
    sessions.begin(app, user_id, DeviceWish("DEVICE"))
    with pytest.raises(errors.UserAuthenticationRequired):
        ui_auth.authenticate_user(app, a_requester(ALICE), "deactivate", {})


def test_each_operation_is_proved_where_nothing_is_configured(app: App) -> None:
    user_id = registered.register_user(app, "alice", "correct horse")
    sessions.begin(app, user_id, DeviceWish("DEVICE"))
    assert by_a_session(app) is None
