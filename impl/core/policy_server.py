"""m.room.policy: whom a room asks before an event counts as recommended, and whether they have
signed it. S-S API, "Policy Servers"; C-S API, the same title.

The key stands in the room's state, not among those that the server publishes, so that nobody need
be reached to look at a signature."""

from dataclasses import dataclass
from typing import Any

from impl.core import identifiers, signing
from impl.core.event import Event
from impl.core.rejection import Malformed
from impl.core.unpadded_base64 import decode_base64

POLICY = ("m.room.policy", "")
KEY_ID = "ed25519:policy_server"
VERIFY_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class PolicyServer:
    """By what a room's state says. It counts while somebody of that server is in the room."""

    server_name: str
    verify_key: bytes

    def has_signed(self, event: Event) -> bool:
        """Whether the event bears its signature."""
        try:
            signing.verify_event(
                event.pdu, event.room_version, self.server_name, KEY_ID, self.verify_key
            )
        except Malformed:
            return False
        return True


def read(content: dict[str, Any]) -> PolicyServer | None:
    """None for content that names no policy server."""
    via, keys = content.get("via"), content.get("public_keys")
    text = keys.get("ed25519") if isinstance(keys, dict) else None
    if not isinstance(via, str) or not identifiers.is_server_name(via) or not isinstance(text, str):
        return None
    try:
        verify_key = decode_base64(text)
    except Malformed:
        return None
    if len(verify_key) != VERIFY_KEY_BYTES:
        return None
    return PolicyServer(via, verify_key)


def is_exempt(event_type: str, state_key: str | None) -> bool:
    """The event that says who it is: so that a room gets rid of one that does not answer."""
    return (event_type, state_key) == POLICY


def signature_in(answer: dict[str, Any], server_name: str) -> str | None:
    """The signature in what a policy server answers; None where it gave none."""
    of_server = answer.get(server_name)
    signature = of_server.get(KEY_ID) if isinstance(of_server, dict) else None
    return signature if isinstance(signature, str) else None


def with_signature(event: Event, server_name: str, signature: str) -> Event:
    """The same event with that signature besides those that it has, which may be of this server
    too.
    """
    signatures = event.pdu["signatures"]
    of_server = {**signatures.get(server_name, {}), KEY_ID: signature}
    pdu = {**event.pdu, "signatures": {**signatures, server_name: of_server}}
    return Event(pdu, event.room_version, event.event_id)
