"""Files between two servers: what one's users upload, the other's download."""

import gc
import tracemalloc
from collections.abc import Iterator

import gevent
import pytest

from impl.config.media import Media as Settings
from tests.api.api_client import User
from tests.federation.conftest import Server, Servers
from tests.federation.fake_wire import Network
from tests.federation.media_client import (
    FEDERATION,
    ask_signed,
    download,
    keep_promise,
    promise,
    upload,
)

FILE = b"\x89PNG\r\n\r\n--boundary\r\n--" * 1_000


@pytest.fixture(autouse=True)
def nothing_is_left(a: Server, b: Server) -> Iterator[None]:
    yield
    for server in (a, b):
        assert [*server.app.media_files.incoming.glob("*")] == []


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ("image/png", "a.png"),
        ("text/html; charset=utf-8", 'a b;"c\\.html'),
        ("application/x-thing", "日本 é.x"),
        ("image/png", None),
    ],
)
def test_what_one_uploads_the_other_downloads(
    alice: User, bob: User, network: Network, content_type: str, name: str | None
) -> None:
    media_id = upload(alice, FILE, content_type, name)
    there = download(bob, "a.test", media_id)
    assert (there.status, there.body) == (200, FILE)
    assert there.headers["content-type"] == content_type
    # All that is said of a file is the same on both.
    here = download(alice, "a.test", media_id)
    for answer in (here, there):
        del answer.headers["x-request-id"]
    assert there.headers == here.headers
    # It has been fetched, and is not again.
    assert download(bob, "a.test", media_id).body == FILE
    assert len(network.requests("b.test", "a.test", "/media/")) == 1


def test_another_server_must_say_who_it_is(a: Server, alice: User) -> None:
    media_id = upload(alice, FILE)
    target = f"{FEDERATION}/download/{media_id}"
    for api in (a.api, alice):
        answer = api.get(target)
        assert (answer.status, answer.errcode) == (401, "M_UNAUTHORIZED")


def test_a_file_is_given_out_as_two_parts(a: Server, b: Server, alice: User) -> None:
    media_id = upload(alice, b"hello", "image/png", "a.png")
    answer = ask_signed(a, "b.test", f"{FEDERATION}/download/{media_id}")
    assert answer.status == 200
    kind, _, boundary = answer.headers["content-type"].partition("; boundary=")
    assert kind == "multipart/mixed"
    delimiter = f"--{boundary}".encode()
    before, about, file, after = answer.body.split(delimiter)
    assert (before.strip(), after.strip()) == (b"", b"--")
    head, _, data = about.partition(b"\r\n\r\n")
    assert head.strip().lower() == b"content-type: application/json"
    assert data == b"{}\r\n"
    head, _, data = file.partition(b"\r\n\r\n")
    assert set(head.strip().split(b"\r\n")) == {
        b"Content-Type: image/png",
        b"Content-Disposition: inline; filename=a.png",
    }
    assert data == b"hello\r\n"
    assert int(answer.headers["content-length"]) == len(answer.body)


def test_each_answer_has_a_boundary_of_its_own(a: Server, b: Server, alice: User) -> None:
    media_id = upload(alice, b"hello")
    answers = [ask_signed(a, "b.test", f"{FEDERATION}/download/{media_id}") for _ in range(2)]
    assert len({answer.headers["content-type"] for answer in answers}) == 2


@pytest.mark.parametrize(
    "media_id",
    ["missing", "..", "%2e%2e%2f%2e%2e%2fhomeserver.db", "a%2Fb", "x" * 10_000, "a%0D%0Ab"],
)
def test_what_we_do_not_have_is_not_found(a: Server, b: Server, media_id: str) -> None:
    answer = ask_signed(a, "b.test", f"{FEDERATION}/download/{media_id}")
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_what_nobody_can_be_called_is_refused(a: Server, b: Server) -> None:
    answer = ask_signed(a, "b.test", f"{FEDERATION}/download/%00")
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_what_we_have_of_others_is_not_ours_to_give(
    a: Server, b: Server, alice: User, bob: User
) -> None:
    media_id = upload(alice, FILE)
    assert download(bob, "a.test", media_id).status == 200
    answer = ask_signed(b, "a.test", f"{FEDERATION}/download/{media_id}")
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_a_file_that_is_promised_is_waited_for(alice: User, bob: User) -> None:
    media_id = promise(alice)
    answer = download(bob, "a.test", media_id)
    assert (answer.status, answer.errcode) == (504, "M_NOT_YET_UPLOADED")
    waiting = gevent.spawn(download, bob, "a.test", media_id, timeout_ms=20_000)
    gevent.sleep(0.2)
    assert not waiting.ready()
    keep_promise(alice, media_id, FILE)
    answer = waiting.get(timeout=10)
    assert (answer.status, answer.body) == (200, FILE)


def test_a_file_under_quarantine_is_not_given_out(
    a: Server, b: Server, alice: User, bob: User
) -> None:
    media_id = upload(alice, FILE)
    with a.app.database.transaction() as txn:
        txn.execute("UPDATE media SET quarantined_by = '@admin:a.test'")
    answer = ask_signed(a, "b.test", f"{FEDERATION}/download/{media_id}")
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")
    answer = download(bob, "a.test", media_id)
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_who_is_not_federated_with_gets_nothing(
    new_server: Servers, network: Network, alice: User
) -> None:
    media_id = upload(alice, FILE)
    alone = new_server("d.test", federation_domain_whitelist=frozenset({"b.test"}))
    dora = alone.register("dora")
    answer = download(dora, "a.test", media_id)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
    assert network.requests("d.test", "a.test") == []


def test_files_of_some_servers_are_not_wanted(
    new_server: Servers, network: Network, alice: User
) -> None:
    media_id = upload(alice, FILE)
    settings = Settings(prevent_media_downloads_from=frozenset({"a.test"}))
    dora = new_server("d.test", media=settings).register("dora")
    answer = download(dora, "a.test", media_id)
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")
    assert network.requests("d.test", "a.test") == []


def test_for_a_stranger_nothing_is_fetched(b: Server, alice: User) -> None:
    media_id = upload(alice, FILE)
    for version in ("client/v1/media", "media/v3"):
        answer = b.api.get(f"/_matrix/{version}/download/a.test/{media_id}")
        assert answer.status == (401 if version.startswith("client") else 404), answer
    assert b.app.media_files.root.joinpath("remote_content").exists() is False


def test_a_large_file_is_in_nobodys_memory(a: Server, b: Server, alice: User, bob: User) -> None:
    media_id = upload(alice, b"x" * 20_000_000)
    gc.collect()
    tracemalloc.start()
    try:
        answer = bob.api.request(
            "HEAD",
            f"/_matrix/client/v1/media/download/a.test/{media_id}",
            token=bob.access_token,
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.status == 200
    assert peak < 5_000_000
