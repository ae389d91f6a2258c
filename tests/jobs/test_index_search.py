"""The loop that keeps the search index up to the stream."""

from collections.abc import Callable

import gevent
import pytest

from impl.app import App
from impl.jobs import index_search
from impl.services.search import index
from impl.storage import search
from impl.storage.search import Wanted
from tests import builders
from tests.builders import ALICE, a_room, append, message


def found(app: App, room_id: str, word: str) -> int:
    with app.database.read() as txn:
        room = app.rooms.get(txn, room_id)
        assert room is not None
        wanted = Wanted([[word]], [room.room_nid], [search.BODY], None, (), (), None, False)
        return len(search.find(txn, wanted, None, 1000))


def is_behind(app: App) -> bool:
    with app.database.read() as txn:
        return search.is_behind(txn)


def wait_until(condition: Callable[[], bool]) -> None:
    with gevent.Timeout(10):
        while not condition():
            gevent.sleep(0.01)


@pytest.fixture
def room_id(app: App) -> str:
    return a_room(app)


def test_nothing_is_left_after_all_was_indexed(
    app: App, room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "BATCH_ROWS", 3)
    append(app, room_id, *[message(ALICE, f"word {number}") for number in range(10)])
    assert is_behind(app)
    index_search.index_all(app)
    assert not is_behind(app)
    assert found(app, room_id, "word") == 10


def test_it_goes_on_where_another_stopped(
    app: App, new_app: Callable[..., App], room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "BATCH_ROWS", 3)
    append(app, room_id, *[message(ALICE, f"word {number}") for number in range(10)])
    assert index.index_some(app) == 3
    other = new_app(app.database.dsn)
    index_search.index_all(other)
    assert found(app, room_id, "word") == 10


def test_a_batch_that_fails_is_done_again_whole(
    app: App, room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(app, room_id, message(ALICE, "word"))
    with monkeypatch.context() as patch:
        patch.setattr(search, "put_progress", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            index.index_some(app)
    assert found(app, room_id, "word") == 0
    index_search.index_all(app)
    assert found(app, room_id, "word") == 1


def test_history_that_was_fetched_is_indexed_as_well(app: App, room_id: str) -> None:
    append(app, room_id, message(ALICE, "word"), message(ALICE, "word"))
    index_search.index_all(app)
    with app.database.transaction() as txn:
        # As if they had been fetched: their positions are below zero.
        txn.execute("DELETE FROM search_texts")
        txn.execute("UPDATE timeline SET position = -position")
    index_search.index_all(app)
    assert found(app, room_id, "word") == 2
    assert index.index_some(app) == 0


def test_what_another_server_lets_through_is_no_failure(app: App, room_id: str) -> None:
    texts = ["be\0fore word", "\U000e0001 word", "\ufffe word", "word '\\:1' word"]
    append(app, room_id, *[message(ALICE, text) for text in texts])
    index_search.index_all(app)
    assert found(app, room_id, "word") == len(texts)


def test_an_event_of_the_future_is_not_newer_than_what_comes(app: App, room_id: str) -> None:
    late = builders.Draft(
        "m.room.message", ALICE, {"body": "word"}, origin_server_ts=app.now_ms() + 10**9
    )
    append(app, room_id, late)
    index_search.index_all(app)
    with app.database.read() as txn:
        txn.execute("SELECT sent_ts FROM search_texts")
        assert txn.fetchone()[0] <= app.now_ms()


def test_the_loop_follows_the_stream_until_the_server_stops(
    app: App, room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_search, "LAG_S", 0.01)
    loop = gevent.spawn(index_search.run, app)
    wait_until(lambda: not is_behind(app))
    append(app, room_id, message(ALICE, "word"))
    wait_until(lambda: found(app, room_id, "word") == 1)
    app.begin_shutdown()
    loop.join(timeout=10)
    assert loop.successful()


def test_what_comes_while_nothing_is_left_is_indexed_without_anything_else(
    app: App, room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_search, "LAG_S", 0.01)
    some, said = index.index_some, []

    def index_some(app: App) -> int:
        done = some(app)
        if not done and not said:
            # Between the last look and the waiting for news.
            said.extend(append(app, room_id, message(ALICE, "word")))
            app.news.catch_up()
        return done

    monkeypatch.setattr(index, "index_some", index_some)
    loop = gevent.spawn(index_search.run, app)
    wait_until(lambda: bool(said) and not is_behind(app))
    assert found(app, room_id, "word") == 1
    app.begin_shutdown()
    loop.join(timeout=10)


def test_one_of_several_has_the_lease(
    app: App, new_app: Callable[..., App], room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_search, "LAG_S", 0.01)
    monkeypatch.setattr(index_search, "STANDBY_S", 0.01)
    other = new_app(app.database.dsn)
    loops = [gevent.spawn(index_search.run, one) for one in (app, other)]
    wait_until(lambda: not is_behind(app))
    app.begin_shutdown()
    loops[0].join(timeout=10)
    # The other takes it over.
    append(other, room_id, message(ALICE, "word"))
    wait_until(lambda: found(other, room_id, "word") == 1)
    other.begin_shutdown()
    loops[1].join(timeout=10)
    assert all(loop.successful() for loop in loops)
