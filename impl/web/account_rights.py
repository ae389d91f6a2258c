"""What some accounts may not do: guests, who is suspended, who is locked. By operation.

C-S API, "Guest Access", "Account locking", "Account suspension". The specification leaves to us
what a suspended user may do, and says what they should be able to: to read, to leave, to log in and
out, to verify their devices, to redact what they said. What remains is closed to them: whatever
others would see, or what would take away how they can be reached. What depends on more than the
path is decided where it is known (services/suspension.py).
"""

from collections.abc import Collection, Sequence

from impl import errors

OPEN_TO_LOCKED = frozenset({"logout", "logout_all"})

# C-S API, "Guest Access": the operations that guests may use.
OPEN_TO_GUESTS = frozenset(
    {
        "getRoomState",
        "getRoomStateWithKey",
        "getEventContext",
        "getOneRoomEvent",
        "getRoomEvents",
        "getMembersByRoom",
        "roomInitialSync",
        "sync",
        "getEvents",
        "getContentAuthed",
        "getContentOverrideNameAuthed",
        "getContentThumbnailAuthed",
        "joinRoomById",
        "leaveRoom",
        "sendMessage",
        "setRoomStateWithKey",
        "sendToDevice",
        "setProfileField",
        "deleteProfileField",
        "getDevices",
        "getDevice",
        "updateDevice",
        "getTokenOwner",
        "uploadKeys",
        "queryKeys",
        "claimKeys",
        # For these a token is optional: a guest's should take nothing away.
        "getPublicRooms",
        "getRoomSummary",
        "getSummaryOfRoom",
    }
)
# Of these, only the display name is theirs to change.
_PROFILE_OPERATIONS = frozenset({"setProfileField", "deleteProfileField"})

CLOSED_TO_SUSPENDED = frozenset(
    {
        # Rooms: to enter them, to make them, to bring others in or send them away.
        "joinRoom",
        "joinRoomById",
        "knockRoom",
        "inviteUser",
        "kick",
        "ban",
        "unban",
        "createRoom",
        "upgradeRoom",
        # What others find.
        "setRoomAlias",
        "deleteRoomAlias",
        "setRoomVisibilityOnDirectory",
        # What others see of somebody.
        "setProfileField",
        "deleteProfileField",
        "setPresence",
        "setTyping",
        # Media is for others to see.
        "createContent",
        "uploadContent",
        "uploadContentToMXC",
        # Contacts may be added, and not removed.
        "delete3pidFromAccount",
        "unbind3pidFromAccount",
    }
)


def check_guest(operation_id: str, path_values: Sequence[str], tolerant: Collection[str]) -> None:
    """Raises GuestAccessForbidden. `tolerant` are the operations that ask nobody who they are."""
    if operation_id not in OPEN_TO_GUESTS and operation_id not in tolerant:
        raise errors.GuestAccessForbidden("guests may not do this")
    if operation_id in _PROFILE_OPERATIONS and path_values[1] != "displayname":
        raise errors.GuestAccessForbidden("guests may only change their display name")


def check_suspended(operation_id: str, path_values: Sequence[str]) -> None:
    """Raises UserSuspended for what is closed whatever it is about."""
    if operation_id in CLOSED_TO_SUSPENDED:
        raise errors.UserSuspended
    if operation_id == "sendMessage" and path_values[1] != "m.room.redaction":
        raise errors.UserSuspended
