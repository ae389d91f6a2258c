"""python -m tests.bench.keys: what keys cost, on its own PostgreSQL.

A claim of one key, and of one from each of nine people; a query of 100 people with two devices each
and cross-signing, half of whom the asker has vouched for. From what was asked to the body of the
answer, in CPU of this process and of the database's; ends with 1 where this process is beyond its
limit."""

from gevent import monkey

monkey.patch_all()

import itertools
import sys
import time
from collections.abc import Callable

from impl.app import App
from impl.services import cross_signing, device_keys
from impl.storage import accounts
from impl.storage.accounts import Account
from impl.web.response import encode_json
from tests.bench.measuring import Table
from tests.bench.rooms import an_app, user
from tests.bench.to_device import database_cpu_ms
from tests.builders import a_requester
from tests.keyring import Device, Identity

PEOPLE = 100
DEVICES = ("DEVICE", "OTHER")
UPLOADED = 20
ROUNDS = 200
NAME = "signed_curve25519"


def people(app: App) -> list[Device]:
    """All with keys; the first has vouched for half of them."""
    devices: list[Device] = []
    for number in range(PEOPLE):
        user_id = user(number)
        with app.database.transaction() as txn:
            accounts.insert(txn, Account(user_id, None, False, False, False, None), 0)
            for device_id in DEVICES:
                txn.execute(
                    "INSERT INTO devices (user_id, device_id, display_name, created_ts)"
                    " VALUES (%s, %s, 'a telephone', 0)",
                    (user_id, device_id),
                )
        identity = Identity(user_id)
        cross_signing.upload(app, a_requester(user_id), identity.upload())
        for device_id in DEVICES:
            device = Device(user_id, device_id)
            keys = identity.sign(device.keys(), "self_signing")
            asker = a_requester(user_id, device_id=device_id)
            device_keys.upload(app, asker, keys, None, None)
            devices.append(device)
    ours = Identity(user(0))
    signed = {}
    for number in range(1, PEOPLE, 2):
        theirs = Identity(user(number))
        master = ours.sign(theirs.object("master"), "user_signing")
        signed[user(number)] = {theirs.public("master"): master}
    assert cross_signing.sign(app, a_requester(user(0)), signed) == {}
    return devices


def measure(table: Table, what: str, act: Callable[[], object], limit: float) -> None:
    before, began = database_cpu_ms(), time.process_time()
    for _ in range(ROUNDS):
        encode_json(act())
    own = (time.process_time() - began) / ROUNDS
    databases = (database_cpu_ms() - before) / ROUNDS
    table.row(f"{what} (database {databases:.2f} ms)", own, limit)


def main() -> None:
    table = Table()
    with an_app() as app:
        devices = people(app)
        names = itertools.count()

        def upload(device: Device) -> object:
            keys = device.one_time(*(str(next(names)) for _ in range(UPLOADED)))
            asker = a_requester(device.user_id, device_id=device.device_id)
            return device_keys.upload(app, asker, None, keys, None)

        for device in devices[:20]:
            for _ in range(ROUNDS // UPLOADED + 2):
                upload(device)
        first = devices[0]
        one = {first.user_id: {first.device_id: NAME}}
        ten = {device.user_id: {device.device_id: NAME} for device in devices[2:20:2]}
        everybody: dict[str, list[str]] = {user(number): [] for number in range(PEOPLE)}
        asker = a_requester(user(0))
        measure(table, "claim of one key", lambda: device_keys.claim(app, one), 0.0006)
        measure(table, "claim of nine", lambda: device_keys.claim(app, ten), 0.0009)

        def query() -> object:
            return device_keys.query(app, asker, everybody)

        def query_anew() -> object:
            for listener in app.news.listeners:
                listener(None)
            return query()

        measure(table, "query of 100", query, 0.0008)
        measure(table, "the same by a worker that knows none", query_anew, 0.0030)
    sys.exit(0 if table.is_within else 1)


if __name__ == "__main__":
    main()
