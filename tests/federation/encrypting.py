"""People of several servers who encrypt, and a server that is made up and answers for its users'
devices as a test thinks of.

phone = publish(alice)                    the keys of her device (tests/keyring.py)
keys_of(bob, alice.user_id)               what bob's server tells him
listener = Listener(bob); listener.hear() whose keys changed, and who is left
other = KeyServer(network, "other.test", now_ms)
other.put_device("PHONE"); other.tell("a.test", other.update("PHONE"))
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gevent

from impl.core import canonical_json
from impl.outbound.failures import Unreachable
from impl.outbound.wire import WireResponse
from tests.api.api_client import User
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.stranger import Stranger
from tests.keyring import Device, Identity

CLIENT = "/_matrix/client/v3"

Json = dict[str, Any]


def publish(user: User, **more: Any) -> Device:
    """Upload the identity keys of the user's device; `one_time_keys` and so on besides."""
    device = Device(user.user_id, user.device_id)
    answer = user.post(f"{CLIENT}/keys/upload", {"device_keys": device.keys(), **more})
    assert answer.status == 200, answer
    return device


def publish_identity(user: User, generation: int = 1) -> Identity:
    identity = Identity(user.user_id, generation)
    place = f"{CLIENT}/keys/device_signing/upload"
    answer = user.post(place, identity.upload())
    if answer.status == 401:
        auth = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user.user_id},
            "password": user.password,
            "session": answer.json["session"],
        }
        answer = user.post(place, {**identity.upload(), "auth": auth})
    assert answer.status == 200, answer
    return identity


def query(user: User, *user_ids: str, timeout: int | None = None) -> Json:
    body: Json = {"device_keys": {user_id: [] for user_id in user_ids}}
    if timeout is not None:
        body["timeout"] = timeout
    answer = user.post(f"{CLIENT}/keys/query", body)
    assert answer.status == 200, answer
    return answer.json


def keys_of(user: User, user_id: str) -> Json:
    """device_id -> its keys without what is unsigned; everybody who was asked has answered."""
    found = query(user, user_id)
    assert found["failures"] == {}
    return without_unsigned(found["device_keys"][user_id])


def without_unsigned(devices: Json) -> Json:
    return {
        device_id: {name: one for name, one in keys.items() if name != "unsigned"}
        for device_id, keys in devices.items()
    }


def claim(user: User, device: Device, algorithm: str = "signed_curve25519", **more: Any) -> Json:
    """The whole answer."""
    wanted = {device.user_id: {device.device_id: algorithm}}
    answer = user.post(f"{CLIENT}/keys/claim", {"one_time_keys": wanted, **more})
    assert answer.status == 200, answer
    return answer.json


@dataclass
class Listener:
    """A client that syncs."""

    user: User
    since: str = ""

    def __post_init__(self) -> None:
        self.hear()

    def hear(self) -> tuple[list[str], list[str]]:
        """Whose keys changed and who is left, by localpart, since it was last asked."""
        query = {"since": self.since} if self.since else None
        answer = self.user.get(f"{CLIENT}/sync", query)
        assert answer.status == 200, answer
        self.since = answer.json["next_batch"]
        told = answer.json.get("device_lists", {})
        return localparts(told.get("changed", [])), localparts(told.get("left", []))

    def wait_for_change(self, seconds: float = 10.0) -> list[str]:
        """The same of a client that waits."""
        with gevent.Timeout(seconds):
            while True:
                changed, _ = self.hear()
                if changed:
                    return changed
                gevent.sleep(0.01)


def localparts(user_ids: list[str]) -> list[str]:
    return [one[1:].partition(":")[0] for one in user_ids]


