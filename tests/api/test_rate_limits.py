"""C-S API, "Rate limiting": what counts against which limit, whose it is, and that the workers of a
machine share it."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from impl.app import App
from impl.config import Config, RateLimit
from impl.config.application_services import ApplicationService, Namespace
from impl.core.rate_limit import Allowance
from impl.services import rate_limiting
from tests.api.accounts_actions import an_admin, through
from tests.api.api_client import Answer, Api, User, register
from tests.api.room_actions import CLIENT, act, member

HOUR = 1 / 3600
KNOCKING = {"type": "m.room.join_rules", "content": {"join_rule": "knock"}}

Make = Callable[..., Api]


@pytest.fixture
def limited(new_app: Callable[..., App], config: Config, api_of: Callable[[App], Api]) -> Make:
    """A worker with some limits: name -> how many at once, and one an hour after that."""

    def make(dsn: str | None = None, **bursts: int) -> Api:
        names = {name: RateLimit(HOUR, burst) for name, burst in bursts.items()}
        limits = replace(config.rate_limits, **names)
        return api_of(new_app(dsn=dsn, rate_limits=limits))

    return make


def app_of(api: Api) -> App:
    return api.wsgi._app  # type: ignore[attr-defined]


def limit(api: Api, **bursts: int) -> None:
    """From now on."""
    app = app_of(api)
    names = {name: RateLimit(HOUR, burst) for name, burst in bursts.items()}
    app.config = replace(app.config, rate_limits=replace(app.config.rate_limits, **names))


def assert_limited(answer: Answer) -> None:
    assert (answer.status, answer.errcode) == (429, "M_LIMIT_EXCEEDED")
    # Seconds, rounded up: who comes back then is let through.
    waits_ms = answer.json["retry_after_ms"]
    assert 0 <= int(answer.headers["retry-after"]) * 1000 - waits_ms < 1000
    assert 3_000_000 < waits_ms <= 3_600_000


def say(user: User, room_id: str) -> Answer:
    place = f"{CLIENT}/rooms/{room_id}/send/m.room.message/{next(_numbers)}"
    return user.put(place, {"msgtype": "m.text", "body": "hi"})


_numbers = iter(range(1 << 30))


def display_name(user: User, name: str | None) -> Answer:
    path = f"{CLIENT}/profile/{user.user_id}/displayname"
    return user.put(path, {"displayname": name}) if name else user.delete(path)


MESSAGES: dict[str, Callable[[User, User, str, str], Answer]] = {
    "kick": lambda alice, bob, room, said: act(alice, room, "kick", bob),
    "ban": lambda alice, bob, room, said: act(alice, room, "ban", bob),
    "unban": lambda alice, bob, room, said: act(alice, room, "unban", bob),
    "invite": lambda alice, bob, room, said: act(alice, room, "invite", "@x:soma.test"),
    "leave": lambda alice, bob, room, said: act(alice, room, "leave"),
    "state": lambda alice, bob, room, said: alice.put(f"{CLIENT}/rooms/{room}/state/org.x", {}),
    "send": lambda alice, bob, room, said: say(alice, room),
    "redact": lambda alice, bob, room, said: alice.put(
        f"{CLIENT}/rooms/{room}/redact/{said}/1", {}
    ),
    "create": lambda alice, bob, room, said: alice.post(f"{CLIENT}/createRoom", {}),
    "upgrade": lambda alice, bob, room, said: alice.post(
        f"{CLIENT}/rooms/{room}/upgrade", {"new_version": "12"}
    ),
    "name": lambda alice, bob, room, said: display_name(alice, "Alice"),
    "unname": lambda alice, bob, room, said: display_name(alice, None),
}


@pytest.mark.parametrize("kind", MESSAGES)
def test_each_event_that_somebody_makes_is_a_message_of_theirs(
    api: Api, alice: User, bob: User, kind: str
) -> None:
    room_id = alice.create_room(preset="public_chat", invite=[bob.user_id])
    said = alice.send(room_id, "hi")
    if kind == "unban":
        act(alice, room_id, "ban", bob)
    limit(api, rc_message=1)
    answer = MESSAGES[kind](alice, bob, room_id, said)
    assert answer.status == 200, answer
    other = alice.post(f"{CLIENT}/rooms/{room_id}/leave", {})
    assert_limited(other)
    # Bob's are his own.
    assert display_name(bob, "Bob").status == 200


@pytest.mark.parametrize("way", ["rooms/{}/join", "join/{}", "knock/{}"])
def test_so_is_a_join_and_a_knock(api: Api, alice: User, bob: User, way: str) -> None:
    state = [KNOCKING] if way.startswith("knock") else []
    room_id = alice.create_room(preset="public_chat", initial_state=state)
    limit(api, rc_message=1)
    assert bob.post(f"{CLIENT}/{way.format(room_id)}", {}).status == 200
    assert_limited(act(bob, room_id, "leave"))


def test_what_is_no_event_is_no_message(api: Api, alice: User) -> None:
    room_id = alice.create_room()
    limit(api, rc_message=1)
    # They are in it already.
    for _ in range(3):
        assert act(alice, room_id, "join").status == 200
    path = f"{CLIENT}/profile/{alice.user_id}/m.tz"
    assert alice.put(path, {"m.tz": "Europe/Berlin"}).status == 200
    assert say(alice, room_id).status == 200


def test_a_room_is_not_counted_where_the_message_is_refused(api: Api, alice: User) -> None:
    room_id = alice.create_room()
    limit(api, rc_message=1, rc_room_creation=1)
    assert say(alice, room_id).status == 200
    for _ in range(3):
        assert_limited(alice.post(f"{CLIENT}/createRoom", {}))
    limit(api, rc_message=3, rc_room_creation=1)
    assert alice.post(f"{CLIENT}/createRoom", {}).status == 200
    assert_limited(alice.post(f"{CLIENT}/createRoom", {}))


def test_two_workers_give_what_one_would(limited: Make) -> None:
    first = limited(rc_message=4, rc_invites_per_room=2, rc_joins_local=3)
    dsn = app_of(first).database.dsn
    second = limited(dsn, rc_message=4, rc_invites_per_room=2, rc_joins_local=3)
    alice = register(first, "alice")
    room_id = alice.create_room()
    workers = (alice, through(alice, second))
    answers = [say(workers[number % 2], room_id).status for number in range(8)]
    assert answers == [200] * 3 + [429] * 5
    bob, charlie = register(first, "bob"), register(second, "charlie")
    open_id = bob.create_room(preset="public_chat")
    invited = [
        act(through(bob, (first, second)[number % 2]), open_id, "invite", f"@{number}:soma.test")
        for number in range(3)
    ]
    assert [one.status for one in invited] == [200, 200, 429]
    rooms = [bob_room(first, number) for number in range(4)]
    joined = [
        act(through(charlie, (first, second)[number % 2]), room, "join").status
        for number, room in enumerate(rooms)
    ]
    assert joined == [200, 200, 200, 429]


def bob_room(api: Api, number: int) -> str:
    return register(api, f"owner{number}").create_room(preset="public_chat")


def test_who_may_not_invite_does_not_use_up_what_the_room_may(
    api: Api, alice: User, bob: User, charlie: User
) -> None:
    room_id = alice.create_room(preset="public_chat")
    charlie.join(room_id)
    limit(api, rc_invites_per_room=1, rc_invites_per_user=1)
    # Bob is no member; Charlie is, and may not invite.
    for stranger in (bob, charlie):
        for _ in range(3):
            answer = act(stranger, room_id, "invite", "@dora:soma.test")
            assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
    # Nor does it cost those who are there already.
    assert act(alice, room_id, "invite", charlie).status == 403
    assert act(alice, room_id, "invite", "@dora:soma.test").status == 200
    assert_limited(act(alice, room_id, "invite", "@emil:soma.test"))


@pytest.mark.parametrize(
    ("name", "is_second_room"),
    [
        ("rc_invites_per_room", False),
        ("rc_invites_per_user", True),
        ("rc_invites_per_issuer", True),
    ],
)
def test_invites_are_counted_by_room_by_inviter_and_by_invited(
    api: Api, alice: User, bob: User, name: str, is_second_room: bool
) -> None:
    first, second = alice.create_room(), alice.create_room()
    limit(api, **{name: 1})
    assert act(alice, first, "invite", bob).status == 200
    room_id = second if is_second_room else first
    target = bob.user_id if name == "rc_invites_per_user" else "@dora:soma.test"
    assert_limited(act(alice, room_id, "invite", target))
    as_state = alice.put(
        f"{CLIENT}/rooms/{room_id}/state/m.room.member/{target}", {"membership": "invite"}
    )
    assert_limited(as_state)


def test_more_invites_than_are_allowed_at_once_are_refused_for_good(api: Api, alice: User) -> None:
    limit(api, rc_invites_per_issuer=3)
    four = [f"@{number}:soma.test" for number in range(4)]
    for _ in range(2):
        answer = alice.post(f"{CLIENT}/createRoom", {"invite": four})
        assert (answer.status, answer.errcode) == (400, "M_UNKNOWN")
    assert alice.post(f"{CLIENT}/createRoom", {"invite": four[:3]}).status == 200
    assert_limited(alice.post(f"{CLIENT}/createRoom", {"invite": four[:1]}))


def test_who_is_not_let_in_does_not_use_up_the_joins_of_a_room(
    api: Api, alice: User, bob: User, charlie: User
) -> None:
    closed, open_ = alice.create_room(), alice.create_room(preset="public_chat")
    act(alice, open_, "ban", bob)
    limit(api, rc_joins_per_room=1)
    for room_id in (closed, open_):
        for _ in range(3):
            assert act(bob, room_id, "join").status == 403
    act(alice, closed, "invite", charlie)
    for room_id in (closed, open_):
        assert act(charlie, room_id, "join").status == 200
    act(alice, closed, "invite", bob)
    answer = act(bob, closed, "join")
    assert (answer.status, answer.errcode) == (429, "M_LIMIT_EXCEEDED")


def test_tries_to_join_count_for_who_tries(api: Api, alice: User, bob: User) -> None:
    closed, open_ = alice.create_room(), alice.create_room(preset="public_chat")
    limit(api, rc_joins_local=2)
    assert [act(bob, closed, "join").status for _ in range(2)] == [403, 403]
    assert_limited(act(bob, open_, "join"))
    as_state = f"{CLIENT}/rooms/{open_}/state/m.room.member/{bob.user_id}"
    assert_limited(bob.put(as_state, {"membership": "join"}))


def test_profiles_are_looked_up_by_user_or_address(api: Api, alice: User, bob: User) -> None:
    limit(api, rc_profile=1)
    path = f"{CLIENT}/profile/{alice.user_id}"
    assert alice.get(path).status == 200
    assert_limited(alice.get(path))
    assert bob.get(path).status == 200
    assert api.get(path).status == 200
    assert_limited(api.get(f"{path}/displayname"))
    assert Api(api.wsgi, remote_address="192.0.2.1").get(path).status == 200


def test_moderators_have_a_limit_of_their_own_where_there_is_one(
    api: Api, alice: User, bob: User
) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    spam = [bob.send(room_id, "spam") for _ in range(3)]
    own = alice.send(room_id, "oh")

    def redact(user: User, event_id: str) -> Answer:
        return user.put(f"{CLIENT}/rooms/{room_id}/redact/{event_id}/{next(_numbers)}", {})

    limit(api, rc_message=1, rc_admin_redaction=2)
    assert redact(alice, spam[0]).status == 200
    assert redact(alice, own).status == 200
    assert_limited(redact(alice, own))
    assert redact(alice, spam[1]).status == 200
    assert_limited(redact(alice, spam[2]))


def test_an_allowance_of_ones_own_holds_for_messages_in_all_workers(limited: Make) -> None:
    first = limited(rc_message=1, rc_joins_local=1)
    second = limited(app_of(first).database.dsn, rc_message=1, rc_joins_local=1)
    owner = register(first, "owner")
    room_id = owner.create_room(preset="public_chat")
    alice = register(first, "alice")
    alice.join(room_id)
    there = through(alice, second)
    assert_limited(say(there, room_id))
    rate_limiting.put_own(app_of(first), alice.user_id, Allowance(HOUR, 3))
    # One of the three is spent.
    assert [say(there, room_id).status for _ in range(3)] == [200, 200, 429]
    # It is about messages: other limits are what they were.
    act(alice, room_id, "leave")
    assert rate_limiting.get_own(app_of(second), alice.user_id) == Allowance(HOUR, 3)
    rate_limiting.put_own(app_of(second), alice.user_id, Allowance(0, 0))
    assert [say(alice, room_id).status for _ in range(10)] == [200] * 10
    assert act(alice, room_id, "leave").status == act(there, room_id, "join").status == 200
    rate_limiting.put_own(app_of(first), alice.user_id, None)
    assert_limited(say(there, room_id))
    assert_limited(act(owner, room_id, "leave"))


def test_administrators_are_held_to_limits_as_well(api: Api, app: App) -> None:
    admin = an_admin(api, app)
    room_id = admin.create_room()
    limit(api, rc_message=1)
    assert say(admin, room_id).status == 200
    assert_limited(say(admin, room_id))


def a_service(is_limited: bool) -> ApplicationService:
    return ApplicationService(
        id="irc",
        url=None,
        as_token="as_token",
        hs_token="hs_token",
        sender_localpart="ircbot",
        namespaces={
            "users": (Namespace(re.compile("@_irc_.*"), True),),
            "aliases": (),
            "rooms": (),
        },
        rate_limited=is_limited,
    )


def register_ghost(api: Api, name: str) -> Answer:
    body = {"type": "m.login.application_service", "username": name, "inhibit_login": True}
    return api.post(f"{CLIENT}/register", body, "as_token")


def test_what_no_limit_holds_uses_up_nobody_elses(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    api = api_of(new_app(application_services=(a_service(is_limited=False),)))
    limit(api, rc_registration=1)
    assert [register_ghost(api, f"_irc_{n}").status for n in range(3)] == [200] * 3
    register(api, "alice")


@pytest.mark.parametrize("is_limited", [True, False])
def test_application_services_are_held_to_limits_where_their_registration_says_so(
    new_app: Callable[..., App], api_of: Callable[[App], Api], is_limited: bool
) -> None:
    app = new_app(application_services=(a_service(is_limited),))
    api = api_of(app)
    for name in ("ircbot", "_irc_bob"):
        assert register_ghost(api, name).status == 200
    bot = User(api, "@ircbot:soma.test", "as_token", "", "")
    room_id = bot.create_room()
    limit(api, rc_message=1, rc_invites_per_user=1, rc_invites_per_issuer=1, rc_joins_local=1)

    def as_ghost(path: str, body: object) -> int:
        query = {"user_id": "@_irc_bob:soma.test"}
        return api.post(f"{CLIENT}/{path}", body, "as_token", query).status

    # The service's own user sends as much as it likes; to invite is something else.
    assert [say(bot, room_id).status for _ in range(3)] == [200] * 3
    others = [act(bot, room_id, "invite", f"@{number}:soma.test").status for number in range(2)]
    assert others == ([200, 429] if is_limited else [200, 200])
    ghost = [as_ghost("createRoom", {}) for _ in range(2)]
    assert ghost == ([200, 429] if is_limited else [200, 200])


def test_a_refused_request_has_changed_nothing(api: Api, alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    limit(api, rc_message=1)
    assert say(alice, room_id).status == 200
    assert_limited(act(alice, room_id, "ban", bob))
    assert member(bob, room_id, bob)["membership"] == "join"
    assert_limited(display_name(alice, "Alice"))
    limit(api, rc_message=9)
    assert alice.get(f"{CLIENT}/profile/{alice.user_id}").json == {"displayname": "alice"}
