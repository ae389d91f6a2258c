"""Answers to joins in which something is not what it was: whatever it is, nothing of ours breaks,
and who is in a room afterwards is in one that holds together.
"""

import random

import pytest

from tests.api.api_client import User
from tests.federation import rooms
from tests.services.incoming.site import Site
from tests.services.remote_membership.resident import Resident, join
from tests.services.room_events.elsewhere import a_room_of_theirs
from tests.services.spoiling import spoil_answers

ROUNDS = 40


@pytest.mark.parametrize("seed", range(3))
def test_nothing_breaks_over_an_answer(bob: User, site: Site, seed: int) -> None:
    chance = random.Random(seed)
    statuses = []
    for number in range(ROUNDS):
        resident = Resident(
            site, a_room_of_theirs(chance.choice(["1", "6", "11", "12"]), f"r{number}")
        )
        operation = chance.choice(["make_join", "send_join"])
        spoil_answers(site, chance, operation)
        answer = join(bob, resident.room_id)
        statuses.append(answer.status)
        assert answer.status in (200, 403, 404, 429, 502), (number, answer)
        if answer.status == 200:
            assert rooms.membership(bob, resident.room_id, bob.user_id) == "join"
            assert rooms.say(bob, resident.room_id, "here")
    # Not all of it matters, and much does.
    assert 200 in statuses and 502 in statuses
