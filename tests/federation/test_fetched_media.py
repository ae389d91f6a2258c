"""Files of other servers, as they are fetched and kept: once, whoever asks; whatever goes wrong has
an error of the specification, and leaves nothing behind.
"""

import gc
import hashlib
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.config.media import Media as Settings
from impl.errors import MatrixError
from impl.outbound.failures import Unreachable
from impl.outbound.wire import WireResponse
from impl.services.media import remote
from impl.services.sending import reachability
from impl.storage import media
from impl.storage.media import Media
from tests.federation.conftest import Server, Servers
from tests.federation.fake_wire import Network
from tests.federation.media_origin import MediaOrigin, in_parts, refusal

ORIGIN = "o.test"
FILE = b"\x00\r\n--" * 5_000
SIZE_MAX = 40_000


@pytest.fixture
def a(new_server: Servers) -> Server:
    return new_server("a.test", max_upload_size=SIZE_MAX)


@pytest.fixture
def app(a: Server) -> Iterator[App]:
    yield a.app
    # Whatever became of it, no bytes are left half-way.
    assert [*a.app.media_files.incoming.glob("*")] == []


@pytest.fixture
def origin(network: Network) -> MediaOrigin:
    origin = MediaOrigin(network, ORIGIN)
    origin.files["id"] = FILE
    return origin


def fetch(app: App, media_id: str = "id", **options: Any) -> Media:
    return remote.fetch(app, ORIGIN, media_id, options.pop("timeout_ms", 0), **options)


def path_of(app: App, file: Media) -> Path:
    return app.media_files.path(file.origin, file.file_id)


def kept(app: App) -> list[Path]:
    found = app.media_files.root.joinpath("remote_content").rglob("*")
    return [path for path in found if path.is_file()]


def row(app: App, media_id: str = "id") -> Media | None:
    with app.database.read() as txn:
        return media.get(txn, ORIGIN, media_id)


def refused(app: App, **options: Any) -> MatrixError:
    with pytest.raises(MatrixError) as caught:
        fetch(app, **options)
    assert row(app) is None
    assert kept(app) == []
    return caught.value


def test_a_file_is_fetched_and_kept(app: App, origin: MediaOrigin) -> None:
    file = fetch(app, timeout_ms=5_000)
    assert file == row(app)
    assert path_of(app, file).read_bytes() == FILE
    assert (file.size, file.sha256) == (len(FILE), hashlib.sha256(FILE).digest())
    assert (file.content_type, file.file_name) == ("text/plain", "a.txt")
    assert (file.user_id, file.quarantined_by) == (None, None)
    assert file.is_authenticated
    assert origin.asked == ["/_matrix/federation/v1/media/download/id?timeout_ms=5000"]
    # From then on it is here.
    assert fetch(app) == file
    assert len(origin.asked) == 1


def test_the_other_server_does_not_say_where_a_file_lies(app: App, origin: MediaOrigin) -> None:
    files = [fetch(app)]
    origin.files["other"] = FILE
    files.append(fetch(app, "other"))
    assert len({file.file_id for file in files} | {"id", "other"}) == 4


def test_whether_all_may_have_it_is_for_the_configuration(
    new_server: Servers, origin: MediaOrigin
) -> None:
    c = new_server("c.test", media=Settings(enable_authenticated_media=False))
    assert not fetch(c.app).is_authenticated


def test_a_file_may_be_empty_or_as_large_as_is_allowed(app: App, origin: MediaOrigin) -> None:
    origin.files |= {"empty": b"", "full": b"x" * SIZE_MAX}
    assert fetch(app, "empty").size == 0
    assert fetch(app, "full").size == SIZE_MAX


@pytest.mark.parametrize(("given", "told"), [(-1, 0), (10**30, 50_000)])
def test_nobody_waits_for_ever(app: App, origin: MediaOrigin, given: int, told: int) -> None:
    fetch(app, timeout_ms=given)
    assert origin.asked[0].endswith(f"?timeout_ms={told}")


# Several who ask.


def test_many_who_ask_at_once_have_it_fetched_once(
    app: App, network: Network, origin: MediaOrigin
) -> None:
    gate = network.hold("a.test", ORIGIN)
    asking = [gevent.spawn(fetch, app) for _ in range(20)]
    gate.wait()
    gevent.sleep(0.01)
    gate.open()
    files = {one.get(timeout=10) for one in asking}
    assert len(files) == 1
    assert len(origin.asked) == len(kept(app)) == 1


