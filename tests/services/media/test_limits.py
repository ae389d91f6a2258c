"""`media_upload_limits`: how much one may upload in which time."""

from collections.abc import Callable

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.config.media import Media, UploadLimit
from impl.config.settings import SomaSettings, Support
from impl.services import accounts
from tests.builders import BOB
from tests.services.media.files import ask, download, keep_promise, on_disk, promise, upload

HOUR_MS = 3_600_000

NewApp = Callable[..., App]


def limited(new_app: NewApp, *limits: UploadLimit, **more: object) -> App:
    return new_app(media=Media(media_upload_limits=limits), **more)


def stop_clock(app: App) -> Callable[[int], None]:
    """Moves the App's clock on, which stands otherwise."""
    now = [app.now_ms()]
    app.now_ms = lambda: now[0]

    def move(by_ms: int) -> None:
        now[0] += by_ms

    return move


def test_so_much_and_no_more_in_any_time(new_app: NewApp) -> None:
    app = limited(new_app, UploadLimit(HOUR_MS, 10))
    move = stop_clock(app)
    upload(app, b"12345")
    move(HOUR_MS // 2)
    upload(app, b"12345")
    with pytest.raises(errors.UserLimitExceeded) as raised:
        upload(app, b"1")
    assert (raised.value.status, raised.value.errcode) == (403, "M_USER_LIMIT_EXCEEDED")
    upload(app, b"of another", BOB)
    move(HOUR_MS // 2)
    upload(app, b"12345")
    with pytest.raises(errors.UserLimitExceeded):
        upload(app, b"1")
    assert len(on_disk(app)) == 4


def test_the_shortest_and_the_longest_time_both_hold(new_app: NewApp) -> None:
    app = limited(new_app, UploadLimit(HOUR_MS, 10), UploadLimit(24 * HOUR_MS, 15))
    move = stop_clock(app)
    upload(app, b"1234567890")
    with pytest.raises(errors.UserLimitExceeded):
        upload(app, b"1")
    move(HOUR_MS)
    upload(app, b"12345")
    move(HOUR_MS)
    with pytest.raises(errors.UserLimitExceeded):
        upload(app, b"1")
    move(22 * HOUR_MS)
    upload(app, b"1234567890")


def test_what_was_promised_counts_when_it_comes(new_app: NewApp) -> None:
    app = limited(new_app, UploadLimit(HOUR_MS, 10))
    move = stop_clock(app)
    early = [promise(app) for _ in range(3)]
    move(2 * HOUR_MS)
    keep_promise(app, early[0], b"12345")
    keep_promise(app, early[1], b"12345")
    with pytest.raises(errors.UserLimitExceeded):
        keep_promise(app, early[2], b"1")
    assert download(app, early[1]) == b"12345"
    assert len(on_disk(app)) == 2
    # It is promised still.
    move(HOUR_MS)
    keep_promise(app, early[2], b"1")


def test_who_meets_a_limit_is_told_where_to_read_of_it(new_app: NewApp) -> None:
    def refused(*limits: UploadLimit, **more: object) -> dict[str, object]:
        with pytest.raises(errors.UserLimitExceeded) as raised:
            upload(limited(new_app, *limits, **more), b"12")
        return raised.value.extra

    own = refused(UploadLimit(HOUR_MS, 1, "https://soma.test/quota", True))
    assert own == {"info_uri": "https://soma.test/quota", "can_upgrade": True}
    plain = refused(UploadLimit(HOUR_MS, 1))
    assert plain == {"info_uri": "https://soma.test/", "can_upgrade": False}


def test_where_users_turn_to_is_where_they_read_of_it(new_app: NewApp, tmp_path: object) -> None:
    soma = SomaSettings(data_dir=tmp_path, support=Support(page="https://soma.test/help"))  # type: ignore[arg-type]
    app = limited(new_app, UploadLimit(HOUR_MS, 1), soma=soma)
    with pytest.raises(errors.UserLimitExceeded) as raised:
        upload(app, b"12")
    assert raised.value.extra["info_uri"] == "https://soma.test/help"


def test_many_at_once_are_not_more_than_one_may(new_app: NewApp) -> None:
    settings = Media(media_upload_limits=(UploadLimit(HOUR_MS, 50),))
    first = new_app(media=settings)
    second = new_app(first.database.dsn, media=settings)
    accounts.register_user(first, "alice", None)
    tries = [gevent.spawn(upload, app, b"1234567890") for app in [first, second] * 8]
    gevent.joinall(tries)
    assert sum(one.successful() for one in tries) == 5
    assert ask(first, "SELECT sum(size)::bigint FROM media") == [(50,)]
    assert len(on_disk(first)) == 5
    assert ask(first, "SELECT 1 FROM media_loose_files") == []
