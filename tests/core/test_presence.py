"""What presence becomes, table by table."""

import pytest

from impl.core import presence
from impl.core.presence import OFFLINE, ONLINE, UNAVAILABLE, Presence, Seen, Timeouts

LIMITS = Timeouts(sync_online=30, idle=300, active=60)
AT = 1_000
ACTIVE = Presence(ONLINE, "here", AT, True)


@pytest.mark.parametrize(
    ("passed", "seen", "expected"),
    [
        (30, Seen(), (ONLINE, True)),
        (31, Seen(), (OFFLINE, False)),
        # As long as somebody polls they are not offline.
        (60, Seen(AT, AT + 60, 0), (ONLINE, True)),
        (61, Seen(AT, AT + 61, 0), (ONLINE, False)),
        (300, Seen(AT, AT + 300, 0), (ONLINE, False)),
        (301, Seen(AT, AT + 301, 0), (UNAVAILABLE, False)),
        # Only an idle device is left.
        (30, Seen(AT, AT, AT + 30), (ONLINE, True)),
        (31, Seen(AT, AT, AT + 31), (UNAVAILABLE, False)),
        (61, Seen(AT, AT, AT + 31), (UNAVAILABLE, False)),
        (62, Seen(AT, AT, AT + 31), (OFFLINE, False)),
    ],
)
def test_time_passes(passed: int, seen: Seen, expected: tuple[str, bool]) -> None:
    now = presence.settled(ACTIVE, seen, AT + passed, LIMITS)
    assert (now.state, now.is_currently_active) == expected
    assert (now.status_msg, now.last_active_ts) == ("here", AT)


def test_who_is_offline_stays_so() -> None:
    hidden = Presence(OFFLINE, None, AT)
    assert presence.settled(hidden, Seen(AT, AT, AT), AT, LIMITS) == hidden
    assert presence.after_activity(hidden, AT + 1) == hidden


def test_activity_wakes_who_is_idle() -> None:
    idle = Presence(UNAVAILABLE, "away", AT)
    woken = presence.after_activity(idle, AT + 5)
    assert woken == Presence(ONLINE, "away", AT + 5, True)


def test_a_device_that_is_online_outweighs_an_idle_one() -> None:
    seen = Seen(AT, AT, AT)
    assert presence.after_unavailable(ACTIVE, seen, AT + 30, LIMITS) == ACTIVE
    idle = presence.after_unavailable(ACTIVE, seen, AT + 31, LIMITS)
    assert (idle.state, idle.is_currently_active) == (UNAVAILABLE, False)
    assert presence.after_unavailable(Presence(), seen, AT, LIMITS).state == UNAVAILABLE


def test_what_is_told_is_not_when_somebody_was_active() -> None:
    assert presence.after_online(ACTIVE, AT + 50).told == ACTIVE.told
    assert Presence(ONLINE, "there", AT, True).told != ACTIVE.told
