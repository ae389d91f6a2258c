"""What a room's state says of an event that was made elsewhere: that before it, and the current.
S-S API, "Checks performed on receipt of a PDU", "Soft failure".

In a room whose members are not all known (storage/partial_rooms.py) the rules find nobody where
there may be somebody. There the membership counts that the event itself cites; once all are known
it is judged again (completing.py)."""

from collections.abc import Mapping
from dataclasses import dataclass

from impl.core import state_trie
from impl.core.auth import rules, selection
from impl.core.auth.selection import CREATE
from impl.core.event import Event
from impl.core.rejection import Rejected
from impl.services.room_events import lookup
from impl.services.room_events.open_room import OpenRoom, StateKey
from impl.storage.events import StoredEvent

MEMBER = "m.room.member"


@dataclass(frozen=True, slots=True)
class Judging:
    """An event, and what it cites."""

    room: OpenRoom
    event: Event
    cited: Mapping[str, StoredEvent]
    lacks_members: bool

    def refusal_by_auth_events(self) -> str | None:
        """Why what the event cites does not allow it. Raises MissingEvents where the room's create
        event is not here.
        """
        room, event, cited = self.room, self.event, self.cited
        rejected = {one.event_id for one in cited.values() if one.rejected_reason is not None}
        events = {event_id: one.event for event_id, one in cited.items()}
        state = {one.key: one for one in events.values() if one.is_state}
        if room.room_version.room_id_is_create_hash and event.type != CREATE[0]:
            create = lookup.find(room, ["$" + event.room_id[1:]])
            lookup.refuse_missing(["$" + event.room_id[1:]], create)
            for one in create.values():
                state[CREATE] = one.event
                if one.rejected_reason is not None:
                    rejected.add(one.event_id)
        try:
            rules.check_state_independent(event, events, rejected)
            rules.check_state_dependent(event, state)
        except Rejected as refusal:
            return f"by its auth events: {refusal}"
        return None

    def refusal_by_state(self, root: int) -> str | None:
        """Why the state before it does not allow it."""
        try:
            rules.check_state_dependent(self.event, self._auth_state(root))
        except Rejected as refusal:
            return f"by the state before it: {refusal}"
        return None

    def is_soft_failed(self, root: int, *, is_over_gap: bool) -> bool:
        """Would it be refused now, although it was not then? `is_over_gap`: the state before it was
        told by another server.
        """
        room = self.room
        current = room.head.current_state_root
        if root == current or not room.extremities:
            return False
        if is_over_gap:
            # There is a gap below it: what we take for current may be long past. But anybody can
            # make a gap, so that is not simply passed over either. COMPAT(Synapse): it does the
            # same.
            stored = room.stored_by_nid(nid for nid, _ in room.extremities)
            roots = [one.state_after or state_trie.EMPTY for one in stored.values()]
            current = room.merge(room, [*roots, root])
        try:
            rules.check_state_dependent(self.event, self._auth_state(current))
        except Rejected:
            return True
        return False

    def _auth_state(self, root: int) -> dict[StateKey, Event]:
        event = self.event
        wanted = selection.auth_types(
            event.room_version, event.type, event.sender, event.state_key, event.content
        )
        state = self.room.state_events({*wanted, CREATE}, root)
        if self.lacks_members:
            for one in self.cited.values():
                if one.event.type == MEMBER and one.event.is_state and one.event.key in wanted:
                    if one.rejected_reason is None:
                        state.setdefault(one.event.key, one.event)
        return state
