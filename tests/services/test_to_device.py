"""Sending to devices, on a real database: to whom, once, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.config import RateLimit
from impl.services import accounts, devices, sessions, to_device
from impl.storage import devices as stored_devices
from tests.builders import ALICE, BOB, CHARLIE, a_requester
from tests.to_device import a_person, hear, log_in, log_out, numbers, send, stored


@pytest.fixture
def people(app: App) -> App:
    a_person(app, "alice", "A1")
    a_person(app, "bob", "B1", "B2")
    a_person(app, "charlie", "C1", "C2", "C3")
    return app


def test_each_device_is_sent_what_is_for_it(people: App) -> None:
    send(people, ALICE, {BOB: {"B1": {"n": 1}, "B2": {"n": 2}}, CHARLIE: {"C2": {"n": 3}}})
    (one,), _ = hear(people, BOB, "B1")
    assert one == {"sender": ALICE, "type": "m.test", "content": {"n": 1}}
    assert numbers(hear(people, BOB, "B2")[0]) == [2]
    assert numbers(hear(people, CHARLIE, "C2")[0]) == [3]
    assert hear(people, CHARLIE, "C1")[0] == []


def test_a_star_is_all_devices_of_a_user_the_senders_too(people: App) -> None:
    send(people, ALICE, {BOB: {"*": {"n": 1}}, ALICE: {"*": {"n": 2}}})
    assert stored(people) == [(ALICE, "A1"), (BOB, "B1"), (BOB, "B2")]
    assert numbers(hear(people, BOB, "B2")[0]) == [1]
    assert numbers(hear(people, ALICE, "A1")[0]) == [2]


def test_a_device_that_is_named_is_not_sent_what_is_for_all_besides(people: App) -> None:
    send(people, ALICE, {CHARLIE: {"*": {"n": 1}, "C2": {"n": 2}}})
    heard = [numbers(hear(people, CHARLIE, device_id)[0]) for device_id in ("C1", "C2", "C3")]
    assert heard == [[1], [2], [1]]


def test_who_is_not_there_is_passed_over(people: App) -> None:
    send(
        people,
        ALICE,
        {
            BOB: {"B9": {"n": 1}, "B1": {"n": 2}, "C1": {"n": 3}, "\0": {"n": 4}},
            "@nobody:soma.test": {"*": {"n": 5}},
            "@bob:elsewhere.test": {"B1": {"n": 6}, "*": {"n": 7}},
            CHARLIE: {},
        },
    )
    assert stored(people) == [(BOB, "B1")]


def test_a_content_comes_as_it_was_sent(people: App) -> None:
    content = {"text": "ä\u0000\U0001f600 'x' %s \\", "deep": [{"a": [None, True, 1.5, -7]}]}
    send(people, ALICE, {BOB: {"B1": content, "B2": {}}})
    assert [one["content"] for one in hear(people, BOB, "B1")[0]] == [content]
    assert [one["content"] for one in hear(people, BOB, "B2")[0]] == [{}]


def test_a_transaction_id_is_good_once(people: App) -> None:
    for number in range(3):
        send(people, ALICE, {BOB: {"B1": {"n": number}}}, txn_id="t")
    assert numbers(hear(people, BOB, "B1")[0]) == [0]


def test_a_transaction_id_is_one_of_a_device_and_a_type(people: App) -> None:
    message = {BOB: {"B1": {"n": 0}}}
    send(people, ALICE, message, txn_id="t")
    send(people, ALICE, message, txn_id="t", device_id="OTHER")
    send(people, ALICE, message, txn_id="t", message_type="m.other")
    send(people, CHARLIE, message, txn_id="t")
    assert len(hear(people, BOB, "B1")[0]) == 4


def test_the_transaction_ids_of_a_device_that_was_logged_out_are_free(people: App) -> None:
    send(people, BOB, {ALICE: {"A1": {"n": 0}}}, txn_id="t", device_id="B1")
    log_in(people, BOB, "B1")
    send(people, BOB, {ALICE: {"A1": {"n": 1}}}, txn_id="t", device_id="B1")
    log_out(people, BOB, "B1")
    log_in(people, BOB, "B1")
    send(people, BOB, {ALICE: {"A1": {"n": 2}}}, txn_id="t", device_id="B1")
    assert numbers(hear(people, ALICE, "A1")[0]) == [0, 2]


def test_the_same_request_twice_at_a_time_sends_once(new_app: Callable[..., App]) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    a_person(one, "bob", "B1")
    sending = [
        gevent.spawn(send, app, ALICE, {BOB: {"B1": {"n": 0}}}, txn_id="t")
        for app in (one, other) * 4
    ]
    gevent.joinall(sending, timeout=30, raise_error=True)
    assert numbers(hear(one, BOB, "B1")[0]) == [0]


def test_a_request_that_failed_half_way_may_come_again(
    people: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(to_device, "deliver", fail)
        with pytest.raises(RuntimeError):
            send(people, ALICE, {BOB: {"B1": {"n": 1}}}, txn_id="t")
    send(people, ALICE, {BOB: {"B1": {"n": 1}}}, txn_id="t")
    assert numbers(hear(people, BOB, "B1")[0]) == [1]


@pytest.mark.parametrize("user_id", ["bob", "", "@bob", "@bob:so\0ma.test", "@" + "b" * 255 + ":x"])
def test_who_cannot_be_is_refused_and_nobody_is_sent_anything(people: App, user_id: str) -> None:
    with pytest.raises(errors.InvalidParam, match="messages"):
        send(people, ALICE, {BOB: {"B1": {}}, user_id: {"B1": {}}}, txn_id="t")
    assert stored(people) == []
    send(people, ALICE, {BOB: {"B1": {}}}, txn_id="t")
    assert stored(people) == [(BOB, "B1")]


@pytest.mark.parametrize(("event_type", "txn_id"), [("x" * 256, "t"), ("m.x", "t\0"), ("ä\0", "t")])
def test_names_that_cannot_be_are_refused(people: App, event_type: str, txn_id: str) -> None:
    with pytest.raises(errors.InvalidParam, match="event_type|txn_id"):
        send(people, ALICE, {BOB: {"B1": {}}}, event_type, txn_id)


def test_a_content_that_is_too_large_is_refused(people: App) -> None:
    fits = {"k": "x" * (to_device.CONTENT_BYTES_MAX - len('{"k":""}'))}
    send(people, ALICE, {BOB: {"B1": fits}})
    with pytest.raises(errors.TooLarge, match=BOB):
        send(people, ALICE, {BOB: {"B1": {}, "B2": {"k": fits["k"] + "x"}}})
    assert stored(people) == [(BOB, "B1")]


def test_devices_beyond_number_are_refused(people: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_device, "DEVICES_MAX", 4)
    send(people, ALICE, {BOB: {"*": {}}, ALICE: {"*": {}}})
    before = stored(people)
    with pytest.raises(errors.TooLarge, match="4 devices"):
        send(people, ALICE, {BOB: {"*": {}}, CHARLIE: {"*": {}}})
    with pytest.raises(errors.TooLarge, match="4 devices"):
        send(people, ALICE, {BOB: {str(n): {} for n in range(5)}})
    assert stored(people) == before


def test_a_star_does_not_make_much_of_little(people: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_device, "WRITTEN_BYTES_MAX", 250)
    send(people, ALICE, {BOB: {"*": {"k": "x" * 100}}})
    with pytest.raises(errors.TooLarge, match="250 bytes"):
        send(people, ALICE, {CHARLIE: {"*": {"k": "x" * 100}}})
    assert stored(people) == [(BOB, "B1"), (BOB, "B2")]


def test_a_device_gone_wild_with_key_requests_is_not_heard(
    new_app: Callable[..., App], config: Any
) -> None:
    limits = replace(config.rate_limits, rc_key_requests=RateLimit(0.001, 2))
    app = new_app(rate_limits=limits)
    a_person(app, "alice", "A1", "A2")
    a_person(app, "bob", "B1")
    for n in range(5):
        message = {BOB: {"*": {"n": n}}, ALICE: {"A2": {"n": n}}}
        send(app, ALICE, message, "m.room_key_request", device_id="A1")
    send(app, ALICE, {BOB: {"*": {"n": 5}}}, "m.room_key_request", device_id="A2")
    send(app, ALICE, {BOB: {"*": {"n": 6}}}, "m.room.encrypted", device_id="A1")
    assert numbers(hear(app, BOB, "B1")[0]) == [0, 1, 5, 6]
    # One's own devices are for oneself to ask.
    assert numbers(hear(app, ALICE, "A2")[0]) == [0, 1, 2, 3, 4]


def test_messages_go_with_their_device_at_once(people: App) -> None:
    send(people, ALICE, {CHARLIE: {"*": {}}, BOB: {"*": {}}})
    log_out(people, CHARLIE, "C1")
    assert stored(people) == [(BOB, "B1"), (BOB, "B2"), (CHARLIE, "C2"), (CHARLIE, "C3")]
    devices.delete(people, a_requester(CHARLIE), ["C2", "C3"])
    assert stored(people) == [(BOB, "B1"), (BOB, "B2")]
    # Who comes back under the same name is not told what was for another.
    log_in(people, CHARLIE, "C1")
    assert hear(people, CHARLIE, "C1")[0] == []
    sessions.log_out_all(people, a_requester(BOB))
    assert stored(people) == []
    send(people, ALICE, {BOB: {"*": {}}, CHARLIE: {"C2": {}}})
    assert stored(people) == []


def test_messages_go_with_their_account(people: App) -> None:
    send(people, ALICE, {BOB: {"*": {}}})
    accounts.deactivate(people, a_requester(BOB), erase=False)
    assert stored(people) == []


def test_a_device_stays_with_its_messages_when_somebody_logs_in_on_it_anew(people: App) -> None:
    send(people, ALICE, {BOB: {"B1": {"n": 1}}})
    log_in(people, BOB, "B1")
    assert numbers(hear(people, BOB, "B1")[0]) == [1]


def test_what_is_sent_while_the_device_is_deleted_goes_with_it(people: App) -> None:
    # Whoever sends waits for the deletion without the stream lock: others may commit meanwhile.
    with gevent.Timeout(20), people.database.transaction() as txn:
        stored_devices.delete(txn, BOB, ["B1"])
        sending = gevent.spawn(send, people, ALICE, {BOB: {"*": {"n": 1}}})
        wait_for_a_lock(people)
        send(people, ALICE, {CHARLIE: {"C1": {"n": 2}}})
    sending.get(timeout=30)
    assert stored(people) == [(CHARLIE, "C1"), (BOB, "B2")]


def wait_for_a_lock(app: App) -> None:
    """Returns when a statement waits for a row or a transaction."""
    with gevent.Timeout(30):
        while True:
            with app.database.read() as txn:
                txn.execute(
                    "SELECT 1 FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
                if txn.fetchone():
                    return
            gevent.sleep(0.01)


@pytest.mark.parametrize(
    "delete",
    [
        lambda app: devices.delete(app, a_requester(BOB), ["Y", "Z", "X"]),
        lambda app: sessions.log_out_all(app, a_requester(BOB)),
    ],
)
def test_devices_are_deleted_in_the_order_in_which_they_are_sent_to(
    new_app: Callable[..., App], delete: Callable[[App], None]
) -> None:
    # In two orders, two would wait for each other. That on the disk is another, and a planner that
    # finds it cheaper goes by it.
    first = new_app()
    a_person(first, "bob", "Z", "Y", "X")
    with first.database.read() as txn:
        txn.execute("SELECT current_database()")
        (name,) = txn.fetchone()
        for setting in ("enable_indexscan", "enable_bitmapscan", "enable_indexonlyscan"):
            txn.execute(f"ALTER DATABASE {name} SET {setting} = off")
    app = new_app(first.database.dsn)
    with gevent.Timeout(20), app.database.transaction() as txn:
        txn.execute("SELECT 1 FROM devices WHERE device_id = 'Y' FOR KEY SHARE")
        deleting = gevent.spawn(delete, app)
        wait_for_a_lock(app)
        with app.database.read() as other:
            other.execute("SELECT device_id FROM devices FOR KEY SHARE SKIP LOCKED")
            assert sorted(other.fetchall()) == [("Y",), ("Z",)]
    deleting.get(timeout=20)
    with app.database.read() as txn:
        assert stored_devices.list_of_user(txn, BOB) == []


def test_devices_that_come_and_go_while_they_are_sent_to_hold_nobody_up(people: App) -> None:
    names = [f"X{n}" for n in range(8)]
    for name in names:
        log_in(people, BOB, name)

    def churn() -> None:
        for _ in range(15):
            devices.delete(people, a_requester(BOB), list(reversed(names)))
            for name in names:
                log_in(people, BOB, name)

    def broadcast() -> None:
        for _ in range(40):
            send(people, ALICE, {BOB: {"*": {"n": 0}, "B1": {"n": 1}}})

    def listen() -> None:
        since = None
        for _ in range(40):
            since = hear(people, BOB, "X3", since)[1]

    work = [gevent.spawn(one) for one in (churn, broadcast, broadcast, listen, listen)]
    gevent.joinall(work, timeout=60, raise_error=True)
    assert all(one.successful() for one in work)
    events, _ = hear(people, BOB, "B1")
    assert numbers(events) == [1] * 80
    with people.database.read() as txn:
        txn.execute(
            "SELECT 1 FROM to_device_messages m"
            " LEFT JOIN devices d USING (user_id, device_id) WHERE d.user_id IS NULL"
        )
        assert txn.fetchall() == []
