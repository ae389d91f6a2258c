"""What a user's presence becomes, by what they do and as time passes. C-S API, "Presence".

Several clients of a user say different things: one that is online outweighs those that are idle.
Each claim holds as long as it is repeated; a poll repeats it while it waits. Times are milliseconds
since the epoch, 0 is never."""

from dataclasses import dataclass, replace

ONLINE = "online"
UNAVAILABLE = "unavailable"
OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Presence:
    """As others are told of it."""

    state: str = OFFLINE
    status_msg: str | None = None
    last_active_ts: int = 0
    is_currently_active: bool = False

    @property
    def told(self) -> tuple[str, str | None, bool]:
        """What others are told when it changes. When somebody was active last they hear only
        beside it: while `currently_active` holds, they need not know."""
        return self.state, self.status_msg, self.is_currently_active


@dataclass(frozen=True, slots=True)
class Seen:
    """When something was last seen of a user: a pro-active event, and a client that was online or
    idle."""

    active_ts: int = 0
    online_ts: int = 0
    unavailable_ts: int = 0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """After how long without a poll a user is offline, without activity idle, and no longer
    `currently_active`."""

    sync_online: int = 30_000
    idle: int = 300_000
    active: int = 60_000


def after_online(presence: Presence, now_ms: int) -> Presence:
    """A client says that the user is online."""
    return replace(presence, state=ONLINE, last_active_ts=now_ms, is_currently_active=True)


def after_unavailable(presence: Presence, seen: Seen, now_ms: int, timeouts: Timeouts) -> Presence:
    """A client says that the user is idle, which is so unless another is online."""
    if presence.state == ONLINE and now_ms - seen.online_ts <= timeouts.sync_online:
        return presence
    return replace(presence, state=UNAVAILABLE, is_currently_active=False)


def after_activity(presence: Presence, now_ms: int) -> Presence:
    """The user did something. Who is offline meanwhile hides, and stays so."""
    return presence if presence.state == OFFLINE else after_online(presence, now_ms)


def settled(presence: Presence, seen: Seen, now_ms: int, timeouts: Timeouts) -> Presence:
    """What is left of it by now."""
    active_ts = max(presence.last_active_ts, seen.active_ts)
    presence = replace(presence, last_active_ts=active_ts)
    if presence.state == OFFLINE:
        return presence
    online_ts = max(seen.online_ts, active_ts)
    if now_ms - max(online_ts, seen.unavailable_ts) > timeouts.sync_online:
        return replace(presence, state=OFFLINE, is_currently_active=False)
    if presence.state == UNAVAILABLE:
        return presence
    if now_ms - online_ts > timeouts.sync_online or now_ms - active_ts > timeouts.idle:
        return replace(presence, state=UNAVAILABLE, is_currently_active=False)
    is_active = presence.is_currently_active and now_ms - active_ts <= timeouts.active
    return replace(presence, is_currently_active=is_active)
