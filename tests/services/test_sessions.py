"""Sessions: how often one may try, how long they last, who may have one."""

from collections.abc import Callable
from dataclasses import replace

import bcrypt
import pytest

from impl import errors
from impl.app import App
from impl.config import RateLimit
from impl.services import accounts, passwords, sessions
from impl.services.sessions import DeviceWish
from impl.storage import accounts as stored
from tests.builders import ALICE, a_requester

PASSWORD = "correct horse"
TWO = RateLimit(per_second=0.001, burst_count=2)


@pytest.fixture
def alice(app: App) -> str:
    return accounts.register_user(app, "alice", PASSWORD)


def log_in(app: App, password: str = PASSWORD, user: str = "alice", **wish: object) -> dict:
    return sessions.log_in_with_password(app, None, user, password, DeviceWish(**wish))


def limited(new_app: Callable[..., App], **limits: RateLimit) -> App:
    app = new_app()
    app.config = replace(app.config, rate_limits=replace(app.config.rate_limits, **limits))
    accounts.register_user(app, "alice", PASSWORD)
    return app


def test_after_too_many_failures_the_right_password_has_to_wait(new_app) -> None:
    app = limited(new_app, rc_login_failed_attempts=TWO)
    for _ in range(2):
        with pytest.raises(errors.Forbidden):
            log_in(app, "wrong")
    with pytest.raises(errors.LimitExceeded):
        log_in(app)


def test_logins_that_succeed_are_no_failures(new_app) -> None:
    app = limited(new_app, rc_login_failed_attempts=TWO)
    for _ in range(4):
        log_in(app)


def test_an_account_is_logged_in_to_so_often_only(new_app) -> None:
    app = limited(new_app, rc_login_account=TWO)
    for _ in range(2):
        log_in(app)
    with pytest.raises(errors.LimitExceeded):
        log_in(app)


def test_a_name_is_found_in_capitals(app: App, alice: str) -> None:
    assert log_in(app, user="Alice")["user_id"] == alice


def test_an_imported_hash_is_replaced_at_the_first_login(app: App, alice: str) -> None:
    imported = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    with app.database.transaction() as txn:
        stored.put_password_hash(txn, alice, imported)
    log_in(app)
    with app.database.read() as txn:
        account = stored.get(txn, alice)
    assert account.password_hash.startswith("$argon2id$")
    log_in(app)


def test_a_session_does_not_outlive_its_lifetime_by_refreshing(new_app) -> None:
    app = new_app(session_lifetime=10_000, refreshable_access_token_lifetime=8_000)
    accounts.register_user(app, "alice", PASSWORD)
    begun = app.now_ms()
    app.now_ms = lambda: begun
    tokens = log_in(app, has_refresh_token=True)
    assert tokens["expires_in_ms"] == 8_000
    app.now_ms = lambda: begun + 7_000
    assert sessions.refresh(app, tokens["refresh_token"])["expires_in_ms"] == 3_000
    app.now_ms = lambda: begun + 10_000
    with pytest.raises(errors.UnknownToken) as caught:
        sessions.refresh(app, tokens["refresh_token"])
    assert caught.value.extra == {"soft_logout": True}


def test_where_refresh_tokens_are_off_there_are_none(new_app) -> None:
    app = new_app(refreshable_access_token_lifetime=None)
    accounts.register_user(app, "alice", PASSWORD)
    tokens = log_in(app, has_refresh_token=True)
    assert "refresh_token" not in tokens
    assert "expires_in_ms" not in tokens


def test_tokens_are_not_in_the_database(app: App, alice: str) -> None:
    tokens = log_in(app, has_refresh_token=True)
    with app.database.read() as txn:
        txn.execute("SELECT t::text, r::text FROM access_tokens t, refresh_tokens r")
        rows = str(txn.fetchall())
    assert tokens["access_token"] not in rows
    assert tokens["refresh_token"] not in rows


@pytest.mark.parametrize("device_id", ["", "x" * 256])
def test_a_device_id_that_cannot_be_one_is_refused(app: App, alice: str, device_id: str) -> None:
    with pytest.raises(errors.InvalidParam):
        log_in(app, device_id=device_id)


def test_a_deactivated_user_has_no_session_by_any_token(app: App, alice: str) -> None:
    tokens = log_in(app, has_refresh_token=True)
    with app.database.transaction() as txn:
        stored.deactivate(txn, ALICE)
    with pytest.raises(errors.UnknownToken):
        sessions.refresh(app, tokens["refresh_token"])
    with pytest.raises(errors.UserDeactivated):
        log_in(app)
    with app.database.read() as txn:
        assert stored.get_token_owner(txn, sessions.token_hash(tokens["access_token"])) is None


def test_a_password_that_is_changed_meanwhile_gives_no_session(
    app: App, alice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_right = passwords.is_right

    def is_right_and_changed(*arguments: object) -> bool:
        answer = is_right(*arguments)  # type: ignore[arg-type]
        changer = a_requester(ALICE)
        accounts.change_password(app, changer, "battery staple", logout_devices=True)
        return answer

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(passwords, "is_right", is_right_and_changed)
        with pytest.raises(errors.Forbidden):
            log_in(app)
    assert log_in(app, "battery staple")["user_id"] == ALICE


def test_an_imported_password_that_is_changed_meanwhile_gives_none(
    app: App, alice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.database.transaction() as txn:
        imported = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
        stored.put_password_hash(txn, ALICE, imported)
    hash_password, changes = passwords.hash_password, ["battery staple"]

    def hash_and_change(at: App, password: str) -> str:
        if changes:
            accounts.change_password(at, a_requester(ALICE), changes.pop(), logout_devices=True)
        return hash_password(at, password)

    monkeypatch.setattr(passwords, "hash_password", hash_and_change)
    with pytest.raises(errors.Forbidden):
        log_in(app)
