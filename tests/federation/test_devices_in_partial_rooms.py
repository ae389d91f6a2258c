"""Devices of users who are in a room of which not all members are known yet."""

from collections.abc import Callable

import pytest

from impl.config import Config
from impl.core import canonical_json
from impl.services.remote_history import waiting
from tests.federation import large_rooms
from tests.federation.conftest import Server
from tests.federation.encrypting import Listener, keys_of, publish
from tests.federation.fake_wire import Network
from tests.federation.large_rooms import A, B, C, a_large_room, is_partial
from tests.federation.test_backfill import join

Servers = Callable[..., Server]


def test_what_changes_before_the_members_are_known_is_told_afterwards(
    new_server: Servers, network: Network, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, c = new_server(A), new_server(C)
    b = new_server(B, soma=large_rooms.joining(config, omit_members=True))
    alice, bob = a.register("alice"), b.register("bob")
    room_id, (_, carol, _) = a_large_room(a, c, alice)
    monkeypatch.setattr(waiting, "MOMENT_S", 0.0)
    gate = network.hold(B, A, "/state_ids/")
    join(bob, room_id, A)
    gate.wait()
    assert is_partial(b, room_id)
    phone = publish(carol)
    content = {
        "user_id": carol.user_id,
        "device_id": phone.device_id,
        "stream_id": 1,
        "keys": phone.keys(),
    }
    edu = {"edu_type": "m.device_list_update", "content": content}
    body = {"origin": C, "origin_server_ts": 1, "pdus": [], "edus": [edu]}
    c.app.federation.send_transaction(B, "told", canonical_json.encode(body))
    listener = Listener(bob)
    assert is_partial(b, room_id)
    gate.open()
    large_rooms.settle(b)
    assert not is_partial(b, room_id)
    assert "carol" in listener.hear()[0]
    assert keys_of(bob, carol.user_id) == {phone.device_id: phone.keys()}
