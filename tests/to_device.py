"""People with devices who send to them and sync, for tests of send-to-device messages."""

import itertools
from collections.abc import Iterable
from typing import Any

from impl.app import App
from impl.services import accounts, sessions, to_device
from impl.services.sessions import DeviceWish
from impl.services.sync import sync as syncing
from impl.services.sync.request import Question
from tests.builders import a_requester
from tests.services.sync_client import plain

_txn_ids = map(str, itertools.count())


def a_person(app: App, name: str, *device_ids: str) -> str:
    """A new user with these devices."""
    user_id = accounts.register_user(app, name, None)
    for device_id in device_ids:
        log_in(app, user_id, device_id)
    return user_id


def log_in(app: App, user_id: str, device_id: str) -> None:
    sessions.begin(app, user_id, DeviceWish(device_id))


def log_out(app: App, user_id: str, device_id: str) -> None:
    sessions.log_out(app, a_requester(user_id, device_id=device_id))


def send(
    app: App,
    sender: str,
    messages: dict[str, dict[str, dict[str, Any]]],
    message_type: str = "m.test",
    txn_id: str | None = None,
    device_id: str = "DEVICE",
) -> None:
    requester = a_requester(sender, device_id=device_id)
    to_device.send(app, requester, message_type, txn_id or next(_txn_ids), messages)


def send_numbers(app: App, sender: str, user_id: str, device_id: str, numbers: range) -> None:
    """A message each."""
    for number in numbers:
        send(app, sender, {user_id: {device_id: {"n": number}}})


def hear(
    app: App, user_id: str, device_id: str, since: str | None = None, **question: Any
) -> tuple[list[dict[str, Any]], str]:
    """One sync of a device: its messages, and the next token."""
    app.news.catch_up_if_behind()
    asker = a_requester(user_id, device_id=device_id)
    answer = plain(syncing.answer(app, asker, Question(since=since, **question)))
    return answer["to_device"]["events"], answer["next_batch"]


def numbers(events: Iterable[dict[str, Any]]) -> list[int]:
    return [event["content"]["n"] for event in events]


def stored(app: App) -> list[tuple[str, str]]:
    """Whom all messages that are kept wait for, in order."""
    with app.database.read() as txn:
        txn.execute("SELECT user_id, device_id FROM to_device_messages ORDER BY position, 1, 2")
        return txn.fetchall()
