"""What has expired goes, and nothing else; found by an index."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from impl.app import App
from impl.jobs import expiry
from impl.services import accounts, sessions, user_interactive_auth
from impl.services.sessions import DeviceWish
from impl.storage import accounts as stored_accounts
from impl.storage import expiry as stored_expiry
from impl.storage import history, idempotency, received_transactions, streams, ui_auth
from impl.storage.idempotency import ClientTransaction
from impl.storage.ui_auth import Session
from tests.builders import ALICE
from tests.explained import Explained

DAY_MS = 86_400_000


def ask(app: App, sql: str) -> list[Any]:
    with app.database.read() as txn:
        txn.execute(sql)
        return txn.fetchall()


def column(app: App, sql: str) -> list[Any]:
    return [row[0] for row in ask(app, sql)]


@pytest.fixture
def a_clock(app: App) -> Callable[[int], None]:
    """Moves the App's clock on."""
    now = [app.now_ms()]
    app.now_ms = lambda: now[0]

    def move(by_ms: int) -> None:
        now[0] += by_ms

    return move


def answer(app: App, *txn_ids: str) -> None:
    with app.database.transaction() as txn:
        rows = [(ClientTransaction(ALICE, "D", "send", one), "$event") for one in txn_ids]
        idempotency.insert(txn, rows, app.now_ms())


def test_what_other_servers_sent_is_remembered_for_a_while(
    app: App, a_clock: Callable[[int], None]
) -> None:
    def receive(name: str) -> None:
        with app.database.transaction() as txn:
            received_transactions.insert_answer(txn, "a.test", name, "{}", app.now_ms())
            received_transactions.insert_message_if_new(txn, "a.test", name, app.now_ms())

    receive("old")
    a_clock(DAY_MS + 1)
    receive("new")
    expiry.delete_expired(app)
    assert column(app, "SELECT txn_id FROM received_transactions") == ["new"]
    assert column(app, "SELECT count(*) FROM received_device_messages") == [2]
    a_clock(6 * DAY_MS)
    expiry.delete_expired(app)
    assert column(app, "SELECT message_id FROM received_device_messages") == ["new"]


def test_client_transactions_are_kept_for_a_day(app: App, a_clock: Callable[[int], None]) -> None:
    answer(app, "old")
    a_clock(DAY_MS)
    answer(app, "new")
    expiry.delete_expired(app)
    assert column(app, "SELECT txn_id FROM client_transactions ORDER BY 1") == ["new", "old"]
    a_clock(1)
    expiry.delete_expired(app)
    assert column(app, "SELECT txn_id FROM client_transactions") == ["new"]


def test_many_go_in_batches_and_none_that_somebody_holds(
    app: App, a_clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "BATCH_ROWS", 3)
    answer(app, *map(str, range(10)))
    a_clock(2 * DAY_MS)
    with app.database.transaction() as txn:
        txn.execute("SELECT 1 FROM client_transactions WHERE txn_id = '4' FOR UPDATE")
        assert expiry.delete_expired(app) is False
    assert column(app, "SELECT txn_id FROM client_transactions") == ["4"]


def test_nonces_that_nobody_used_go(app: App, a_clock: Callable[[int], None]) -> None:
    accounts.new_nonce(app)
    a_clock(accounts.NONCE_MS)
    expiry.delete_expired(app)
    assert len(column(app, "SELECT nonce FROM registration_nonces")) == 1
    a_clock(1)
    expiry.delete_expired(app)
    assert column(app, "SELECT nonce FROM registration_nonces") == []


def test_authentication_that_nobody_finished_gives_its_registration_token_back(
    app: App, a_clock: Callable[[int], None]
) -> None:
    with app.database.transaction() as txn:
        stored_accounts.insert_registration_token(txn, "once", 1, None)
        assert stored_accounts.reserve_registration_token(txn, "once", app.now_ms())
        ui_auth.insert(txn, Session("one", app.now_ms(), "register", {}, {}))
        ui_auth.put_completed(txn, "one", {user_interactive_auth.REGISTRATION_TOKEN: "once"})
    a_clock(user_interactive_auth.SESSION_MS)
    expiry.delete_expired(app)
    assert column(app, "SELECT pending FROM registration_tokens") == [1]
    a_clock(1)
    expiry.delete_expired(app)
    assert column(app, "SELECT pending FROM registration_tokens") == [0]
    assert column(app, "SELECT session_id FROM ui_auth_sessions") == []


def test_tokens_are_known_long_after_they_expired_so_that_their_clients_log_out_softly(
    new_app: Callable[..., App],
) -> None:
    app = new_app(
        refreshable_access_token_lifetime=1_000,
        refresh_token_lifetime=DAY_MS,
        session_lifetime=None,
    )
    now = [app.now_ms()]
    app.now_ms = lambda: now[0]
    user_id = accounts.register_user(app, "alice", None)
    sessions.begin(app, user_id, DeviceWish(has_refresh_token=True))
    sessions.begin(app, user_id, DeviceWish())  # For ever.
    now[0] += expiry.TOKENS_KEPT_MS + 1_000
    expiry.delete_expired(app)
    assert len(ask(app, "SELECT 1 FROM access_tokens")) == 2
    now[0] += 1
    expiry.delete_expired(app)
    assert column(app, "SELECT expires_ts FROM access_tokens") == [None]
    assert len(ask(app, "SELECT 1 FROM refresh_tokens")) == 1
    now[0] += DAY_MS
    expiry.delete_expired(app)
    assert ask(app, "SELECT 1 FROM refresh_tokens") == []
    assert len(ask(app, "SELECT 1 FROM devices")) == 2


def _delete_from(table: str, txn: Any, before_ts: int, limit: int) -> int:
    return stored_expiry.delete(txn, table, before_ts, limit)


@pytest.mark.parametrize(
    "delete",
    [
        *(functools.partial(_delete_from, table) for table in stored_expiry.TIMES),
        lambda txn, before_ts, limit: ui_auth.delete_old(txn, before_ts, limit),
    ],
)
def test_no_table_is_read_from_end_to_end(app: App, delete: Any) -> None:
    with app.database.transaction() as txn:
        explained = Explained(txn)
        delete(explained, app.now_ms(), 10)
    assert "Index" in explained.plan and "Tid Scan" in explained.plan
    assert "Seq Scan" not in explained.plan


def test_that_events_changed_is_forgotten_but_for_how_far_the_stream_goes(
    app: App, a_clock: Callable[[int], None]
) -> None:
    for number in range(3):
        with app.database.transaction() as txn:
            history.tell_changes(txn, 1, [(number, None)], app.now_ms())
        a_clock(DAY_MS // 48)
    a_clock(DAY_MS)
    with app.database.read() as txn:
        newest = streams.current(txn)
    expiry.delete_expired(app)
    assert column(app, "SELECT changes_nid FROM changed_events") == [2]
    with app.database.read() as txn:
        assert streams.current(txn) == newest
