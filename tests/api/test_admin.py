"""admin.yaml of client-server: whois, lock, suspend."""

from collections.abc import Callable
from urllib.parse import quote

import gevent
import pytest

from impl.app import App
from tests.api.accounts_actions import ADMIN, an_admin, look, moderate, through
from tests.api.api_client import Answer, Api, User, register
from tests.services.sync_client import until_waiting

V3 = "/_matrix/client/v3"


@pytest.fixture
def admin(api: Api, app: App) -> User:
    return an_admin(api, app)


def whois(user: User, user_id: str) -> Answer:
    return user.get(f"{V3}/admin/whois/{quote(user_id, safe='')}")


def assert_refused(answer: Answer, status: int, errcode: str) -> None:
    assert (answer.status, answer.errcode) == (status, errcode), answer


def test_whois_says_from_where_devices_came(api: Api, admin: User, alice: User) -> None:
    agent = {"HTTP_USER_AGENT": "Client/1.0"}
    api.request("GET", f"{V3}/account/whoami", token=alice.access_token, headers=agent)
    told = whois(admin, alice.user_id).json
    assert told["user_id"] == alice.user_id
    connection = told["devices"][alice.device_id]["sessions"][0]["connections"][0]
    assert (connection["ip"], connection["user_agent"]) == ("127.0.0.1", "Client/1.0")
    assert connection["last_seen"] > 0
    assert whois(alice, alice.user_id).json["devices"].keys() == {alice.device_id}


def test_whois_is_for_administrators_and_oneself(alice: User, bob: User, admin: User) -> None:
    assert_refused(whois(alice, bob.user_id), 403, "M_FORBIDDEN")
    # Whether or not there is such a user.
    assert_refused(whois(alice, "@nobody:soma.test"), 403, "M_FORBIDDEN")
    assert_refused(whois(admin, "@nobody:soma.test"), 404, "M_NOT_FOUND")
    assert_refused(whois(admin, "@somebody:elsewhere.test"), 400, "M_INVALID_PARAM")
    assert_refused(whois(admin, "somebody"), 400, "M_INVALID_PARAM")


@pytest.mark.parametrize("what", ["lock", "suspend"])
def test_it_is_set_and_seen(admin: User, alice: User, what: str) -> None:
    name = f"{what}ed"
    assert look(admin, what, alice.user_id).json == {name: False}
    for value in (True, True, False):
        assert moderate(admin, what, alice.user_id, value).json == {name: value}
        assert look(admin, what, alice.user_id).json == {name: value}


@pytest.mark.parametrize("what", ["lock", "suspend"])
def test_whom_it_cannot_be_done_to(api: Api, app: App, admin: User, alice: User, what: str) -> None:
    other = an_admin(api, app, "other")
    gone = register(api, "gone")
    with app.database.transaction() as txn:
        txn.execute("UPDATE users SET is_deactivated = TRUE WHERE user_id = %s", (gone.user_id,))
    for user_id, status, errcode in (
        (other.user_id, 403, "M_FORBIDDEN"),
        (gone.user_id, 404, "M_NOT_FOUND"),
        ("@nobody:soma.test", 404, "M_NOT_FOUND"),
        ("@alice:elsewhere.test", 400, "M_INVALID_PARAM"),
        ("alice", 400, "M_INVALID_PARAM"),
    ):
        assert_refused(look(admin, what, user_id), status, errcode)
        assert_refused(moderate(admin, what, user_id, True), status, errcode)
    assert_refused(moderate(admin, what, admin.user_id, True), 403, "M_FORBIDDEN")
    assert look(admin, what, admin.user_id).json == {f"{what}ed": False}
    # Nobody learns who has an account here.
    for user_id in (alice.user_id, admin.user_id, "@nobody:soma.test", "x"):
        assert_refused(look(alice, what, user_id), 403, "M_FORBIDDEN")
        assert_refused(moderate(alice, what, user_id, True), 403, "M_FORBIDDEN")


@pytest.mark.parametrize("what", ["lock", "suspend"])
def test_what_is_not_a_yes_or_no_is_refused(admin: User, alice: User, what: str) -> None:
    place = f"{ADMIN}/{what}/{quote(alice.user_id, safe='')}"
    for body in ({}, {f"{what}ed": "true"}, {f"{what}ed": None}, []):
        assert_refused(admin.put(place, body), 400, "M_BAD_JSON")
    assert look(admin, what, alice.user_id).json == {f"{what}ed": False}


def test_the_capability_is_told_to_administrators(admin: User, alice: User) -> None:
    told = admin.get(f"{V3}/capabilities").json["capabilities"]
    assert told["m.account_moderation"] == {"lock": True, "suspend": True}
    assert "m.account_moderation" not in alice.get(f"{V3}/capabilities").json["capabilities"]


def test_who_is_locked_can_only_log_out(api: Api, admin: User, alice: User) -> None:
    moderate(admin, "lock", alice.user_id, True)
    for path in ("account/whoami", "sync", f"profile/{alice.user_id}", "joined_rooms"):
        answer = alice.get(f"{V3}/{path}")
        assert_refused(answer, 401, "M_USER_LOCKED")
        assert answer.json["soft_logout"] is True
    login = {"type": "m.login.password", "user": "alice", "password": alice.password}
    answer = api.post(f"{V3}/login", login)
    assert_refused(answer, 401, "M_USER_LOCKED")
    assert answer.json["soft_logout"] is True
    assert_refused(api.post(f"{V3}/login", {**login, "password": "no"}), 403, "M_FORBIDDEN")

    moderate(admin, "lock", alice.user_id, False)
    assert alice.get(f"{V3}/account/whoami").status == 200
    moderate(admin, "lock", alice.user_id, True)
    assert alice.post(f"{V3}/logout", {}).status == 200
    assert_refused(alice.get(f"{V3}/account/whoami"), 401, "M_UNKNOWN_TOKEN")


def test_a_lock_does_not_let_tokens_be_refreshed(api: Api, admin: User, alice: User) -> None:
    login = {"type": "m.login.password", "user": "alice", "password": alice.password}
    tokens = api.post(f"{V3}/login", {**login, "refresh_token": True}).json
    refresh = {"refresh_token": tokens["refresh_token"]}
    moderate(admin, "lock", alice.user_id, True)
    assert_refused(api.post(f"{V3}/refresh", refresh), 401, "M_USER_LOCKED")
    # The session is kept.
    moderate(admin, "lock", alice.user_id, False)
    assert api.post(f"{V3}/refresh", refresh).status == 200


def test_a_lock_holds_at_once_in_every_worker(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    one = new_app()
    other = new_app(dsn=one.database.dsn)
    alice = register(api_of(one), "alice")
    admin = an_admin(api_of(one), one)
    there = through(alice, api_of(other))
    # Who is seen to come online has news.
    unseen = {"set_presence": "offline"}
    since = there.get(f"{V3}/sync", unseen).json["next_batch"]
    poll = gevent.spawn(there.get, f"{V3}/sync", {"since": since, "timeout": 30_000, **unseen})
    until_waiting(other)

    moderate(admin, "lock", alice.user_id, True)
    assert_refused(there.get(f"{V3}/account/whoami"), 401, "M_USER_LOCKED")
    # What was waited for is not told either.
    other.begin_shutdown()
    assert_refused(poll.get(timeout=10), 401, "M_USER_LOCKED")


def test_where_nobody_is_asked_who_they_are_a_lock_is_nothing(
    api: Api, admin: User, alice: User
) -> None:
    moderate(admin, "lock", alice.user_id, True)
    assert api.get("/_matrix/client/versions", alice.access_token).status == 200
