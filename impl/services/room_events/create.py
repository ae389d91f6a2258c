"""From a draft to an event: its place in the graph, its auth events, its signature, and the rules.

S-S API, "Auth events selection" and "Authorization rules". What a client asks for is checked
against the state that the event will stand on, under the room's lock: there is nothing that could
change in between."""

import secrets
import string
from dataclasses import dataclass

from impl import errors
from impl.app import App
from impl.core import event_builder, policy_server
from impl.core.auth import rules, selection
from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.core.policy_server import POLICY
from impl.core.power_levels import PowerLevels
from impl.core.rejection import Malformed, Rejected, TooLarge
from impl.core.room_version import ROOM_VERSIONS
from impl.services.room_events import relating
from impl.services.room_events.open_room import OpenRoom, Placed
from impl.services.room_events.submission import NeedsVoucher

CREATE = ("m.room.create", "")
POWER_LEVELS = ("m.room.power_levels", "")

# An event may name twenty; with ten the branches become fewer just as well.
PREV_EVENTS_MAX = 10

_ROOM_ID_LETTERS = string.ascii_letters


def create_event(app: App, draft: Draft, room_version: str) -> Event:
    """The m.room.create event of a new room; its `room_id` is the room's from now on.

    Raises BadJson or TooLarge for content that cannot be an event.
    """
    version = ROOM_VERSIONS[room_version]
    room_id = None
    if not version.room_id_is_create_hash:
        opaque = "".join(secrets.choice(_ROOM_ID_LETTERS) for _ in range(18))
        room_id = f"!{opaque}:{app.server_name}"
    try:
        event = event_builder.build(
            draft,
            event_builder.Place(room_id, version, [], [], 1),
            now_ms=app.now_ms(),
            server_name=app.server_name,
            signing_key=app.signing_key,
        )
        rules.check_state_independent(event, {})
        rules.check_state_dependent(event, {})
    except (Malformed, Rejected) as error:
        raise refusal(error) from error
    return event


@dataclass(frozen=True, slots=True)
class Made:
    """An event on top of a room, that is not appended yet."""

    event: Event
    auth_nids: list[int]
    prev_event_ids: list[str]
    state_before: int
    redacts_nid: int | None


def append(room: OpenRoom, draft: Draft, sent_by: tuple[str, str] | None) -> str:
    """Make the draft an event on top of the room, and return its id. Raises what `make` does."""
    made = make(room, draft)
    if isinstance(made, str):
        return made
    room.append(
        Placed(
            made.event,
            made.auth_nids,
            made.state_before,
            covers=made.prev_event_ids,
            redacts_nid=made.redacts_nid,
            sent_by=sent_by,
            is_outgoing=True,
        )
    )
    return made.event.event_id


def make(room: OpenRoom, draft: Draft) -> Made | str:
    """The event that the draft is on top of the room, or the id of the one that says the same.

    Raises Forbidden, BadJson, TooLarge; NotFound for a redaction of what is not there; and what
    `relating.check` raises.
    """
    keys = _cited_keys(room, draft)
    prev, root = _prev_events(room)
    nids, loaded = _state_to_stand_on(room, draft, keys, root)
    state = {key: loaded[nid] for key, nid in nids.items()}

    if same := _already_there(draft, state):
        return same

    auth_nids = [nids[key] for key in keys if key in nids]
    event = _build(room, draft, prev, [loaded[nid] for nid in auth_nids])
    _check_rules(event, [loaded[nid] for nid in auth_nids], state)

    relating.check(room, event)
    redacts_nid = _redacted(room, event, state) if event.type == "m.room.redaction" else None
    return Made(event, auth_nids, prev, root, redacts_nid)


def refuse_without_voucher(room: OpenRoom, draft: Draft) -> None:
    """Raises NeedsVoucher where the room names a policy server, which is to see the draft."""
    room.app.state_keys.intern(room.txn, [POLICY])
    nids = room.state_nids([POLICY])
    if not nids or policy_server.is_exempt(draft.type, draft.state_key):
        return
    named = room.events_by_nid(nids.values())[nids[POLICY]]
    if policy_server.read(named.content) is not None:
        raise NeedsVoucher("the room's policy server has not seen it")


