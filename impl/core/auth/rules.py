"""May this event be in its room? Rooms, "Authorisation rules"; S-S API, "Checks performed on
receipt of a PDU".

Two questions. `check_state_independent` looks at the event and at the events that it cites; its
answer never changes. `check_state_dependent` looks at a state, and is asked up to three times: of
the state that the event cites, the state before it, and the current one. Both return or raise
Rejected with the rule that was broken.
"""

from collections.abc import Collection, Mapping

from impl.core import identifiers
from impl.core.auth import create as create_rules
from impl.core.auth import member as member_rules
from impl.core.auth import power_levels as power_levels_rules
from impl.core.auth import selection
from impl.core.auth.selection import CREATE, StateKey
from impl.core.auth.state import AuthState
from impl.core.event import Event
from impl.core.rejection import Rejected


def check_state_independent(
    event: Event, auth_events: Mapping[str, Event], rejected: Collection[str] = ()
) -> None:
    """The create event's rule, and the rules about what an event cites.

    `auth_events` are by id; `rejected` are ids of those among them that were rejected, and of the
    room's create event if that was.
    """
    if event.type == "m.room.create":
        create_rules.check(event)
        return

    version = event.room_version
    # Since version 12: the create event that the room id names was accepted.
    if version.room_id_is_create_hash and "$" + event.room_id[1:] in rejected:
        raise Rejected("the m.room.create event of the room was rejected")

    wanted = set(
        selection.auth_types(version, event.type, event.sender, event.state_key, event.content)
    )
    seen: set[StateKey] = set()
    for event_id in event.auth_event_ids:
        auth_event = auth_events.get(event_id)
        if auth_event is None:
            raise Rejected(f"the auth event {event_id} is not known")
        if not auth_event.is_state:
            raise Rejected(f"the auth event {event_id} is not state")
        # Each key once.
        if auth_event.key in seen:
            raise Rejected(f"two auth events are {auth_event.key}")
        seen.add(auth_event.key)
        # Nothing but what the selection gives.
        if auth_event.key not in wanted:
            raise Rejected(f"{auth_event.key} does not belong among the auth events")
        if event_id in rejected:
            raise Rejected(f"the auth event {event_id} was rejected")
        if auth_event.room_id != event.room_id:
            raise Rejected(f"the auth event {event_id} is of another room")

    if not version.room_id_is_create_hash and CREATE not in seen:
        raise Rejected("m.room.create is not among the auth events")


def check_state_dependent(event: Event, state: Mapping[StateKey, Event]) -> None:
    """The rules about what may be done in a state; it holds the create event in all versions."""
    if event.type == "m.room.create":
        return  # Its rule looks at no state.

    version = event.room_version
    auth_state = AuthState(state, version)
    _check_room(event, auth_state.create())

    # Until version 5: a server sets aliases under its own name.
    if event.type == "m.room.aliases" and version.aliases_are_special:
        _check_aliases(event)
        return

    if event.type == "m.room.member":
        member_rules.check(event, auth_state)
        return

    # Only who is in the room.
    if auth_state.membership(event.sender) != "join":
        raise Rejected("the sender is not in the room")

    levels = auth_state.power_levels()
    sender_level = levels.user(event.sender)

    if event.type == "m.room.third_party_invite":
        if sender_level < levels.invite:
            raise Rejected("the sender does not have enough power to invite")
        return

    # The level of the event's type.
    if sender_level < levels.event(event.type, is_state=event.is_state):
        raise Rejected(f"the sender does not have enough power to send {event.type}")

    # A state key that is a user is that user's.
    state_key = event.state_key
    if state_key is not None and state_key.startswith("@") and state_key != event.sender:
        raise Rejected("the state key is another user")

    if event.type == "m.room.power_levels":
        power_levels_rules.check(event, auth_state)
    elif event.type == "m.room.redaction" and version.redactions_need_power:
        _check_redaction(event, sender_level, levels.redact)


def _check_room(event: Event, create: Event) -> None:
    # Since version 12 the room id names the create event; before, the two say the same room.
    if event.room_id != create.room_id:
        raise Rejected("the event is of another room than its m.room.create")
    # A room that does not federate is for its own server.
    if create.content.get("m.federate") is False:
        home = identifiers.server_name_of(create.sender)
        if identifiers.server_name_of(event.sender) != home:
            raise Rejected("the room is not federated")


def _check_aliases(event: Event) -> None:
    if event.state_key is None:
        raise Rejected("m.room.aliases without a state key")
    if event.state_key != identifiers.server_name_of(event.sender):
        raise Rejected("the state key of m.room.aliases is another server")


def _check_redaction(event: Event, sender_level: int, redact_level: int) -> None:
    # Versions 1 and 2: by power, or the redacted event comes from the same server.
    if sender_level >= redact_level:
        return
    server_name = identifiers.server_name_of(event.event_id)
    if server_name and identifiers.server_name_of(event.redacts or "") == server_name:
        return
    raise Rejected("the sender does not have enough power to redact")
