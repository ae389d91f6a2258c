"""A hundred things that people do at random on servers that lose each other again and again. In the
end all servers are of one mind, event by event, and nothing that was said is lost.

SOMA_SYNAPSE_SEEDS and SOMA_SYNAPSE_ACTIONS make it longer: "1-50", "300"."""

import os
from collections.abc import Callable

import pytest

from tests.synapse.dialogue import Dialogue
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Person

FIRST, LAST = map(int, os.environ.get("SOMA_SYNAPSE_SEEDS", "1-2").split("-"))
ACTIONS = int(os.environ.get("SOMA_SYNAPSE_ACTIONS", "100"))
VERSIONS = ["12", "11", "2", "10", "6", "1", "9", "4"]


@pytest.mark.parametrize("seed", range(FIRST, LAST + 1))
def test_two_servers_come_to_one_mind(
    pair: tuple[Homeserver, Homeserver], person: Callable[..., Person], seed: int
) -> None:
    hold(list(pair), person, seed)


@pytest.mark.parametrize("seed", range(FIRST, LAST + 1))
def test_three_servers_come_to_one_mind(
    pair: tuple[Homeserver, Homeserver],
    other_synapse: Homeserver,
    person: Callable[..., Person],
    seed: int,
) -> None:
    hold([*pair, other_synapse], person, seed)


def hold(servers: list[Homeserver], person: Callable[..., Person], seed: int) -> None:
    dialogue = Dialogue(servers, person, seed, VERSIONS[seed % len(VERSIONS)])
    try:
        for _ in range(ACTIONS):
            dialogue.act()
        dialogue.settle()
    except AssertionError:
        print(dialogue.log)
        raise
