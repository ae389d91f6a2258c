"""Devices of users who are in a room of which not all members are known yet."""

import pytest

from impl.config import Config
from impl.core import canonical_json
from impl.services.remote_history import waiting
from tests.federation import large_rooms
from tests.federation.conftest import Servers
from tests.federation.encrypting import Listener, keys_of, publish
from tests.federation.fake_wire import Network
from tests.federation.large_rooms import A, B, C, a_large_room, is_partial
from tests.federation.test_backfill import join

CLIENT = "/_matrix/client/v3"
LAZY = {"filter": '{"room": {"state": {"lazy_load_members": true}}}'}


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


@pytest.mark.parametrize("query", [{}, LAZY], ids=["all members", "lazy"])
def test_whoever_is_found_to_be_in_the_room_is_told_of(
    new_server: Servers,
    network: Network,
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
    query: dict[str, str],
) -> None:
    a, c = new_server(A), new_server(C)
    b = new_server(B, soma=large_rooms.joining(config, omit_members=True))
    alice, bob = a.register("alice"), b.register("bob")
    room_id, _ = a_large_room(a, c, alice)
    monkeypatch.setattr(waiting, "MOMENT_S", 0.0)
    gate = network.hold(B, A, "/state_ids/")
    since = bob.get(f"{CLIENT}/sync", query).json["next_batch"]
    join(bob, room_id, A)
    gate.wait()
    before = bob.get(f"{CLIENT}/sync", {"since": since, **query}).json
    gate.open()
    large_rooms.settle(b)
    after = bob.get(f"{CLIENT}/sync", {"since": before["next_batch"], **query}).json
    everybody = {f"@{name}:{A}" for name in ("alice", "anna")} | {f"@carol:{C}"}
    assert everybody <= set(after["device_lists"]["changed"])
    window = {"from": before["next_batch"], "to": after["next_batch"]}
    changes = bob.get(f"{CLIENT}/keys/changes", window).json
    assert everybody <= set(changes["changed"])
    # And that was all.
    last = bob.get(f"{CLIENT}/sync", {"since": after["next_batch"], **query}).json
    assert last.get("device_lists", {}).get("changed", []) == []
