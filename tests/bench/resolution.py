"""How long it takes to resolve two forks of a large room that disagree about ten keys, with all
that is needed in memory. `python -m tests.bench.resolution`; `tox -e bench`.

Once from whole states, and once as the server does it, which knows from its stored states where
they differ.
"""

import sys

from impl.core.room_version import ROOM_VERSIONS
from impl.state_resolution import conflicts, resolve, settle
from tests.bench.large_room import LargeRoom
from tests.bench.measuring import Table, cpu_seconds

LIMITS = {10_000: 50e-3, 50_000: 150e-3}


def measure(table: Table, version: str, number_of_events: int) -> None:
    room = LargeRoom(version, number_of_events)
    states = room.forks()
    chains = [room.auth_chain(list(state.values())) for state in states]
    shared = set.intersection(*chains)
    rests = [chain - shared for chain in chains]
    unconflicted, conflicted = conflicts.separate(states)
    assert len({key for one in conflicted for key in one}) == 10
    of_version = ROOM_VERSIONS[version]
    name = f"version {version}, {number_of_events} state events"

    def from_whole_states() -> object:
        return resolve(of_version, states, rests, room.events)

    def from_differences() -> object:
        ids = {event_id for one in conflicted for event_id in one.values()}
        disputed: set[str] = set()
        if version != "1":
            disputed = conflicts.auth_difference(rests, unconflicted, room.events)
        if version == "12":
            disputed |= conflicts.conflicted_subgraph(ids, room.events)
        return settle(of_version, unconflicted, conflicted, disputed, room.events)

    limit = LIMITS[number_of_events]
    table.row(f"{name}, whole", cpu_seconds(from_whole_states, 3), limit)
    table.row(f"{name}, differences", cpu_seconds(from_differences, 10), limit)


def main() -> int:
    table = Table()
    for version in ("1", "2", "11", "12"):
        for number_of_events in LIMITS:
            measure(table, version, number_of_events)
    return 0 if table.is_within else 1


if __name__ == "__main__":
    sys.exit(main())
