"""For whom another server is asked for its files, and when: services/media/downloads.py."""

from collections.abc import Callable
from typing import Any

import pytest

from impl import errors
from impl.config.media import Media as Settings
from impl.services.media import downloads
from impl.services.media.content import Content
from impl.services.media.downloads import Asked
from impl.storage import media
from tests.federation.conftest import Server, Servers
from tests.federation.fake_wire import Network
from tests.federation.media_origin import MediaOrigin

ORIGIN = "o.test"
ALICE = "@alice:a.test"
Have = Callable[..., bytes]


@pytest.fixture
def origin(network: Network) -> MediaOrigin:
    origin = MediaOrigin(network, ORIGIN)
    origin.files["id"] = b"theirs"
    return origin


def have(server: Server, media_id: str = "id", user_id: str | None = ALICE, **more: Any) -> bytes:
    content = downloads.find(server.app, Asked(ORIGIN, media_id, 0, user_id, **more))
    with content.file:
        return content.file.read()


@pytest.fixture
def thawed(new_server: Servers) -> Server:
    return new_server("a.test", media=Settings(enable_authenticated_media=False))


def test_for_a_user_it_is_fetched_and_then_is_here(a: Server, origin: MediaOrigin) -> None:
    assert have(a) == have(a) == have(a, allow_remote=False) == b"theirs"
    assert len(origin.asked) == 1


def test_for_strangers_nobody_is_asked_once_files_are_frozen(
    a: Server, origin: MediaOrigin
) -> None:
    with pytest.raises(errors.NotFound):
        have(a, user_id=None)
    assert origin.asked == []
    # Nor is it given to them once it is here.
    have(a)
    with pytest.raises(errors.NotFound):
        have(a, user_id=None)


def test_for_strangers_it_is_fetched_where_nothing_is_frozen(
    thawed: Server, origin: MediaOrigin
) -> None:
    # Somebody may be a server that is asked by us, in a loop.
    with pytest.raises(errors.NotFound):
        have(thawed, user_id=None, allow_remote=False)
    assert origin.asked == []
    assert have(thawed, user_id=None) == b"theirs"
    assert have(thawed, user_id=None, allow_remote=False) == b"theirs"


def test_of_whom_we_do_not_talk_to_nothing_is_given_out(
    new_server: Servers, origin: MediaOrigin
) -> None:
    for settings, error in (
        ({"media": Settings(prevent_media_downloads_from=frozenset({ORIGIN}))}, errors.NotFound),
        ({"federation_domain_whitelist": frozenset({"b.test"})}, errors.Forbidden),
    ):
        server = new_server("a.test", **settings)
        with pytest.raises(error):
            have(server)
    assert origin.asked == []


@pytest.mark.parametrize("media_id", ["..", "../x", "a/b", "a b", "", "é", "a\r\nb"])
def test_no_server_is_asked_for_what_cannot_be_a_file(
    a: Server, origin: MediaOrigin, media_id: str
) -> None:
    with pytest.raises(errors.NotFound):
        have(a, media_id)
    assert origin.asked == []


def test_what_the_disk_has_lost_is_fetched_again(a: Server, origin: MediaOrigin) -> None:
    def path() -> Any:
        with a.app.database.read() as txn:
            file = media.get(txn, ORIGIN, "id")
        assert file is not None
        return a.app.media_files.path(ORIGIN, file.file_id)

    have(a)
    path().unlink()
    assert have(a) == b"theirs"
    path().write_bytes(b"cut")
    assert have(a) == b"theirs"
    assert len(origin.asked) == 3
    path().unlink()
    origin.files.clear()
    with pytest.raises(errors.NotFound):
        have(a)


def test_what_is_lost_again_and_again_is_not_found(a: Server, origin: MediaOrigin) -> None:
    def lose(file: media.Media) -> Content:
        raise FileNotFoundError

    with pytest.raises(errors.NotFound):
        downloads.with_bytes(a.app, Asked(ORIGIN, "id", 0, ALICE), lose)
    assert len(origin.asked) == 2
