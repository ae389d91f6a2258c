"""Answers of a made-up server in which something is not what it was.

spoil_answers(site, random.Random(seed), "make_join", "send_join")
"""

import json
import random
from typing import Any

from impl.outbound.wire import WireResponse
from tests.services.incoming.site import Site
from tests.services.room_events.elsewhere import ELSEWHERE

STRANGE: list[Any] = [
    *(None, True, 0, -1, 2**53, 1.5, "", "x", "$x", "!x:y", "@x:y", "\0", "\ud800", "x" * 70_000),
    *([], {}, [[]], [{}], [None], {"": {}}, [1] * 1_000, {"a": {"b": [{}]}}),
]


def spoil_answers(site: Site, chance: random.Random, *operations: str) -> None:
    honest = site.network.handlers[ELSEWHERE]

    def answer(origin: str, destination: str, method: str, target: str, body: bytes | None) -> Any:
        response = honest(origin, destination, method, target, body)
        asked = target.split("/")[4] if response is not None and response.status == 200 else ""
        if asked not in operations:
            return response
        spoiled = spoil(chance, json.loads(response.body))
        return WireResponse(200, {}, json.dumps(spoiled).encode())

    site.network.handlers[ELSEWHERE] = answer


def spoil(chance: random.Random, value: Any) -> Any:
    """The same with one thing in it changed, left out or doubled."""
    if not isinstance(value, dict | list) or not value or chance.random() < 0.15:
        return chance.choice(STRANGE)
    spoiled: Any = value.copy()
    key = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
    way = chance.random()
    if way < 0.1:
        del spoiled[key]
    elif way < 0.2 and isinstance(value, list):
        spoiled.insert(chance.randrange(len(value)), value[key])
    else:
        spoiled[key] = spoil(chance, value[key])
    return spoiled
