"""Messages to devices of other servers' users. S-S API, "Send-to-device messaging".

They are written as the EDUs that they become, in the transaction of the request, and wait for their
server until it has taken them (sending/post.py) or is gone for good (jobs/to_device.py)."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.core.rejection import Malformed
from impl.services.sending import wire_forms
from impl.storage import outgoing

# An EDU has at least one message, and no more once it is as large as this: other servers take no
# longer ones than events are.
EDU_BYTES_MAX = 60_000

# user_id -> device_id or "*" -> content as JSON.
Contents = Mapping[str, Mapping[str, str]]
_Piece = dict[str, dict[str, Any]]


def put(app: App, txn: Any, sender: str, message_type: str, contents: Contents) -> None:
    """With the COMMIT. Raises InvalidParam for what cannot be sent to other servers."""
    of_server: dict[str, dict[str, Mapping[str, str]]] = {}
    for user_id, of_user in contents.items():
        server_name = identifiers.server_name_of(user_id)
        if app.is_federated_with(server_name):
            of_server.setdefault(server_name, {})[user_id] = of_user
    edus = [
        (server_name, _edu(sender, message_type, piece))
        for server_name, of_users in sorted(of_server.items())
        for piece in _pieces(of_users)
    ]
    if edus:
        outgoing.put_to_device(txn, edus, app.now_ms())


def _pieces(contents: Contents) -> Iterator[_Piece]:
    piece: _Piece = {}
    size = 0
    for user_id, of_user in contents.items():
        for device_id, content in of_user.items():
            if piece and size + len(content) > EDU_BYTES_MAX:
                yield piece
                piece, size = {}, 0
            piece.setdefault(user_id, {})[device_id] = msgspec.json.decode(content)
            size += len(user_id) + len(device_id) + len(content.encode())
    if piece:
        yield piece


def _edu(sender: str, message_type: str, messages: _Piece) -> str:
    content = {
        "sender": sender,
        "type": message_type,
        # By it the other server knows what it has already.
        "message_id": secrets.token_urlsafe(16),
        "messages": messages,
    }
    try:
        return wire_forms.edu_of("m.direct_to_device", content).decode()
    except Malformed as error:
        raise errors.InvalidParam(f"messages: {error}") from error