def prepare(room: OpenRoom, draft: Draft) -> Event:
    """The event that the draft would be on top of the room, without its becoming one: for who has
    to show it to another server first, which signs it. Raises Forbidden, BadJson, TooLarge.
    """
    keys = _cited_keys(room, draft)
    prev, root = _prev_events(room)
    nids, loaded = _state_to_stand_on(room, draft, keys, root)
    cited = [loaded[nids[key]] for key in keys if key in nids]
    event = _build(room, draft, prev, cited)
    _check_rules(event, cited, {key: loaded[nid] for key, nid in nids.items()})
    return event


def _cited_keys(room: OpenRoom, draft: Draft) -> list[tuple[str, str]]:
    return selection.auth_types(
        room.room_version, draft.type, draft.sender, draft.state_key, draft.content
    )


def _state_to_stand_on(
    room: OpenRoom, draft: Draft, keys: list[tuple[str, str]], root: int
) -> tuple[dict[tuple[str, str], int], dict[int, Event]]:
    """What the rules ask of the state before the draft: the numbers by key, the events by
    number.
    """
    wanted = {*keys, CREATE, POWER_LEVELS}
    if draft.state_key is not None:
        wanted.add((draft.type, draft.state_key))
    nids = room.state_nids(wanted, root)
    return nids, room.events_by_nid(nids.values())


def _build(room: OpenRoom, draft: Draft, prev: list[str], cited: list[Event]) -> Event:
    app = room.app
    try:
        return event_builder.build(
            draft,
            event_builder.Place(
                room.head.room.room_id,
                room.room_version,
                prev,
                [one.event_id for one in cited],
                room.head.depth_max + 1,
            ),
            now_ms=app.now_ms(),
            server_name=app.server_name,
            signing_key=app.signing_key,
        )
    except Malformed as error:
        raise refusal(error) from error


def _check_rules(event: Event, cited: list[Event], state: dict[tuple[str, str], Event]) -> None:
    try:
        rules.check_state_independent(event, {one.event_id: one for one in cited})
        rules.check_state_dependent(event, state)
    except (Malformed, Rejected) as error:
        raise refusal(error) from error


def _prev_events(room: OpenRoom) -> tuple[list[str], int]:
    """What the next event stands on, and the root of the state there: all branches, or as many as
    an event may name.
    """
    if len(room.extremities) <= PREV_EVENTS_MAX:
        return [event_id for _, event_id in room.extremities], room.head.current_state_root
    stored = room.stored_by_nid(nid for nid, _ in room.extremities)
    newest = sorted(stored.values(), key=lambda one: (-one.event.depth, one.event_id))
    chosen = newest[:PREV_EVENTS_MAX]
    root = room.merge(room, [one.state_after or 0 for one in chosen])
    return [one.event_id for one in chosen], root


def refusal(error: Malformed | Rejected) -> errors.MatrixError:
    """What a client is told when its event breaks a rule of the room version."""
    if isinstance(error, TooLarge):
        return errors.TooLarge(str(error))
    if isinstance(error, Malformed):
        return errors.BadJson(str(error))
    return errors.Forbidden(str(error))


def _already_there(draft: Draft, state: dict[tuple[str, str], Event]) -> str | None:
    # State that is set to what it is already changes nothing, so it makes no event. Clients count
    # on that: they set it again after a request whose answer they missed.
    if draft.state_key is None:
        return None
    current = state.get((draft.type, draft.state_key))
    if current is None or current.sender != draft.sender or current.content != draft.content:
        return None
    return current.event_id


def _redacted(room: OpenRoom, event: Event, state: dict[tuple[str, str], Event]) -> int | None:
    if event.redacts is None:
        return None
    nid = room.find_nid(event.redacts)
    if nid is None:
        raise errors.NotFound("the event to redact is not in this room")
    redacted = room.events_by_nid([nid])[nid]
    if redacted.sender == event.sender:
        return nid
    # C-S API, "Redactions": another's event takes the room's redact level.
    levels = PowerLevels.of(state.get(POWER_LEVELS), state[CREATE], room.room_version)
    if levels.user(event.sender) < levels.redact:
        raise errors.Forbidden("the sender does not have enough power to redact others' events")
    return nid
