"""What devices do with keys, for tests of the services. Users are made by tests/to_device.py."""

from typing import Any

from impl.app import App
from impl.services import cross_signing, device_keys
from impl.services.sync import sync as syncing
from impl.services.sync.request import Question
from tests.builders import a_requester
from tests.keyring import Device, Identity, Json
from tests.services.sync_client import plain


def publish(app: App, device: Device, **keys: Any) -> dict[str, int]:
    """Upload `one_time` and `fallback` keys, or the device's identity keys where none are given."""
    requester = a_requester(device.user_id, device_id=device.device_id)
    identity = keys.pop("identity", None if keys else device.keys())
    return device_keys.upload(app, requester, identity, keys.get("one_time"), keys.get("fallback"))


def publish_identity(app: App, identity: Identity, *usages: str) -> None:
    cross_signing.upload(app, a_requester(identity.user_id), identity.upload(*usages))


def query(app: App, viewer: str, **wanted: list[str]) -> Json:
    """By localpart; from a worker that has heard what others committed."""
    app.news.catch_up_if_behind()
    asked = {f"@{name}:soma.test": device_ids for name, device_ids in wanted.items()}
    return plain(device_keys.query(app, a_requester(viewer), asked))


def claim(app: App, device: Device, algorithm: str = "signed_curve25519") -> str | None:
    """The name of the key that one gets."""
    keys, failures = device_keys.claim(app, {device.user_id: {device.device_id: algorithm}})
    assert not failures
    found = plain(keys).get(device.user_id, {}).get(device.device_id, {})
    assert len(found) <= 1
    return next(iter(found), None)


def hear(app: App, user_id: str, device_id: str = "DEVICE", since: str | None = None) -> Json:
    """An answer of /sync, from a worker that has heard what others committed."""
    app.news.catch_up_if_behind()
    requester = a_requester(user_id, device_id=device_id)
    return plain(syncing.answer(app, requester, Question(since=since)))
