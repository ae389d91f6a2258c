"""Knocking on a room that this server is not in. S-S API, "Knocking upon a room"."""

from collections.abc import Mapping, Sequence
from typing import Any

from impl.app import App
from impl.core import stripped_state
from impl.core.event_builder import Draft
from impl.core.room_version import ROOM_VERSIONS
from impl.services import out_of_band
from impl.services.remote_membership import asking, template


def knock(
    app: App, user_id: str, room_id: str, content: Mapping[str, Any], servers: Sequence[str]
) -> None:
    """Ask, through one of some servers, to be let in. Raises what `asking.first` raises."""
    draft = Draft("m.room.member", user_id, dict(content), state_key=user_id)
    asking.to_its_end(app, lambda: _knock(app, room_id, draft, servers))


def _knock(app: App, room_id: str, draft: Draft, servers: Sequence[str]) -> None:
    told = asking.first(
        servers, f"knocking on {room_id}", lambda server: _through(app, server, room_id, draft)
    )
    out_of_band.keep(app, told)


def _through(app: App, server: str, room_id: str, draft: Draft) -> out_of_band.Told:
    versions = [name for name, version in ROOM_VERSIONS.items() if version.knock]
    answer = app.federation.make_knock(server, room_id, draft.sender, versions)
    event = template.own_event(app, server, answer, draft, room_id)
    answer = app.federation.send_knock(server, room_id, event.event_id, event.pdu)
    shown = stripped_state.read(answer.get("knock_room_state"))
    return out_of_band.Told(event, server, shown)
