"""What other servers are to be told of a room's new events, and which of them are in the room. S-S
API, "PDUs".

The stream is the queue (DESIGN 6): an event's place in the timeline says that it is ours to send.
To whom, follows from who was in the room then (services/servers_of_room.py)."""

from collections.abc import Sequence

from impl import breath
from impl.core import identifiers
from impl.services.room_events.open_room import Appended, OpenRoom
from impl.storage import room_servers
from impl.storage.memberships import Member
from impl.storage.room_servers import MemberOfServer

_MEMBER = "m.room.member"
# They were told of the room, or are about to be.
_CONCERNED = ("join", "invite", "knock")


def count_servers(room: OpenRoom, members: Sequence[Member], gone: Sequence[str]) -> None:
    """With the COMMIT, before the rows of the members and of those who are `gone` are written."""
    joined = {member.user_id: member.membership == "join" for member in members}
    moved = [
        MemberOfServer(user_id, server_name, is_joined)
        for user_id, is_joined in breath.between((joined | dict.fromkeys(gone, False)).items())
        if (server_name := _other_server(room, user_id)) is not None
    ]
    if moved:
        room.has_moved_servers = True
        room_servers.change(room.txn, room.room_nid, moved)


def columns(room: OpenRoom, one: Appended) -> tuple[bool, str | None, bool]:
    """Whether the event is ours to send, to whom besides the servers in the room, and whether
    somebody comes by it, to whom or to whose server others are news.
    """
    # Whoever came or went in this transaction may concern any of its events.
    if not (room.head.has_other_servers or room.has_moved_servers):
        return False, None, False
    is_outgoing = one.placed.is_outgoing
    parting_server = _parting_server(room, one) if is_outgoing else None
    return is_outgoing, parting_server, _is_arrival(room, one)


def _is_arrival(room: OpenRoom, one: Appended) -> bool:
    event = one.new.event
    if event.type != _MEMBER or event.content["membership"] != "join":
        return False
    before = room.state_events([event.key], one.placed.state_before)
    return all(was.content["membership"] != "join" for was in before.values())


def _parting_server(room: OpenRoom, one: Appended) -> str | None:
    """That of a user who is put out, or not asked in any more, by somebody else's."""
    event = one.new.event
    if event.type != _MEMBER or event.content["membership"] not in ("leave", "ban"):
        return None
    server_name = _other_server(room, event.state_key or "")
    if server_name is None or server_name == identifiers.server_name_of(event.sender):
        return None
    before = room.state_events([event.key], one.placed.state_before)
    is_concerned = any(was.content["membership"] in _CONCERNED for was in before.values())
    return server_name if is_concerned else None


def _other_server(room: OpenRoom, user_id: str) -> str | None:
    server_name = identifiers.server_name_of(user_id)
    if server_name == room.app.server_name or not identifiers.is_server_name(server_name):
        return None
    return server_name
