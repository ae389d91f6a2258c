"""What is remembered of keys that were handed out, and of devices that are gone, is forgotten."""

from impl.app import App
from impl.jobs import expiry
from impl.services import device_lists, sessions
from impl.storage import device_lists as stored
from tests.builders import ALICE, BOB, a_requester, a_room, append, member
from tests.keyring import Device
from tests.services.keys_client import claim, hear, publish
from tests.to_device import a_person

PHONE = Device(ALICE, "PHONE")
NAME = "signed_curve25519"


def rows(app: App, table: str) -> list[tuple[str, str]]:
    with app.database.read() as txn:
        txn.execute(f"SELECT user_id, device_id FROM {table} ORDER BY 1, 2")
        return txn.fetchall()


def at(app: App, now_ms: int) -> None:
    app.now_ms = lambda: now_ms


def test_a_claimed_key_is_remembered_for_a_while(app: App) -> None:
    at(app, 0)
    a_person(app, "alice", "PHONE")
    publish(app, PHONE, one_time=PHONE.one_time("A", "B"))
    assert claim(app, PHONE) == f"{NAME}:A"
    at(app, expiry.CLAIMED_KEPT_MS)
    expiry.delete_expired(app)
    assert publish(app, PHONE, one_time=PHONE.one_time("A")) == {NAME: 1}
    at(app, expiry.CLAIMED_KEPT_MS + 1)
    expiry.delete_expired(app)
    # What nobody claimed stays.
    assert rows(app, "one_time_keys") == [(ALICE, "PHONE")]
    assert claim(app, PHONE) == f"{NAME}:B"


def test_the_sequence_of_a_users_devices_does_not_go_back(app: App) -> None:
    at(app, 0)
    a_person(app, "alice", "PHONE", "LAPTOP")
    for device in (PHONE, Device(ALICE, "LAPTOP")):
        publish(app, device)
    sessions.log_out(app, a_requester(ALICE, device_id="LAPTOP"))
    with app.database.transaction() as txn:
        stored.put(txn, ALICE, [stored.CROSS_SIGNING])
    with app.database.read() as txn:
        before = stored.get_sequence(txn, ALICE)
    at(app, expiry.GONE_KEPT_MS + 1)
    expiry.delete_expired(app)
    with app.database.read() as txn:
        assert stored.get_sequence(txn, ALICE) == before


def test_a_device_that_is_gone_is_remembered_as_long_as_it_is_the_users_last_change(
    app: App,
) -> None:
    at(app, 0)
    a_person(app, "alice", "PHONE", "LAPTOP")
    a_person(app, "bob", "DEVICE")
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    since = hear(app, BOB)["next_batch"]
    for device in (PHONE, Device(ALICE, "LAPTOP")):
        publish(app, device)
        sessions.log_out(app, a_requester(ALICE, device_id=device.device_id))
    at(app, expiry.GONE_KEPT_MS)
    expiry.delete_expired(app)
    assert rows(app, "device_list_changes") == [(ALICE, "LAPTOP"), (ALICE, "PHONE")]
    at(app, expiry.GONE_KEPT_MS + 1)
    expiry.delete_expired(app)
    assert rows(app, "device_list_changes") == [(ALICE, "LAPTOP")]
    # Who was away for so long hears of it.
    app.news.catch_up_if_behind()
    found = device_lists.changes(app, a_requester(BOB), since, since)
    assert found.changed == [ALICE]
