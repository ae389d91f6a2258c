"""How many one-time keys a device has left, and which fallback keys were not used. C-S API,
"Extensions to /sync".

Every answer says so, and few things change it: so a worker keeps what it has read until keys of
whatever device come or go, on any worker of this machine. A device that goes takes its keys along:
whoever gives its name to another one says so, too."""

from dataclasses import dataclass, field

from impl.app import App
from impl.requester import Requester
from impl.storage import device_keys

KEPT_MAX = 50_000

# Clients that find no number for it take what they last heard for true.
NONE_LEFT = {"signed_curve25519": 0}


@dataclass(frozen=True, slots=True)
class Supply:
    counts: dict[str, int] = field(default_factory=lambda: dict(NONE_LEFT))
    unused_fallback: list[str] = field(default_factory=list)


class _Kept:
    """What this worker has read."""

    def __init__(self, app: App) -> None:
        self.supplies: dict[tuple[str, str], Supply] = {}
        self.moves = -1


def get(app: App, requester: Requester) -> Supply:
    if requester.device_id is None:
        return Supply()
    kept = app.part(_Kept, _Kept)
    moves = app.page.key_moves()
    if moves != kept.moves or len(kept.supplies) >= KEPT_MAX:
        kept.supplies.clear()
        kept.moves = moves
    key = (requester.user_id, requester.device_id)
    found = kept.supplies.get(key)
    if found is None:
        with app.database.read() as txn:
            counts, unused = device_keys.get_supply(txn, *key)
        found = Supply(NONE_LEFT | counts, unused)
        # What was read while keys moved may be old already: good for this answer, not to keep.
        if moves == app.page.key_moves() == kept.moves:
            kept.supplies[key] = found
    return found
