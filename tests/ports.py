"""A port for a server under test."""

import random
import socket

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
