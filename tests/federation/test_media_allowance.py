"""How much of other servers' files one may have fetched."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.config.media import Media as Settings
from impl.config.rate_limits import RateLimit
from impl.services.media import remote
from impl.storage.media import Media
from tests.federation.conftest import Servers
from tests.federation.fake_wire import Network
from tests.federation.media_origin import MediaOrigin, in_parts

ORIGIN = "o.test"
FILE = b"\x00\r\n--" * 5_000
# Three files of that size, and no fourth.
LIMIT = RateLimit(1.0, 3.5 * len(FILE))


@pytest.fixture
def origin(network: Network) -> MediaOrigin:
    return MediaOrigin(network, ORIGIN)


def fetch(app: App, media_id: str, **options: Any) -> Media:
    return remote.fetch(app, ORIGIN, media_id, 0, **options)


def stored(app: App) -> list[Path]:
    found = app.media_files.root.joinpath("remote_content").rglob("*")
    return [path for path in found if path.is_file()]


@pytest.fixture
def limited(new_server: Servers) -> App:
    settings = Settings(remote_media_download=LIMIT)
    return new_server("l.test", media=settings).app


@pytest.mark.parametrize("is_told", [True, False], ids=["its length is told", "it is not"])
def test_nobody_has_more_fetched_than_they_may(
    limited: App, origin: MediaOrigin, is_told: bool
) -> None:
    made = in_parts(FILE)
    length = {"content-length": str(len(made.body))} if is_told else {}
    origin.answer = lambda target: replace(made, headers={**made.headers, **length})
    taken = 0
    with pytest.raises(errors.LimitExceeded) as caught:
        for number in range(10):
            fetch(limited, f"f{number}", user_id="@alice:l.test")
            taken += 1
    # Where nobody says how much will come it may be more than is left, once.
    assert taken == (3 if is_told else 4)
    assert caught.value.extra["retry_after_ms"]
    assert len(stored(limited)) == taken
    # What is here costs nothing, but who has spent all waits; others need not.
    assert fetch(limited, "f9", user_id="@bob:l.test").size == len(FILE)


def test_who_has_had_too_much_keeps_nobody_else_from_it(
    limited: App, network: Network, origin: MediaOrigin
) -> None:
    made = in_parts(FILE)
    length = {"content-length": str(len(made.body))}
    origin.answer = lambda target: replace(made, headers={**made.headers, **length})
    for number in range(3):
        fetch(limited, f"f{number}", user_id="@alice:l.test")
    gate = network.hold("l.test", ORIGIN)
    alice, bob = (
        gevent.spawn(fetch, limited, "f3", user_id=f"@{name}:l.test") for name in ("alice", "bob")
    )
    gate.wait()
    gate.open()
    assert bob.get(timeout=10).size == len(FILE)
    with pytest.raises(errors.LimitExceeded):
        alice.get(timeout=10)


def test_what_failed_is_paid_for_as_well(limited: App, origin: MediaOrigin) -> None:
    """Else somebody with a server of their own could have us fetch without an end."""
    body = in_parts(FILE).body[:-30]
    origin.answer = lambda target: replace(in_parts(FILE), body=body)
    with pytest.raises(errors.LimitExceeded):
        for number in range(10):
            with pytest.raises(errors.Unknown):
                fetch(limited, f"f{number}", user_id="@alice:l.test")
    assert len(origin.asked) == 4


def test_who_says_not_who_they_are_shares_with_others(limited: App, origin: MediaOrigin) -> None:
    origin.answer = lambda target: in_parts(FILE)
    with pytest.raises(errors.LimitExceeded):
        for number in range(10):
            fetch(limited, f"f{number}")
    assert fetch(limited, "f9", user_id="@bob:l.test").size == len(FILE)
