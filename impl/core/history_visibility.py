"""May this user see this event? C-S API, "Room History Visibility", "Server behaviour"."""

SHARED = "shared"
_KNOWN = frozenset({"world_readable", SHARED, "invited", "joined"})

# What a state says of a user's sight: the content's `history_visibility`, whatever stands there,
# and their membership.
Sight = tuple[object, str]


def read(value: object) -> str:
    """The visibility that a state event names; without one that is known, it is `shared`."""
    return value if isinstance(value, str) and value in _KNOWN else SHARED


def may_see(before: Sight, after: Sight, has_joined_since: bool) -> bool:
    """May the user see an event with this state before and after it?

    The two differ in the visibility for a visibility event only, and in the membership for the
    user's own only: for both, what holds before or after will do.
    """
    if before == after:
        return _may_see(read(before[0]), before[1], has_joined_since)
    return any(
        _may_see(read(visibility), membership, has_joined_since)
        for visibility in (before[0], after[0])
        for membership in (before[1], after[1])
    )


def _may_see(visibility: str, membership: str, has_joined_since: bool) -> bool:
    # Whoever asks.
    if visibility == "world_readable":
        return True
    # Who was in the room.
    if membership == "join":
        return True
    # Who came later, where history is shared.
    if visibility == SHARED and has_joined_since:
        return True
    # Who was invited, where that is enough.
    return visibility == "invited" and membership == "invite"