def test_who_goes_leaves_it_to_the_others(
    app: App, network: Network, origin: MediaOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = network.hold("a.test", ORIGIN)
    gone, patient = gevent.spawn(fetch, app), gevent.spawn(fetch, app)
    gate.wait()
    gone.kill()
    # Nor does it need anybody: it takes longer than a request may.
    monkeypatch.setattr(remote, "WAIT_S_MAX", 0.05)
    with pytest.raises(errors.NotYetUploaded):
        fetch(app)
    gate.open()
    assert patient.get(timeout=10) == row(app)
    assert len(origin.asked) == 1


def test_two_workers_may_fetch_the_same(
    a: Server, app: App, new_server: Servers, network: Network, origin: MediaOrigin
) -> None:
    beside = new_server("a.test", beside=a, max_upload_size=SIZE_MAX, media=a.app.config.media)
    gate = network.hold("a.test", ORIGIN)
    asking = [gevent.spawn(fetch, one) for one in (app, beside.app)]
    gate.wait(2)
    gate.open()
    first, second = (one.get(timeout=10) for one in asking)
    assert first == second == row(app)
    assert [path.read_bytes() for path in kept(app)] == [FILE]


def test_what_fails_fails_for_all_and_each(app: App, network: Network, origin: MediaOrigin) -> None:
    origin.answer = lambda target: refusal(504, "M_NOT_YET_UPLOADED")
    gate = network.hold("a.test", ORIGIN)
    asking = [gevent.spawn(fetch, app) for _ in range(3)]
    gate.wait()
    gate.open()
    gevent.joinall(asking, timeout=10)
    assert [type(one.exception) for one in asking] == [errors.NotYetUploaded] * 3
    # That may be over the next moment.
    origin.answer = lambda target: in_parts(FILE)
    assert fetch(app).size == len(FILE)


@pytest.mark.parametrize("name", ["not there", "not yet"])
def test_nothing_of_a_request_that_failed_is_kept(app: App, origin: MediaOrigin, name: str) -> None:
    """That it failed is, for a while."""

    class Request:
        pass

    def ask() -> weakref.ref[Request]:
        request = Request()
        with pytest.raises(MatrixError):
            fetch(app)
        return weakref.ref(request)

    origin.answer = OUTCOMES[name][0]
    asked = [ask() for _ in range(2)]
    gc.collect()
    assert [one() for one in asked] == [None, None]


def test_one_server_takes_some_places_and_not_all(
    app: App, network: Network, origin: MediaOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PLACE_S_MAX", 0.05)
    gate = network.hold("a.test", ORIGIN)
    slow = [gevent.spawn(fetch, app, f"slow{n}") for n in range(remote.AT_ONCE_OF_ONE)]
    gate.wait(len(slow))
    with pytest.raises(errors.Unavailable):
        fetch(app)
    MediaOrigin(network, "other.test").files["id"] = FILE
    assert remote.fetch(app, "other.test", "id", 0).size == len(FILE)
    gate.open()
    gevent.joinall(slow, timeout=10)
    assert fetch(app).size == len(FILE)


def test_who_has_many_fetched_of_slow_servers_keeps_nobody_else_waiting(
    app: App, network: Network, origin: MediaOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PLACE_S_MAX", 0.05)
    monkeypatch.setattr(remote, "AT_ONCE_FOR_ONE", 2)
    gate = network.hold("a.test", ORIGIN)
    greedy, modest = "@greedy:a.test", "@modest:a.test"
    slow = [
        gevent.spawn(remote.fetch, app, ORIGIN, f"slow{number}", 0, greedy) for number in range(2)
    ]
    gate.wait(len(slow))
    MediaOrigin(network, "other.test").files["id"] = FILE
    with pytest.raises(errors.LimitExceeded):
        remote.fetch(app, "other.test", "id", 0, greedy)
    assert remote.fetch(app, "other.test", "id", 0, modest).size == len(FILE)
    gate.open()
    gevent.joinall(slow, timeout=10)
    assert fetch(app, user_id=greedy).size == len(FILE)


# What goes wrong.


def _raise(error: Exception) -> Callable[[str], WireResponse]:
    def answer(target: str) -> WireResponse:
        raise error

    return answer


OUTCOMES: dict[str, tuple[Callable[[str], WireResponse], int, str]] = {
    "not there": (lambda _: refusal(404, "M_NOT_FOUND"), 404, "M_NOT_FOUND"),
    "not there, in its own way": (lambda _: refusal(404, "M_WRONG"), 404, "M_NOT_FOUND"),
    "neither way known": (lambda _: refusal(404, "M_UNRECOGNIZED"), 404, "M_NOT_FOUND"),
    "not yet": (lambda _: refusal(504, "M_NOT_YET_UPLOADED"), 504, "M_NOT_YET_UPLOADED"),
    "too large there": (lambda _: refusal(502, "M_TOO_LARGE"), 502, "M_TOO_LARGE"),
    "too large here": (lambda _: in_parts(b"x" * (SIZE_MAX + 1)), 502, "M_TOO_LARGE"),
    "not for us": (lambda _: refusal(403, "M_FORBIDDEN"), 502, "M_UNKNOWN"),
    "who are we": (lambda _: refusal(401, "M_UNKNOWN_TOKEN"), 502, "M_UNKNOWN"),
    "too often": (lambda _: refusal(429, "M_LIMIT_EXCEEDED"), 502, "M_UNKNOWN"),
    "broken": (lambda _: refusal(500, "M_UNKNOWN"), 502, "M_UNKNOWN"),
    "nonsense": (lambda _: WireResponse(200, {}, b"{}"), 502, "M_UNKNOWN"),
    "cut off": (
        lambda _: replace(in_parts(FILE), body=in_parts(FILE).body[:-30]),
        502,
        "M_UNKNOWN",
    ),
    "nowhere": (
        lambda _: in_parts(b"", "Location: https://gone.test/x"),
        502,
        "M_UNKNOWN",
    ),
    "not by https": (lambda _: in_parts(b"", "Location: http://x.test/"), 502, "M_UNKNOWN"),
    "away": (_raise(Unreachable(ORIGIN, "it is away")), 502, "M_UNKNOWN"),
}


@pytest.mark.parametrize(("answer", "status", "errcode"), OUTCOMES.values(), ids=OUTCOMES)
def test_what_goes_wrong_has_its_error(
    app: App,
    origin: MediaOrigin,
    answer: Callable[[str], WireResponse],
    status: int,
    errcode: str,
) -> None:
    origin.answer = answer
    error = refused(app)
    assert (error.status, error.errcode) == (status, errcode)
    assert "it says so" not in error.message


@pytest.mark.parametrize("name", ["not there", "too large here", "nonsense", "nowhere"])
def test_what_is_no_file_is_not_asked_for_again_and_again(
    app: App, origin: MediaOrigin, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    origin.answer = OUTCOMES[name][0]
    first, second = refused(app), refused(app)
    assert (first.status, first.errcode) == (second.status, second.errcode)
    assert len(origin.asked) == 1
    # For a while: what is another's is not in it.
    origin.answer = lambda target: in_parts(FILE)
    origin.files["other"] = FILE
    fetch(app, "other")


def test_what_was_no_file_may_be_one_later(
    app: App, origin: MediaOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "REFUSED_S", 0.0)
    del origin.files["id"]
    refused(app)
    origin.files["id"] = FILE
    assert fetch(app).size == len(FILE)


def test_who_is_away_is_left_alone(app: App, origin: MediaOrigin) -> None:
    reachability.watch(app)
    origin.answer = OUTCOMES["away"][0]
    for _ in range(3):
        assert refused(app).status == 502
    assert len(origin.asked) == 1


def test_a_file_that_is_elsewhere(app: App, network: Network, origin: MediaOrigin) -> None:
    url = "https://cdn.test/x?y=z"
    network.pages[url] = WireResponse(200, {"content-type": "image/png"}, FILE)
    origin.answer = lambda target: in_parts(b"", f"Location: {url}")
    file = fetch(app)
    assert path_of(app, file).read_bytes() == FILE
    assert file.content_type == "image/png"


def test_a_server_that_is_asked_as_a_client_asks(app: App, origin: MediaOrigin) -> None:
    def answer(target: str) -> WireResponse:
        if target.startswith("/_matrix/federation"):
            return refusal(404, "M_UNRECOGNIZED")
        return WireResponse(200, {}, FILE)

    origin.answer = answer
    file = fetch(app)
    assert (file.size, file.content_type) == (len(FILE), "application/octet-stream")
    assert "allow_remote=false" in origin.asked[1]


def test_a_file_under_quarantine_is_not_given_out(app: App, origin: MediaOrigin) -> None:
    fetch(app)
    with app.database.transaction() as txn:
        txn.execute("UPDATE media SET quarantined_by = '@admin:a.test'")
    with pytest.raises(errors.NotFound):
        fetch(app)
    assert len(origin.asked) == 1


def test_a_disk_that_does_not_take_it(app: App, origin: MediaOrigin) -> None:
    directory = app.media_files.incoming
    directory.parent.mkdir(parents=True, exist_ok=True)
    directory.write_bytes(b"in its place")
    try:
        error = refused(app)
    finally:
        directory.unlink()
    assert (error.status, error.errcode) == (507, "M_UNKNOWN")
    assert fetch(app).size == len(FILE)


@pytest.mark.parametrize(
    "name", ["..", ".", "a..b", "1.2.3.4.5:99999", "[::g]", "x" * 64 + ".test"]
)
def test_a_server_that_nobody_can_be_is_not_asked(app: App, network: Network, name: str) -> None:
    with pytest.raises(errors.InvalidParam, match="server_name"):
        remote.fetch(app, name, "id", 0)
    assert network.sent == []
