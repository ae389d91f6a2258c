"""When users were last seen: a table in memory."""

from array import array

from impl.core.presence import Seen
from impl.storage import seen_users
from impl.storage.seen_users import SeenUsers
from tests.builders import ALICE, BOB

NOW = 10_000_000


def a_table() -> SeenUsers:
    return SeenUsers(array("Q", bytes(seen_users.BYTES)))


def test_what_was_noted_is_there() -> None:
    table = a_table()
    assert table.get(ALICE) is None
    table.note_active(ALICE, NOW)
    table.note_online(ALICE, "PHONE", NOW + 1)
    table.note_unavailable(ALICE, "LAPTOP", NOW + 2)
    assert table.get(ALICE) == Seen(NOW, NOW + 1, NOW + 2)
    assert table.get(BOB) is None


def test_a_device_that_becomes_idle_claims_no_more_that_it_is_online() -> None:
    table = a_table()
    table.note_online(ALICE, "PHONE", NOW)
    table.note_unavailable(ALICE, "PHONE", NOW + 1)
    assert table.get(ALICE) == Seen(0, 0, NOW + 1)


def test_what_the_other_device_claims_stays() -> None:
    table = a_table()
    table.note_online(ALICE, "LAPTOP", NOW)
    table.note_online(ALICE, "PHONE", NOW + 1)
    table.note_unavailable(ALICE, "PHONE", NOW + 2)
    assert table.get(ALICE) == Seen(0, NOW, NOW + 2)


def test_users_whose_places_meet_do_not_mix() -> None:
    table = a_table()
    users = [f"@user{number}:soma.test" for number in range(30_000)]
    for number, user_id in enumerate(users):
        table.note_active(user_id, NOW + number)
    kept = [table.get(user_id) for user_id in users]
    assert kept == [Seen(NOW + number) for number in range(len(users))]


def test_a_full_table_forgets_who_was_not_seen_for_long_and_nobody_else() -> None:
    table = a_table()
    for number in range(seen_users.ENTRIES + 10_000):
        table.note_active(f"@old{number}:soma.test", NOW)
    table.note_active(ALICE, NOW + seen_users.FORGOTTEN_MS + 1)
    assert table.get(ALICE) == Seen(NOW + seen_users.FORGOTTEN_MS + 1)
    other = a_table()
    for number in range(seen_users.ENTRIES + 10_000):
        other.note_active(f"@new{number}:soma.test", NOW)
    before = other.get("@new7:soma.test")
    other.note_active(ALICE, NOW)
    assert other.get("@new7:soma.test") == before == Seen(NOW)
