"""From the template that a resident server makes to the event that we send. S-S API, "Joining
Rooms".

The template says where in the room's graph the event goes, which only a resident knows. All that
the event says is ours, and what the template says of it must be what we asked for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from impl.app import App
from impl.core import event_builder, identifiers
from impl.core.event import Event
from impl.core.event_builder import Draft, Place
from impl.core.rejection import Malformed
from impl.core.room_version import ROOM_VERSIONS, RoomVersion
from impl.outbound.failures import BadAnswer

# More than any server makes.
REFERENCES_MAX = 20
VOUCHER = "join_authorised_via_users_server"


def own_event(
    app: App, server: str, answer: Mapping[str, Any], draft: Draft, room_id: str
) -> Event:
    """Our membership event at the place that a server's answer gives it, signed.

    Raises BadAnswer for an answer that is about something else, or of a room version that we do not
    know."""
    version = _version(server, answer)
    if not version.can_have(room_id):
        raise BadAnswer(server, "the room is not of the version that it says")
    template = answer.get("event")
    if not isinstance(template, dict):
        raise BadAnswer(server, "its template is not an object")
    content = template.get("content")
    expected = {
        "type": "m.room.member",
        "room_id": room_id,
        "sender": draft.sender,
        "state_key": draft.state_key,
    }
    wrong = [name for name, value in expected.items() if template.get(name) != value]
    if wrong or not isinstance(content, dict):
        raise BadAnswer(server, f"its template has another {(wrong or ['content'])[0]}")
    if content.get("membership") != draft.content["membership"]:
        raise BadAnswer(server, "its template is of another membership")
    voucher = content.get(VOUCHER)
    if draft.content["membership"] == "join" and identifiers.is_user_id(voucher):
        if identifiers.server_name_of(voucher).lower() == app.server_name.lower():
            # Our signature is on the join anyhow, and would be taken for the voucher's.
            raise BadAnswer(server, "its template names a user of ours who is to vouch for it")
        draft = replace(draft, content={**draft.content, VOUCHER: voucher})
    depth = template.get("depth")
    if type(depth) is not int or depth < 0:
        raise BadAnswer(server, "the depth of its template is not a number")
    place = Place(
        room_id,
        version,
        _ids(server, template.get("prev_events"), version),
        _ids(server, template.get("auth_events"), version),
        depth,
    )
    try:
        return event_builder.build(
            replace(draft, names_origin=True),
            place,
            now_ms=app.now_ms(),
            server_name=app.server_name,
            signing_key=app.signing_key,
        )
    except Malformed as error:
        raise BadAnswer(server, f"nothing can be made of its template: {error}") from error


def _version(server: str, answer: Mapping[str, Any]) -> RoomVersion:
    # Servers that are older than room versions name none.
    name = answer.get("room_version", "1")
    version = ROOM_VERSIONS.get(name) if isinstance(name, str) else None
    if version is None:
        raise BadAnswer(server, "the room is of a version that this server does not know")
    return version


def _ids(server: str, references: object, version: RoomVersion) -> list[str]:
    if not isinstance(references, list) or len(references) > REFERENCES_MAX:
        raise BadAnswer(server, "the references of its template are not a short list")
    event_ids = references
    if not version.event_id_is_hash:
        event_ids = [one[0] if isinstance(one, list) and one else None for one in references]
    if not all(identifiers.is_event_id(one) for one in event_ids):
        raise BadAnswer(server, "a reference of its template is not an event id")
    return event_ids
