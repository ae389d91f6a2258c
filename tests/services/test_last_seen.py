"""When devices were last seen: written in batches, never on a request's path, and shown."""

from collections.abc import Callable

import pytest

from impl.app import App
from impl.services import accounts, last_seen, sessions
from impl.services.last_seen import LastSeen
from impl.services.sessions import DeviceWish
from impl.storage import devices
from impl.storage.database import DatabaseUnavailable
from tests.builders import ALICE, BOB, a_requester


def add_user(app: App, user_id: str) -> None:
    localpart = user_id[1:].partition(":")[0]
    accounts.register_user(app, localpart, None)
    sessions.begin(app, user_id, DeviceWish("DEVICE"))


def stored(app: App, user_id: str = ALICE) -> tuple[int | None, str | None]:
    with app.database.read() as txn:
        device = devices.get(txn, user_id, "DEVICE")
    assert device is not None
    return device.last_seen_ts, device.last_seen_ip


def note(app: App, user_id: str, now_ms: int, address: str | None = "10.0.0.1") -> LastSeen:
    app.now_ms = lambda: now_ms
    part = app.part(LastSeen, LastSeen)
    part.note(a_requester(user_id), address, None)
    return part


def test_devices_are_written_together_and_not_before(app: App) -> None:
    for user_id in (ALICE, BOB):
        add_user(app, user_id)
        note(app, user_id, 1000)
    part = note(app, ALICE, 2000, "10.0.0.2")
    assert stored(app) == (None, None)
    part.stop()
    assert stored(app) == (2000, "10.0.0.2")
    assert stored(app, BOB) == (1000, "10.0.0.1")


def test_they_are_written_after_a_while(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_seen, "WRITE_SECONDS", 0.0)
    add_user(app, ALICE)
    part = note(app, ALICE, 1000)
    assert part._greenlet is not None
    part._greenlet.join(timeout=10)
    assert stored(app) == (1000, "10.0.0.1")
    assert part.get(ALICE, "DEVICE") is None


def test_what_another_worker_heard_later_stays(new_app: Callable[..., App]) -> None:
    app = new_app()
    add_user(app, ALICE)
    early, late = note(app, ALICE, 1000), note(new_app(dsn=app.database.dsn), ALICE, 2000, None)
    late.stop()
    early.stop()
    assert stored(app) == (2000, None)


def test_a_device_that_somebody_writes_is_not_waited_for(app: App) -> None:
    add_user(app, ALICE)
    part = note(app, ALICE, 1000)
    with app.database.transaction() as txn:
        devices.put_display_name(txn, ALICE, "DEVICE", "phone")
        part.stop()
    assert stored(app) == (None, None)


def test_nothing_is_lost_while_the_database_is_away(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DatabaseUnavailable("away")

    add_user(app, ALICE)
    part = note(app, ALICE, 1000)
    with monkeypatch.context() as broken:
        broken.setattr("impl.storage.devices.put_last_seen", fail)
        part.stop()
    assert part.get(ALICE, "DEVICE") == (1000, "10.0.0.1", None)
    part.stop()
    assert stored(app) == (1000, "10.0.0.1")
