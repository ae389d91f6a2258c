"""Ten thousand servers that are not there, in a room of a Soma: what its sender keeps of them in
memory."""

import random
import time

import psycopg2

from tests.bench.peer import processes, servers
from tests.bench.peer.servers import Soma
from tests.synapse.people import Person

DEAD = 10_000
WARM_UP = 500
MESSAGES = 5


def grown_bytes(server: Soma) -> float:
    """How much more memory of its own the sender has for each of them, once it has tried all."""
    user = server.register(f"loner{time.time_ns()}")
    chance = random.Random(user.user_id)
    # Nobody listens on loopback at these.
    names = [f"127.{n // 250 + 10}.{n % 250}.{chance.randint(1, 250)}:9" for n in range(DEAD)]
    # By then all code has run, with as many at a time as there can be.
    _say(server, user, names[:WARM_UP])
    before = processes.private_bytes(server.sender())
    _say(server, user, names[WARM_UP:])
    known = _failing(server)
    assert known >= DEAD, f"only {known} were tried"
    return (processes.private_bytes(server.sender()) - before) / (DEAD - WARM_UP)


def _say(server: Soma, user: Person, names: list[str]) -> None:
    """Some messages in a new room with them."""
    room_id = user.create_room(preset="public_chat")
    _let_in(server, room_id, names)
    for number in range(MESSAGES):
        user.send(room_id, f"message {number}")
        servers.rest(server)


def _let_in(server: Soma, room_id: str, names: list[str]) -> None:
    """As far as sending is concerned: their members' rows are not needed for it."""
    with psycopg2.connect(server.dsn) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO room_servers (room_nid, server_name, joined_count)"
            " SELECT room_nid, name, 1 FROM rooms, unnest(%s::text[]) AS names (name)"
            " WHERE room_id = %s",
            (names, room_id),
        )
        cursor.execute("UPDATE rooms SET has_other_servers = TRUE WHERE room_id = %s", (room_id,))


def _failing(server: Soma) -> int:
    with psycopg2.connect(server.dsn) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM destinations WHERE failing_since_ts IS NOT NULL")
        ((count,),) = cursor.fetchall()
        return int(count)
