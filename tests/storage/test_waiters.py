"""Who waits for what: compared with a plain list of who waits for which users and rooms."""

from gevent.event import Event
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, rule

from impl.storage import waiters
from impl.storage.waiters import Waiters

USERS = ["@a:x", "@b:x", "@c:x"]
users = st.sampled_from(USERS)
rooms = st.frozensets(st.integers(1, 6))


class WaitersMachine(RuleBasedStateMachine):
    """Polls come and go, rooms are joined and left in between."""

    polls = Bundle("polls")

    def __init__(self) -> None:
        super().__init__()
        self.waiters = Waiters()
        self.joined: dict[str, frozenset[int]] = dict.fromkeys(USERS, frozenset())
        # As it was when each last polled.
        self.entered = dict(self.joined)
        self.plain: dict[Event, tuple[str, frozenset[int] | list[int]]] = {}

    @rule(user_id=users, joined=rooms)
    def change_rooms(self, user_id: str, joined: frozenset[int]) -> None:
        # Who waits is woken by a change, and polls again with the new set.
        for event, (waiting, asked) in list(self.plain.items()):
            if waiting == user_id and isinstance(asked, frozenset):
                self.waiters.remove(event, user_id, asked)
                del self.plain[event]
        self.joined[user_id] = joined

    @rule(target=polls, user_id=users)
    def poll(self, user_id: str) -> Event:
        asked = self.entered[user_id] = self.joined[user_id]
        event = self.waiters.add(user_id, asked)
        self.plain[event] = (user_id, asked)
        return event

    @rule(target=polls, user_id=users, asked=st.lists(st.integers(1, 6), unique=True))
    def poll_some_rooms(self, user_id: str, asked: list[int]) -> Event:
        event = self.waiters.add(user_id, asked)
        self.plain[event] = (user_id, asked)
        return event

    @rule(event=consumes(polls))
    def end(self, event: Event) -> None:
        if event in self.plain:
            self.waiters.remove(event, *self.plain.pop(event))

    @rule(room_nid=st.integers(1, 6))
    def a_room_moves(self, room_nid: int) -> None:
        expected = {event for event, (_, asked) in self.plain.items() if room_nid in asked}
        woken = set(self.waiters.of_room(room_nid))
        # A user's other polls may be woken as well: they look, and wait on.
        theirs = {self.plain[event][0] for event in expected}
        assert expected <= woken
        assert {self.plain[event][0] for event in woken} <= theirs | {
            user_id for user_id in USERS if room_nid in self.entered[user_id]
        }

    @rule(user_id=users)
    def a_user_moves(self, user_id: str) -> None:
        expected = {event for event, (waiting, _) in self.plain.items() if waiting == user_id}
        assert set(self.waiters.of_user(user_id)) == expected
        assert self.waiters.all == set(self.plain)


TestWaiters = WaitersMachine.TestCase


def test_who_does_not_wait_is_forgotten_when_there_are_many() -> None:
    known = Waiters()
    waiting = 3
    for number in range(waiters.WATCHED_MAX + 1 - waiting):
        event = known.add(f"@{number}:x", frozenset([1]))
        known.remove(event, f"@{number}:x", frozenset([1]))
    events = {known.add(f"@w{number}:x", frozenset([1, 2])) for number in range(waiting)}
    assert set(known.of_room(1)) == set(known.of_room(2)) == events
    assert len(known._watched) == waiting
