"""Keys of other servers in the database: what counts of what was told, and how much is kept."""

from typing import Any

from impl.app import App
from impl.storage import server_keys
from impl.storage.server_keys import KEYS_OF_SERVER_MAX, NewDocument, StoredKey

NAME = "other.test"
KEY, ANOTHER = b"k" * 32, b"a" * 32


def document(until_ts: int, name: str = NAME, **keys: tuple[bytes, int, bool]) -> NewDocument:
    rows = [(key_id, *key) for key_id, key in keys.items()]
    return NewDocument(name, f"until {until_ts}", until_ts, until_ts, rows)


def put(app: App, *documents: NewDocument, ts: int = 1, is_first_hand: bool = True) -> None:
    with app.database.transaction() as txn:
        server_keys.put(txn, documents, ts, is_first_hand=is_first_hand)


def keys_of(app: App, name: str = NAME) -> dict[str, StoredKey]:
    with app.database.read() as txn:
        found = server_keys.list_of_servers(txn, [name])
        assert server_keys.list_keys(txn, found) == found
    return {key_id: key for (_, key_id), key in found.items()}


def documents_of(app: App, limit: int = 100) -> list[str]:
    with app.database.read() as txn:
        return [one.document for one in server_keys.list_documents(txn, [NAME], limit)]


def test_what_the_server_says_itself_counts(app: App) -> None:
    put(app, document(200, one=(KEY, 200, False)))
    assert keys_of(app) == {"one": StoredKey(KEY, 200, False, 1)}
    # Also that its keys end sooner, or are others.
    put(app, document(100, one=(KEY, 50, True), two=(ANOTHER, 100, False)), ts=2)
    assert keys_of(app) == {
        "one": StoredKey(KEY, 50, True, 2),
        "two": StoredKey(ANOTHER, 100, False, 2),
    }
    put(app, document(100, one=(ANOTHER, 100, False)), ts=3)
    assert keys_of(app)["one"] == StoredKey(ANOTHER, 100, False, 3)


def test_what_others_say_counts_where_it_is_not_older(app: App) -> None:
    put(app, document(200, one=(KEY, 200, False)), is_first_hand=False)
    put(app, document(199, one=(ANOTHER, 199, False)), ts=2, is_first_hand=False)
    assert keys_of(app) == {"one": StoredKey(KEY, 200, False, 1)}
    put(app, document(201, one=(ANOTHER, 10, True)), ts=2, is_first_hand=False)
    assert keys_of(app) == {"one": StoredKey(ANOTHER, 10, True, 2)}


def test_others_do_not_change_a_key_that_the_server_told(app: App) -> None:
    put(app, document(100, one=(KEY, 100, False)))
    put(app, document(300, one=(ANOTHER, 300, False)), ts=2, is_first_hand=False)
    assert keys_of(app) == {"one": StoredKey(KEY, 100, False, 1)}
    # That it is good for longer, or has ended, they may tell.
    put(app, document(300, one=(KEY, 300, False)), ts=2, is_first_hand=False)
    assert keys_of(app) == {"one": StoredKey(KEY, 300, False, 2)}
    put(app, document(301, one=(KEY, 70, True)), ts=3, is_first_hand=False)
    assert keys_of(app) == {"one": StoredKey(KEY, 70, True, 3)}
    put(app, document(400, one=(ANOTHER, 400, False)), ts=4, is_first_hand=False)
    assert keys_of(app)["one"].verify_key == KEY


def test_documents_are_kept_as_long_as_a_key_is_in_none_that_is_newer(app: App) -> None:
    put(app, document(1, one=(KEY, 1, False)), ts=1)
    put(app, document(2, two=(KEY, 2, False)), ts=2)
    assert documents_of(app) == ["until 2", "until 1"]
    assert documents_of(app, limit=1) == ["until 2"]
    put(app, document(3, two=(KEY, 3, False)), ts=3)
    assert documents_of(app) == ["until 3", "until 1"]
    put(app, document(4, one=(KEY, 2, True), two=(KEY, 4, False)), ts=4)
    assert documents_of(app) == ["until 4"]
    # One of which nothing counts is not kept.
    put(app, document(3, one=(KEY, 3, False)), ts=5, is_first_hand=False)
    assert documents_of(app) == ["until 4"]


def test_a_server_with_new_keys_all_the_time_keeps_the_last_of_them(app: App) -> None:
    for turn in range(5):
        keys = {f"k{turn}-{number}": (KEY, turn, False) for number in range(64)}
        put(app, document(turn, **keys), ts=turn)
    kept = keys_of(app)
    assert len(kept) == KEYS_OF_SERVER_MAX
    assert {f"k4-{number}" for number in range(64)} <= kept.keys()
    assert not any(key_id.startswith("k0") for key_id in kept)
    assert documents_of(app) == ["until 4", "until 3", "until 2", "until 1"]


def test_many_servers_are_put_together(app: App) -> None:
    names = [f"s{number}.test" for number in range(50)]
    put(app, *(document(1, name, one=(KEY, 1, False)) for name in names))
    with app.database.read() as txn:
        wanted = [(name, "one") for name in [*names, "nobody.test"]] + [(names[0], "two")]
        found: dict[Any, StoredKey] = server_keys.list_keys(txn, wanted)
        assert server_keys.list_keys(txn, []) == {}
    assert found == {(name, "one"): StoredKey(KEY, 1, False, 1) for name in names}