class KeyServer(Stranger):
    """Its one user's devices, and the sequence of their changes."""

    def __init__(self, network: Network, name: str, now_ms: Callable[[], int]) -> None:
        super().__init__(network, name, now_ms)
        self.identity = Identity(self.user_id)
        self.has_identity = False
        self.devices: dict[str, Json] = {}
        self.names: dict[str, str] = {}
        self.one_time: Json = {}
        self.sequence = 0
        # Instead of what it would answer; None: as it would.
        self.user_devices: Callable[[Json], object] = lambda answer: answer
        self.keys_query: Callable[[Json], object] = lambda answer: answer
        self.keys_claim: Callable[[Json], object] = lambda answer: answer
        self._transactions = 0

    def put_device(self, device_id: str, **more: object) -> Device:
        device = Device(self.user_id, device_id)
        self.devices[device_id] = device.keys(**more)
        return device

    def update(self, device_id: str, /, *prev_ids: object, **changes: object) -> Json:
        """The next change in the sequence, of a device as it is now, or gone."""
        before, self.sequence = self.sequence, self.sequence + 1
        content: Json = {
            "user_id": self.user_id,
            "device_id": device_id,
            "stream_id": self.sequence,
            "prev_id": list(prev_ids) or ([before] if before else []),
        }
        if device_id in self.devices:
            content["keys"] = self.devices[device_id]
            if device_id in self.names:
                content["device_display_name"] = self.names[device_id]
        else:
            content["deleted"] = True
        return {"edu_type": "m.device_list_update", "content": {**content, **changes}}

    def key_update(self, edu_type: str = "m.signing_key_update", **changes: object) -> Json:
        keys = self.identity.upload("master", "self_signing")
        return {"edu_type": edu_type, "content": {"user_id": self.user_id, **keys, **changes}}

    def tell(self, server: Server, *edus: Json) -> None:
        """In one transaction, which is taken."""
        self._transactions += 1
        body = {"origin": self.name, "origin_server_ts": self.now_ms(), "edus": edus, "pdus": []}
        encoded = canonical_json.encode(body, strict=False)
        self.client.send_transaction(server.name, f"told {self._transactions}", encoded)

    def asked_for(self, part: str) -> int:
        """How many requests with that in their path it was sent."""
        return len([one for one in self._requests() if part in one])

    def _requests(self) -> Iterator[str]:
        for one in self._network.sent:
            if one.destination == self.name:
                yield one.target

    def _answer(
        self, origin: str, destination: str, method: str, target: str, body: bytes | None
    ) -> WireResponse | None:
        if self.is_down:
            raise Unreachable(self.name, "it is down")
        sent = json.loads(body or b"{}")
        if "/user/devices/" in target:
            return _response(self.user_devices(self._user_devices()))
        if target.endswith("/user/keys/query"):
            return _response(self.keys_query(self._keys_query(sent["device_keys"])))
        if target.endswith("/user/keys/claim"):
            return _response(self.keys_claim(self._keys_claim(sent["one_time_keys"])))
        return super()._answer(origin, destination, method, target, body)

    def _user_devices(self) -> Json:
        devices = [
            {"device_id": device_id, "keys": keys, "device_display_name": self.names[device_id]}
            if device_id in self.names
            else {"device_id": device_id, "keys": keys}
            for device_id, keys in self.devices.items()
        ]
        answer: Json = {
            "user_id": self.user_id,
            "stream_id": self.sequence,
            "devices": devices,
        }
        if self.has_identity:
            answer |= self.identity.upload("master", "self_signing")
        return answer

    def _keys_query(self, wanted: Json) -> Json:
        answer: Json = {"device_keys": {user_id: {} for user_id in wanted}}
        if self.user_id in wanted:
            chosen = wanted[self.user_id] or list(self.devices)
            answer["device_keys"][self.user_id] = {
                one: self._with_name(one) for one in chosen if one in self.devices
            }
            if self.has_identity:
                answer["master_keys"] = {self.user_id: self.identity.object("master")}
                own = self.identity.object("self_signing")
                answer["self_signing_keys"] = {self.user_id: own}
        return answer

    def _with_name(self, device_id: str) -> Json:
        name = self.names.get(device_id)
        if not isinstance(self.devices[device_id], dict):
            return self.devices[device_id]
        unsigned = {} if name is None else {"unsigned": {"device_display_name": name}}
        return {**self.devices[device_id], **unsigned}

    def _keys_claim(self, wanted: Json) -> Json:
        return {"one_time_keys": {self.user_id: self.one_time}}


def _response(answer: object) -> WireResponse:
    if isinstance(answer, WireResponse):
        return answer
    return WireResponse(200, {}, json.dumps(answer).encode())
