"""Identifiers and their grammar. Appendices, "Identifier Grammar".

New names are held to the grammar; names that come from elsewhere are held to what the specification
still allows for history's sake, since a check that it does not ask for would split rooms.
"""

import re

BYTES_MAX = 255

_SERVER_NAME = re.compile(
    r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.\-]{1,255})(?::[0-9]{1,5})?", re.ASCII
)
_NEW_LOCALPART = re.compile(r"[a-z0-9._=/+\-]+", re.ASCII)
_HASH = re.compile(r"[A-Za-z0-9_\-]{43}", re.ASCII)
_MEDIA_ID = re.compile(r"[A-Za-z0-9_\-]+", re.ASCII)


def is_server_name(name: object) -> bool:
    """Appendices, "Server Name": a DNS name, an IPv4 address or an IPv6 one in brackets, and
    perhaps a port.
    """
    return isinstance(name, str) and _SERVER_NAME.fullmatch(name) is not None


def is_user_id(user_id: object) -> bool:
    """A user id that may be in a room: history allows any localpart but for NUL, a colon and lone
    surrogates.
    """
    return _is_common(user_id, "@")


def is_compliant_user_id(user_id: str) -> bool:
    """Appendices, "Historical User IDs": one whose localpart is of printable ASCII without spaces;
    others are not to be named to clients but in events.
    """
    localpart = localpart_of(user_id)
    is_printable = all("\x21" <= letter <= "\x7e" for letter in localpart)
    return bool(localpart) and is_printable and is_user_id(user_id)


def is_room_alias(alias: object) -> bool:
    return _is_common(alias, "#") and isinstance(alias, str) and len(alias.split(":", 1)[0]) > 1


def is_room_id(room_id: object) -> bool:
    """With a server name (until room version 11) or a bare hash (since 12)."""
    if not isinstance(room_id, str) or not room_id.startswith("!") or not _is_short(room_id):
        return False
    if ":" not in room_id:
        return _HASH.fullmatch(room_id[1:]) is not None
    return _is_common(room_id, "!")


def is_event_id(event_id: object) -> bool:
    """Of any room version; to be taken as an opaque string."""
    if not isinstance(event_id, str) or len(event_id) < 2 or event_id[0] != "$":
        return False
    return "\0" not in event_id and _is_short(event_id)


def is_named_event_id(event_id: object) -> bool:
    """With a server name, as in room versions 1 and 2."""
    return _is_common(event_id, "$") and is_event_id(event_id)


def is_new_localpart(localpart: str) -> bool:
    """May a user be registered under it? Appendices, "User Identifiers"."""
    return _NEW_LOCALPART.fullmatch(localpart) is not None


def localpart_of(identifier: str) -> str:
    """Between the sigil and the first colon."""
    return identifier[1:].partition(":")[0]


def server_name_of(identifier: str) -> str:
    """After the first colon; '' if there is none."""
    return identifier.partition(":")[2]


def is_mxc_uri(uri: object) -> bool:
    """C-S API, "Matrix Content (`mxc://`) URIs"."""
    if not isinstance(uri, str) or not uri.startswith("mxc://"):
        return False
    server_name, _, media_id = uri[6:].partition("/")
    return is_server_name(server_name) and _MEDIA_ID.fullmatch(media_id) is not None


def _is_short(identifier: str) -> bool:
    try:
        return len(identifier.encode()) <= BYTES_MAX
    except UnicodeEncodeError:
        return False


def _is_common(identifier: object, sigil: str) -> bool:
    if not isinstance(identifier, str) or not identifier.startswith(sigil):
        return False
    localpart, colon, server_name = identifier[1:].partition(":")
    if not colon or "\0" in localpart or not _is_short(identifier):
        return False
    return is_server_name(server_name)
