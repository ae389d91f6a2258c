"""When a change of a room's members ends that we share a room with a user of another server, their
devices are forgotten: from then on nobody would tell us of changes. services/remote_devices.

In the transaction that ends it, so that whoever comes to share a room again is asked for anew."""

from collections.abc import Sequence

from impl.core import identifiers
from impl.services.room_events.open_room import OpenRoom
from impl.storage import doubtful_devices, remote_devices
from impl.storage.memberships import Member


def forget(room: OpenRoom, members: Sequence[Member], gone: Sequence[str]) -> None:
    """With the COMMIT, after the rows of the members and of those who are `gone` are written."""
    if not (room.head.has_other_servers or room.has_moved_servers):
        return
    parted = [*gone, *(one.user_id for one in members if one.membership != "join")]
    ours = room.app.server_name
    others = [one for one in parted if identifiers.server_name_of(one) != ours]
    if others:
        remote_devices.forget_parted(room.txn, others)
    if len(others) < len(parted):
        remote_devices.forget_room(room.txn, room.room_nid)


def settle(room: OpenRoom) -> None:
    """With the COMMIT, when all members of the room are known at last."""
    doubtful_devices.settle(room.txn, room.room_nid)
