"""Whose keys a client is told to fetch anew, in /sync and in /keys/changes, asked of two workers in
turn."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.core.event_builder import Draft
from impl.services import cross_signing, device_lists, devices, sessions
from impl.services.sync import sync as syncing
from impl.services.sync.request import Question
from tests.builders import ALICE, BOB, CHARLIE, a_requester, a_room, append, member, message
from tests.keyring import Device, Identity
from tests.services.keys_client import hear, publish, publish_identity
from tests.services.sync_client import plain, until_waiting
from tests.to_device import a_person

PEOPLE = {ALICE: "alice", BOB: "bob", CHARLIE: "charlie"}
NO_ROOMS = '{"room": {"rooms": []}}'


@dataclass
class Listener:
    """A client that syncs from one worker and then the other, and asks of /keys/changes the
    same."""

    user_id: str
    workers: list[App]
    since: str = ""
    turn: int = field(default=0)
    filter: str | None = None

    def worker(self) -> App:
        self.turn += 1
        app = self.workers[self.turn % 2]
        app.news.catch_up_if_behind()
        return app

    def hear(self) -> tuple[list[str], list[str]]:
        """Who changed and who is left, by localpart."""
        requester = a_requester(self.user_id)
        question = Question(since=self.since or None, filter=self.filter)
        answer = plain(syncing.answer(self.worker(), requester, question))
        told = answer["device_lists"]
        if self.since:
            app = self.worker()
            found = device_lists.changes(app, requester, self.since, answer["next_batch"])
            assert (found.changed, found.left) == (told["changed"], told["left"])
        self.since = answer["next_batch"]
        return [PEOPLE[one] for one in told["changed"]], [PEOPLE[one] for one in told["left"]]


@pytest.fixture
def workers(new_app: Callable[..., App]) -> list[App]:
    one = new_app()
    for name in PEOPLE.values():
        a_person(one, name, "DEVICE")
    return [one, new_app(one.database.dsn)]


@pytest.fixture
def app(workers: list[App]) -> App:
    return workers[0]


@pytest.fixture
def alice(workers: list[App]) -> Listener:
    listener = Listener(ALICE, workers)
    assert listener.hear() == ([], [])
    return listener


def join(app: App, room_id: str, user_id: str) -> None:
    append(app, room_id, member(user_id, "join"))


def leave(app: App, room_id: str, user_id: str) -> None:
    append(app, room_id, member(user_id, "leave"))


def shared(app: App, *user_ids: str) -> str:
    room_id = a_room(app, user_ids[0])
    for user_id in user_ids[1:]:
        join(app, room_id, user_id)
    return room_id


def test_who_shares_a_room_is_told_and_who_does_not_is_not(app: App, alice: Listener) -> None:
    shared(app, ALICE, BOB)
    shared(app, BOB, CHARLIE)
    charlie = Listener(CHARLIE, alice.workers)
    alice.hear(), charlie.hear()
    publish(app, Device(BOB))
    assert alice.hear() == (["bob"], [])
    assert charlie.hear() == (["bob"], [])
    publish(app, Device(CHARLIE))
    assert alice.hear() == ([], [])
    assert charlie.hear() == (["charlie"], [])


def test_a_user_is_told_of_their_own_devices(app: App, alice: Listener) -> None:
    publish(app, Device(ALICE))
    assert alice.hear() == (["alice"], [])
    publish(app, Device(ALICE))
    assert alice.hear() == ([], [])


def test_what_changes_keys_is_told_and_what_does_not_is_not(app: App, alice: Listener) -> None:
    shared(app, ALICE, BOB)
    alice.hear()
    bob = Device(BOB)
    requester = a_requester(BOB)
    identity = Identity(BOB)
    vouch = identity.sign(bob.keys(), "self_signing")
    master = bob.sign(identity.object("master"))
    acts: list[tuple[Callable[[], object], bool]] = [
        (lambda: publish(app, bob), True),
        (lambda: publish(app, bob), False),
        (lambda: publish(app, bob, one_time=bob.one_time("A")), False),
        (lambda: publish(app, bob, fallback=bob.fallback("F")), False),
        (lambda: publish_identity(app, identity), True),
        (lambda: publish_identity(app, identity), False),
        (lambda: cross_signing.sign(app, requester, {BOB: {"DEVICE": vouch}}), True),
        (lambda: cross_signing.sign(app, requester, {BOB: {"DEVICE": vouch}}), False),
        (
            lambda: cross_signing.sign(app, requester, {BOB: {identity.public("master"): master}}),
            True,
        ),
        (lambda: devices.put(app, requester, "DEVICE", "phone"), True),
        (lambda: devices.put(app, requester, "DEVICE", "phone"), False),
        (lambda: sessions.begin(app, BOB, sessions.DeviceWish("OTHER")), False),
        (lambda: devices.put(app, requester, "OTHER", "no keys"), False),
        (lambda: devices.delete(app, requester, ["OTHER", "NONE"]), False),
        (lambda: sessions.log_out(app, requester), True),
    ]
    for number, (act, is_told) in enumerate(acts):
        act()
        assert alice.hear() == (["bob"] if is_told else [], []), number


def test_a_signature_is_told_to_who_signed(app: App, alice: Listener) -> None:
    shared(app, ALICE, BOB)
    ours, theirs = Identity(ALICE), Identity(BOB)
    publish_identity(app, ours)
    publish_identity(app, theirs)
    bob = Listener(BOB, alice.workers)
    alice.hear(), bob.hear()
    signed = ours.sign(theirs.object("master"), "user_signing")
    name = theirs.public("master")
    assert cross_signing.sign(app, a_requester(ALICE), {BOB: {name: signed}}) == {}
    assert alice.hear() == (["bob"], [])
    assert bob.hear() == ([], [])


def test_who_comes_to_share_a_room_is_told_and_who_goes(app: App, alice: Listener) -> None:
    room_id = shared(app, ALICE)
    assert alice.hear() == ([], [])
    join(app, room_id, BOB)
    assert alice.hear() == (["bob"], [])
    # Another name is no news of keys.
    append(app, room_id, member(BOB, "join", displayname="Bobby"))
    assert alice.hear() == ([], [])
    leave(app, room_id, BOB)
    assert alice.hear() == ([], ["bob"])
    # What is not shared any more is not told.
    publish(app, Device(BOB))
    assert alice.hear() == ([], [])
    join(app, room_id, BOB)
    assert alice.hear() == (["bob"], [])


def test_a_room_that_one_comes_into_and_leaves(app: App, alice: Listener) -> None:
    room_id = shared(app, BOB, CHARLIE)
    join(app, room_id, ALICE)
    assert alice.hear() == (["bob", "charlie"], [])
    leave(app, room_id, CHARLIE)
    leave(app, room_id, ALICE)
    # Charlie went first: both are left.
    assert alice.hear() == ([], ["bob", "charlie"])


def test_who_was_sent_away_is_left_as_well(app: App, alice: Listener) -> None:
    room_id = shared(app, ALICE, BOB, CHARLIE)
    alice.hear()
    append(app, room_id, member(BOB, "ban", ALICE), member(CHARLIE, "leave", ALICE))
    assert alice.hear() == ([], ["bob", "charlie"])


def test_who_is_in_another_room_still_is_not_left(app: App, alice: Listener) -> None:
    one, two = shared(app, ALICE, BOB), shared(app, ALICE, BOB)
    alice.hear()
    leave(app, one, BOB)
    assert alice.hear() == ([], [])
    leave(app, two, ALICE)
    assert alice.hear() == ([], ["bob"])


def test_who_goes_from_one_room_into_another_is_changed(app: App, alice: Listener) -> None:
    one, two = shared(app, ALICE, BOB), shared(app, ALICE)
    alice.hear()
    leave(app, one, BOB)
    join(app, two, BOB)
    assert alice.hear() == (["bob"], [])


def test_keys_that_changed_while_somebody_was_away(app: App, alice: Listener) -> None:
    room_id = shared(app, ALICE, BOB)
    alice.hear()
    leave(app, room_id, BOB)
    publish(app, Device(BOB))
    join(app, room_id, BOB)
    assert alice.hear() == (["bob"], [])


def test_somebody_who_came_and_went_leaves_no_trace(app: App, alice: Listener) -> None:
    room_id = shared(app, ALICE)
    alice.hear()
    join(app, room_id, BOB)
    leave(app, room_id, BOB)
    changed, _ = alice.hear()
    assert changed == []


def test_a_departure_followed_by_an_invite_is_one(app: App, alice: Listener) -> None:
    room_id = shared(app, BOB, ALICE)
    alice.hear()
    append(app, room_id, member(ALICE, "leave"), member(ALICE, "invite", BOB))
    assert alice.hear() == ([], ["bob"])


def test_who_left_and_came_back_hears_of_who_went_meanwhile(app: App, alice: Listener) -> None:
    room_id = shared(app, CHARLIE, BOB, ALICE)
    alice.hear()
    leave(app, room_id, ALICE)
    leave(app, room_id, BOB)
    publish(app, Device(CHARLIE))
    join(app, room_id, ALICE)
    assert alice.hear() == (["charlie"], ["bob"])


def test_nothing_is_lost_in_a_gap(app: App, alice: Listener) -> None:
    room_id = shared(app, ALICE, CHARLIE)
    alice.hear()
    join(app, room_id, BOB)
    leave(app, room_id, CHARLIE)
    append(app, room_id, *(message(ALICE, str(n)) for n in range(30)))
    assert alice.hear() == (["bob"], ["charlie"])


def test_a_filter_of_rooms_is_not_one_of_keys(app: App, alice: Listener) -> None:
    room_id = shared(app, ALICE, CHARLIE)
    alice.hear()
    alice.filter = NO_ROOMS
    join(app, room_id, BOB)
    leave(app, room_id, CHARLIE)
    assert alice.hear() == (["bob"], ["charlie"])
    publish(app, Device(BOB))
    assert alice.hear() == (["bob"], [])
    leave(app, room_id, ALICE)
    assert alice.hear() == ([], ["bob"])


def test_a_worker_that_was_not_there_knows_it_too(
    app: App, alice: Listener, new_app: Callable[..., App]
) -> None:
    room_id = shared(app, ALICE, BOB)
    alice.hear()
    publish(app, Device(BOB))
    append(app, room_id, Draft("m.room.topic", ALICE, {"topic": "new"}, ""))
    alice.workers = [new_app(app.database.dsn), new_app(app.database.dsn)]
    assert alice.hear() == (["bob"], [])


def test_only_who_shares_a_room_is_woken(workers: list[App]) -> None:
    app, other = workers
    shared(app, ALICE, BOB)
    tokens = {user_id: hear(other, user_id)["next_batch"] for user_id in (ALICE, CHARLIE)}

    def poll(user_id: str, timeout_ms: int) -> dict[str, Any]:
        question = Question(since=tokens[user_id], timeout_ms=timeout_ms)
        return plain(syncing.answer(other, a_requester(user_id), question))

    with gevent.Timeout(30):
        jobs = [gevent.spawn(poll, ALICE, 20_000), gevent.spawn(poll, CHARLIE, 20_000)]
        until_waiting(other, 2)
        charlies = other.news.waiters.of_user(CHARLIE)
        publish(app, Device(BOB))
        assert jobs[0].get()["device_lists"] == {"changed": [BOB], "left": []}
        assert not any(event.is_set() for event in charlies)
        # And a message in a room of his does wake him.
        append(app, a_room(app, CHARLIE), message(CHARLIE, "hello"))
        assert jobs[1].get()["device_lists"] == {"changed": [], "left": []}


def test_a_token_of_something_else_is_refused(app: App) -> None:
    for tokens in (("x", "s1"), ("s1", "x"), ("t1_1", "s1")):
        with pytest.raises(errors.InvalidParam):
            device_lists.changes(app, a_requester(ALICE), *tokens)
    assert device_lists.changes(app, a_requester(ALICE), "s99999999", "s99999999").changed == []


def test_who_uploads_while_being_logged_out_is_on_nobodys_list(workers: list[App]) -> None:
    one, two = workers
    names = [f"D{n}" for n in range(12)]
    a_person(one, "dora", *names)
    dora = "@dora:soma.test"
    uploaded: set[str] = set()

    def upload(name: str) -> None:
        try:
            publish(one, Device(dora, name))
            uploaded.add(name)
        except errors.UnknownToken:
            pass

    jobs = []
    for number, name in enumerate(names):
        acts = [(upload, name), (sessions.log_out, two, a_requester(dora, device_id=name))]
        jobs += [gevent.spawn(*act) for act in acts[:: 1 if number % 2 else -1]]
    with gevent.Timeout(60):
        gevent.joinall(jobs, raise_error=True)
    with one.database.read() as txn:
        txn.execute("SELECT count(*) FROM device_keys WHERE user_id = %s", (dora,))
        assert txn.fetchone() == (0,)
        txn.execute(
            "SELECT device_id, gone_ts IS NOT NULL FROM device_list_changes WHERE user_id = %s",
            (dora,),
        )
        assert dict(txn.fetchall()) == dict.fromkeys(uploaded, True)
