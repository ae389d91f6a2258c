"""State resolution of the same large room by Soma and by Synapse, in one run: ours must be at least
five times as fast. `python -m tests.peer.speed`, in the environment `peer`.

Both have all events in memory, and both are told the auth difference and the conflicted subgraph,
which either server keeps at hand in its own way. Synapse goes through whole states; Soma's are
stored so that it knows where they differ. Beside that stands what whole states would take us.
"""

import sys
from collections.abc import Mapping

from impl.core.event import StateKey
from impl.core.room_version import ROOM_VERSIONS
from impl.state_resolution import conflicts, resolve, settle
from tests.bench.large_room import LargeRoom
from tests.bench.measuring import cpu_seconds
from tests.peer.synapse_side import Room, StateDifference, Store, run, v2

TIMES_FASTER = 5


class Informed(Store):
    """A store that knows where the auth chains differ."""

    difference: set[str]
    subgraph: set[str]

    async def get_auth_chain_difference(self, *_: object) -> StateDifference:
        return StateDifference(set(self.difference), set(self.subgraph))


def measure(version: str, number_of_events: int) -> bool:
    room = LargeRoom(version, number_of_events)
    states = room.forks()
    chains = [room.auth_chain(list(state.values())) for state in states]
    shared = set.intersection(*chains)
    rests = [chain - shared for chain in chains]
    of_version = ROOM_VERSIONS[version]

    side = Room(version, room.events, set())
    store = Informed(side.events)
    unconflicted, conflicted = conflicts.separate(states)
    store.difference = conflicts.auth_difference(rests, unconflicted, room.events)
    ids = {event_id for one in conflicted for event_id in one.values()}
    store.subgraph = conflicts.conflicted_subgraph(ids, room.events)

    disputed = store.difference | (store.subgraph if version == "12" else set())

    def ours() -> Mapping[StateKey, str]:
        return settle(of_version, unconflicted, conflicted, disputed, room.events)

    def whole() -> Mapping[StateKey, str]:
        return resolve(of_version, states, rests, room.events)

    def theirs() -> Mapping[StateKey, str]:
        resolution = v2.resolve_events_with_store(
            store, side.room_id, side.version, states, None, store
        )
        return run(resolution)  # type: ignore[no-any-return]

    assert {**ours(), **unconflicted} == whole() == dict(theirs())
    our_time, whole_time, their_time = (cpu_seconds(one, 5) for one in (ours, whole, theirs))
    print(
        f"version {version}, {number_of_events} state events: {our_time * 1e3:.2f} ms "
        f"(whole states {whole_time * 1e3:.2f}), Synapse {their_time * 1e3:.2f} ms: "
        f"{their_time / our_time:.1f} times ({their_time / whole_time:.1f})"
    )
    return their_time >= TIMES_FASTER * our_time


def main() -> int:
    rooms = [(version, number) for version in ("11", "12") for number in (10_000, 50_000)]
    results = [measure(*room) for room in rooms]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
