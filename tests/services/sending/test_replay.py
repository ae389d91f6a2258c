"""A server that missed little is told all of it, once."""

import pytest

from impl.app import App
from impl.services.sending import catch_up
from impl.services.sending.sender import Sender
from tests.builders import a_room
from tests.services.sending.test_outage import (
    DAY_MS,
    ZOE,
    a_dead_server,
    a_shared_room,
    later,
    say,
    until_left_alone,
)
from tests.services.sending.world import World, come, rows_of


def test_what_others_missed_does_not_count(
    app: App, sender: Sender, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "REPLAYED_MAX", 4)
    room_id, elsewhere = a_shared_room(app), a_room(app)
    come(app, elsewhere, ZOE)
    far = a_dead_server(world, app, sender, room_id)
    for number in range(3):
        say(app, sender, room_id, str(number))
        say(app, sender, elsewhere, *(f"elsewhere {more}" for more in range(5)))
    until_left_alone(world, app, sender)
    far.status = 200
    later(world, sender, DAY_MS)
    assert far.bodies == ["first", "0", "1", "2"]


def test_telling_all_that_was_missed_goes_on_where_it_was_cut_short(
    app: App, sender: Sender, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "PDUS_MAX", 2)
    room_id = a_shared_room(app)
    far = a_dead_server(world, app, sender, room_id)
    say(app, sender, room_id, *map(str, range(9)))
    until_left_alone(world, app, sender)
    taken = far.take

    def take(target: str, body: bytes | None) -> object:
        # It takes two, and is gone again.
        far.status = 200 if len(far.transactions) < 3 else None
        return taken(target, body)

    far.take = take  # type: ignore[assignment, method-assign]
    later(world, sender, DAY_MS)
    assert far.bodies == ["first", "0", "1", "2", "3"]
    later(world, sender, 60_000)
    far.take = taken  # type: ignore[method-assign]
    far.status = 200
    later(world, sender, 10 * DAY_MS)
    assert far.bodies == ["first", *map(str, range(9))]
    assert rows_of(app) == {}
