"""Ports of servers under test."""

import random
import socket
from pathlib import Path

# Below those that the kernel gives to connections (32768 and up): one of these could be taken by
# anybody's connection between two starts of the server.
FIRST, LAST = 10_240, 32_000


def free_port() -> int:
    # Of its own: hypothesis seeds the common one, and two runs at a time would get the same ports.
    choice = random.SystemRandom()
    while True:
        port = choice.randint(FIRST, LAST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def not_accepted(port: int) -> int:
    """How many connections wait for the server to take them."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        place, state, queues = (line.split()[number] for number in (1, 3, 4))
        if place.endswith(f":{port:04X}") and state == "0A":
            return int(queues.partition(":")[2], 16)
    raise AssertionError("nobody listens")
