"""State resolution: which state a room has where its branches disagree.

Rooms, "State resolution" of each version.

Pure: states go in and a state comes out, the same on every server and for every order of its
inputs.
"""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet

from impl.core.event import Event
from impl.core.room_version import RoomVersion
from impl.state_resolution import v1, v2
from impl.state_resolution.conflicts import StateMap

__all__ = ["StateMap", "resolve"]


def resolve(
    version: RoomVersion,
    state_sets: Sequence[Mapping[tuple[str, str], str]],
    auth_chains: Sequence[AbstractSet[str]],
    events: Mapping[str, Event],
    rejected: Collection[str] = (),
) -> StateMap:
    """The resolution of some states.

    `auth_chains` has a set for each state: the auth chains of all its events, or what is left of
    them without the events that are in every set, since only the difference is asked for. `events`
    holds, or reads when it is asked, the events of both and the auth chains of these. `rejected`
    are ids of events that were rejected. In version 1 neither chains nor rejections play a part.
    """
    if version.state_resolution == "v1":
        return v1.resolve(state_sets, events)
    if version.state_resolution == "v2":
        return v2.resolve(state_sets, auth_chains, events, rejected)
    return v2.resolve_from_nothing(state_sets, auth_chains, events, rejected)
