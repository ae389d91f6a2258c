"""What users do to each other in rooms, for tests: invite, kick, ban and so on."""

from tests.api.api_client import Answer, User

CLIENT = "/_matrix/client/v3"
UNKNOWN = "!" + "x" * 43


def act(user: User, room_id: str, action: str, target: object = None, **body: object) -> Answer:
    if target is not None:
        body["user_id"] = target.user_id if isinstance(target, User) else target
    return user.post(f"{CLIENT}/rooms/{room_id}/{action}", body)


def member(user: User, room_id: str, target: User) -> dict:
    return user.get(f"{CLIENT}/rooms/{room_id}/state/m.room.member/{target.user_id}").json


def joined_rooms(user: User) -> set[str]:
    return set(user.get(f"{CLIENT}/joined_rooms").json["joined_rooms"])
