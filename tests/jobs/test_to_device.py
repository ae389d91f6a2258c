"""Messages that nobody will read are dropped, and no others."""

from collections.abc import Callable

import pytest

from impl.app import App
from impl.jobs import periodic, to_device
from impl.storage import devices
from tests.builders import ALICE, BOB
from tests.to_device import a_person, hear, log_in, numbers, send, stored

DAY_MS = 86_400_000


@pytest.fixture
def pass_days(app: App) -> Callable[[float], None]:
    """Moves the App's clock on."""
    now = [app.now_ms()]
    app.now_ms = lambda: now[0]

    def move(days: float) -> None:
        now[0] += int(days * DAY_MS)

    return move


def use(app: App, user_id: str, device_id: str) -> None:
    with app.database.transaction() as txn:
        devices.put_last_seen(txn, [(user_id, device_id, app.now_ms(), "127.0.0.1", "agent")])


def test_a_device_that_nobody_uses_loses_what_is_old(
    app: App, pass_days: Callable[[float], None]
) -> None:
    a_person(app, "bob", "USED", "LEFT")
    pass_days(1)
    send(app, ALICE, {BOB: {"*": {"n": 0}}})
    pass_days(29)
    send(app, ALICE, {BOB: {"*": {"n": 1}}})
    use(app, BOB, "USED")
    pass_days(1)
    to_device.drop_unread(app)
    assert len(stored(app)) == 4
    pass_days(0.01)
    to_device.drop_unread(app)
    assert len(stored(app)) == 3
    assert numbers(hear(app, BOB, "LEFT")[0]) == [1]
    assert numbers(hear(app, BOB, "USED")[0]) == [0, 1]


def test_a_new_device_counts_from_its_login(app: App, pass_days: Callable[[float], None]) -> None:
    a_person(app, "bob")
    pass_days(40)
    log_in(app, BOB, "NEW")
    send(app, ALICE, {BOB: {"*": {"n": 0}}})
    pass_days(29)
    to_device.drop_unread(app)
    assert stored(app) == [(BOB, "NEW")]
    pass_days(2)
    to_device.drop_unread(app)
    assert stored(app) == []


def test_a_device_that_never_syncs_keeps_nothing_for_ever(
    app: App, pass_days: Callable[[float], None]
) -> None:
    a_person(app, "bob", "BOT")
    send(app, ALICE, {BOB: {"*": {"n": 0}}})
    pass_days(90)
    use(app, BOB, "BOT")
    to_device.drop_unread(app)
    assert stored(app) == [(BOB, "BOT")]
    pass_days(0.01)
    to_device.drop_unread(app)
    assert stored(app) == []


def test_many_go_in_batches(
    app: App, pass_days: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(to_device, "BATCH_ROWS", 2)
    a_person(app, "bob", "B1", "B2", "B3")
    for _ in range(3):
        send(app, ALICE, {BOB: {"*": {}}})
    pass_days(31)
    assert to_device.drop_unread(app) is False
    assert stored(app) == []


def test_it_is_done_every_so_often() -> None:
    assert to_device.drop_unread in [job.run for job in periodic.JOBS]
