"""What an administrator keeps out: servers, and rooms that are too large."""

from impl.config import SomaSettings
from impl.config.federation import LimitRemoteRooms, SomaFederation
from tests.federation.conftest import Server, Servers
from tests.federation.fake_wire import Network
from tests.federation.test_joining import CLIENT, join, state_ids


def a_large_room(a: Server) -> tuple[object, str]:
    alice = a.register("alice")
    state = [{"type": "org.test", "state_key": str(n), "content": {}} for n in range(60)]
    return alice, alice.create_room(preset="public_chat", initial_state=state)


def test_a_room_that_is_too_large_is_not_joined(new_server: Servers, network: Network) -> None:
    a = new_server("a.test")
    limit = LimitRemoteRooms(enabled=True, complexity=0.1, complexity_error="too large")
    b = new_server("b.test", limit_remote_rooms=limit)
    alice, room_id = a_large_room(a)
    answer = join(b.register("bob"), room_id, "a.test")
    assert (answer.status, answer.errcode) == (400, "M_RESOURCE_LIMIT_EXCEEDED")
    assert answer.json["error"] == "too large"
    assert not network.requests("b.test", "a.test", "make_join")
    small = alice.create_room(preset="public_chat")
    assert join(b.register("berta"), small, "a.test").status == 200
    # With its members, which count.
    (sent,) = network.requests("b.test", "a.test", "send_join")
    assert sent.target.endswith("?omit_members=false")


def test_a_room_that_turns_out_to_be_too_large_is_left(
    new_server: Servers, network: Network
) -> None:
    a = new_server("a.test")
    b = new_server("b.test", limit_remote_rooms=LimitRemoteRooms(enabled=True, complexity=0.1))
    _, room_id = a_large_room(a)
    bob = b.register("bob")
    network.drop_next("b.test", "a.test")  # a does not say how large it is.
    answer = join(bob, room_id, "a.test")
    assert (answer.status, answer.errcode) == (400, "M_RESOURCE_LIMIT_EXCEEDED")
    assert bob.get(f"{CLIENT}/joined_rooms").json["joined_rooms"] == []


def test_administrators_may_join_where_they_are_let(new_server: Servers) -> None:
    a = new_server("a.test")
    limit = LimitRemoteRooms(enabled=True, complexity=0.1, admins_can_join=True)
    b = new_server("b.test", limit_remote_rooms=limit)
    alice, room_id = a_large_room(a)
    bob = b.register("bob")
    with b.app.database.transaction() as txn:
        txn.execute("UPDATE users SET is_admin = TRUE WHERE user_id = %s", (bob.user_id,))
    b.app.tokens.clear()
    assert join(bob, room_id, "a.test").status == 200
    assert state_ids(bob, room_id) == state_ids(alice, room_id)


def test_a_blocked_server_is_neither_asked_nor_answered(
    new_server: Servers, network: Network
) -> None:
    a = new_server("a.test")
    blocking = SomaFederation(blocked_servers=("*.bad.test", "b.*"))
    b = new_server("b.test")
    soma = SomaSettings(data_dir=a.app.config.soma.data_dir, federation=blocking)
    c = new_server("c.test", soma=soma)
    alice, carol = a.register("alice"), c.register("carol")
    room_id = alice.create_room(preset="public_chat")
    assert join(carol, room_id, "a.test").status == 200
    theirs = b.register("bob").create_room(preset="public_chat")
    assert join(carol, theirs, "b.test").status == 502
    assert not network.requests("c.test", "b.test")
    ours = carol.create_room(preset="public_chat")
    answer = join(b.register("berta"), ours, "c.test")
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
