"""People who leave a dehydrated device behind, and what others see of it."""

import itertools
from typing import Any
from urllib.parse import quote

from tests.api.api_client import Answer, User
from tests.keyring import Device, Json

V3 = "/_matrix/client/v3"
PLACE = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device"
NAME = "signed_curve25519"
# Public keys in Base64, as clients name such devices: what a path may not hold is in it.
ONE = "Pi/BRSNKk+m8z/rC6yk2/ZrcJhzpLcJ4KQ5ZIWgrCFo"
OTHER = "KIlkXDVTpXdECY8kIO6cS0u/T4GKIf+2Ufg9Ihv3nTI"
_txn_ids = itertools.count()

DATA = {"algorithm": "org.matrix.msc3814.v2", "device_pickle": "c2VjcmV0", "nonce": "bm9uY2U"}


def body_of(user: User, device_id: str = ONE, **change: Any) -> Json:
    device = Device(user.user_id, device_id)
    return {
        "device_id": device_id,
        "device_data": DATA,
        "initial_device_display_name": "Dehydrated device",
        "device_keys": device.keys(dehydrated=True),
        "one_time_keys": device.one_time("A", "B"),
        "fallback_keys": device.fallback("F"),
        **change,
    }


def leave(user: User, device_id: str = ONE, **change: Any) -> Json:
    body = body_of(user, device_id, **change)
    answer = user.put(PLACE, body)
    assert (answer.status, answer.json) == (200, {"device_id": device_id}), answer
    return body


def place_of_events(device_id: str = ONE) -> str:
    return f"{PLACE}/{quote(device_id, safe='')}/events"


def send(user: User, other: User, *numbers: int, device_id: str = ONE) -> None:
    for number in numbers:
        messages = {other.user_id: {device_id: {"n": number}}}
        answer = user.put(f"{V3}/sendToDevice/m.test/{next(_txn_ids)}", {"messages": messages})
        assert answer.status == 200, answer


def numbers_of(answer: Answer) -> list[int]:
    assert answer.status == 200, answer
    return [event["content"]["n"] for event in answer.json["events"]]


def sync(user: User, since: str | None = None) -> Json:
    answer = user.get(f"{V3}/sync", {"since": since} if since else None)
    assert answer.status == 200, answer
    return answer.json


def changed(user: User, since: str) -> list[str]:
    return sync(user, since).get("device_lists", {}).get("changed", [])


def keys_of(viewer: User, user: User) -> Json:
    answer = viewer.post(f"{V3}/keys/query", {"device_keys": {user.user_id: []}})
    assert answer.status == 200, answer
    return answer.json["device_keys"][user.user_id]


def claim(viewer: User, user: User, device_id: str = ONE) -> Json:
    wanted = {user.user_id: {device_id: NAME}}
    answer = viewer.post(f"{V3}/keys/claim", {"one_time_keys": wanted})
    assert answer.status == 200, answer
    return answer.json["one_time_keys"].get(user.user_id, {}).get(device_id, {})


def devices_of(user: User) -> Json:
    found = user.get(f"{V3}/devices").json["devices"]
    return {one["device_id"]: one for one in found}


def log_in(user: User, device_id: str | None = None) -> User:
    """On one more device."""
    name = {"type": "m.id.user", "user": user.user_id}
    body = {"type": "m.login.password", "identifier": name, "password": user.password}
    made = user.api.post(f"{V3}/login", {**body, "device_id": device_id}).json
    return User(user.api, user.user_id, made["access_token"], made["device_id"], user.password)


def proof(user: User) -> Json:
    name = {"type": "m.id.user", "user": user.user_id}
    return {"auth": {"type": "m.login.password", "identifier": name, "password": user.password}}


def refused(answer: Answer, status: int, errcode: str, named: str = "") -> None:
    assert (answer.status, answer.errcode) == (status, errcode), answer
    assert named in answer.json["error"]
