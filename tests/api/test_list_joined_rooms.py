"""api-specs/client-server/list_joined_rooms.yaml"""

from tests.api.api_client import User
from tests.api.room_actions import act, joined_rooms


def test_joined_rooms_are_those_that_one_is_in_now(alice: User, bob: User) -> None:
    assert joined_rooms(bob) == set()
    first = alice.create_room(preset="public_chat", invite=[bob.user_id])
    second = bob.create_room()
    assert joined_rooms(bob) == {second}
    bob.join(first)
    assert joined_rooms(bob) == {first, second}
    act(bob, second, "leave")
    assert joined_rooms(bob) == {first}
