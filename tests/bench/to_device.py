"""python -m tests.bench.to_device [DEVICES ...]: what one request with a message for each of many
devices costs, and what a device then pays to hear of it.

CPU of this process and of the database's; contents of a kilobyte, each its own, as keys of a room
are sent."""

from gevent import monkey

monkey.patch_all()

import sys
import time
from pathlib import Path

from impl.app import App
from impl.services import to_device
from impl.services.sync import sync
from impl.services.sync.request import Question
from impl.storage import accounts
from impl.storage.accounts import Account
from tests import builders
from tests.bench.rooms import an_app, cpu_ms
from tests.builders import ALICE

SIZES = (20, 250, 1_000)
ROUNDS = 10
DEVICES_EACH = 4
CONTENT = {"algorithm": "m.olm.v1.curve25519-aes-sha2", "ciphertext": "x" * 1_000}
TICKS_PER_MS = 0.1  # USER_HZ is 100.


def database_cpu_ms() -> float:
    """CPU of all processes of this user's PostgreSQL that now run."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name == "postgres":
            fields = rest.split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_MS


def people(app: App, size: int) -> list[tuple[str, str]]:
    """So many devices, four to a person."""
    found: list[tuple[str, str]] = []
    with app.database.transaction() as txn:
        for number in range(size // DEVICES_EACH):
            user_id = f"@of{size}.{number}:{builders.SERVER_NAME}"
            accounts.insert(txn, Account(user_id, None, False, False, False, None), 0)
            for device in range(DEVICES_EACH):
                device_id = f"DEVICE{device}"
                txn.execute(
                    "INSERT INTO devices (user_id, device_id, created_ts) VALUES (%s, %s, 0)",
                    (user_id, device_id),
                )
                found.append((user_id, device_id))
    return found


def measure(app: App, size: int) -> str:
    addresses = people(app, size)
    sender = builders.a_requester(ALICE)
    own = databases = 0.0
    for round_number in range(ROUNDS):
        messages: dict[str, dict[str, dict[str, object]]] = {}
        for user_id, device_id in addresses:
            content = {**CONTENT, "for": f"{user_id} {device_id} {round_number}"}
            messages.setdefault(user_id, {})[device_id] = content
        before, started = database_cpu_ms(), time.process_time()
        to_device.send(app, sender, "m.room.encrypted", f"{size}.{round_number}", messages)
        own += cpu_ms(started)
        databases += database_cpu_ms() - before
    app.news.catch_up()
    user_id, device_id = addresses[0]
    asker = builders.a_requester(user_id, device_id=device_id)
    since = sync.answer(app, asker, Question())["next_batch"]
    started = time.process_time()
    for number in range(ROUNDS):
        to_device.send(app, sender, "m.x", f"{size} {number}", {user_id: {device_id: CONTENT}})
        app.news.catch_up()
        answer = sync.answer(app, asker, Question(since=since))
        assert len(answer["to_device"]["events"]) == 1
        since = answer["next_batch"]
    one = cpu_ms(started)
    return (
        f"| {size} | {own / ROUNDS:.1f} | {databases / ROUNDS:.0f} |"
        f" {(own + databases) / ROUNDS:.0f} | {one / ROUNDS:.2f} |"
    )


def main() -> None:
    sizes = [int(one) for one in sys.argv[1:]] or SIZES
    print("| devices | CPU ms here | CPU ms in the database | both | one sent and heard, CPU ms |")
    print("|---:|---:|---:|---:|---:|")
    with an_app() as app:
        for size in sizes:
            print(measure(app, size), flush=True)


if __name__ == "__main__":
    main()
