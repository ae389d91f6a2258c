"""Users and sessions of application services: POST /register and /login with the service's token.
Application Service API, "Server admin style permissions"."""

import re
from collections.abc import Callable

import pytest

from impl.app import App
from impl.config.application_services import ApplicationService, Namespace
from tests.api.accounts_actions import an_admin, moderate
from tests.api.api_client import Answer, Api

REGISTER = "/_matrix/client/v3/register"
LOGIN = "/_matrix/client/v3/login"
DEVICES = "/_matrix/client/v3/devices"
TYPE = "m.login.application_service"


def a_service(name: str, localparts: str) -> ApplicationService:
    return ApplicationService(
        id=name,
        url=None,
        as_token=f"{name} as_token",
        hs_token=f"{name} hs_token",
        sender_localpart=f"{name}bot",
        namespaces={
            "users": (Namespace(re.compile(f"@{localparts}"), True),),
            "aliases": (),
            "rooms": (),
        },
    )


@pytest.fixture
def irc(new_app: Callable[..., App], api_of: Callable[[App], Api]) -> Api:
    services = (a_service("irc", "_irc_.*"), a_service("xmpp", "_xmpp_.*"))
    return api_of(new_app(application_services=services))


def register(api: Api, username: str, token: str | None = "irc as_token", **more: object) -> Answer:
    return api.post(REGISTER, {"type": TYPE, "username": username, **more}, token)


def log_in(api: Api, user: str, token: str | None = "irc as_token", **more: object) -> Answer:
    identifier = {"type": "m.id.user", "user": user}
    return api.post(LOGIN, {"type": TYPE, "identifier": identifier, **more}, token)


def test_a_service_registers_its_users_without_stages(irc: Api) -> None:
    answer = register(irc, "_irc_bob", inhibit_login=True)
    assert answer.json == {"user_id": "@_irc_bob:soma.test", "home_server": "soma.test"}
    again = register(irc, "_irc_bob")
    assert (again.status, again.errcode) == (400, "M_USER_IN_USE")


def test_a_service_registers_its_own_user(irc: Api) -> None:
    assert register(irc, "ircbot").status == 200


@pytest.mark.parametrize("username", ["bob", "_xmpp_bob"])
def test_a_service_cannot_register_beyond_its_namespaces(irc: Api, username: str) -> None:
    answer = register(irc, username)
    assert (answer.status, answer.errcode) == (400, "M_EXCLUSIVE")


@pytest.mark.parametrize("token", [None, "nonsense"])
def test_without_the_service_s_token_nothing_is_registered(irc: Api, token: str | None) -> None:
    assert register(irc, "_irc_bob", token).status == 401
    assert log_in(irc, "_irc_bob", token).status == 401


def test_people_cannot_take_a_service_s_names(irc: Api) -> None:
    answer = irc.get(REGISTER + "/available", query={"username": "_irc_bob"})
    assert answer.status == 400


def test_a_service_logs_its_users_in(irc: Api) -> None:
    register(irc, "_irc_bob", inhibit_login=True)
    answer = log_in(irc, "_irc_bob", device_id="BRIDGE")
    assert answer.status == 200
    assert answer.json["device_id"] == "BRIDGE"
    whoami = irc.get("/_matrix/client/v3/account/whoami", answer.json["access_token"])
    assert whoami.json["user_id"] == "@_irc_bob:soma.test"


def test_a_service_cannot_log_others_in(irc: Api) -> None:
    for user in ("alice", "_xmpp_bob"):
        answer = log_in(irc, user)
        assert (answer.status, answer.errcode) == (400, "M_EXCLUSIVE")
    assert log_in(irc, "_irc_nobody").errcode == "M_FORBIDDEN"


def test_a_user_s_token_is_not_a_service_s(irc: Api) -> None:
    token = register(irc, "_irc_bob").json["access_token"]
    assert register(irc, "_irc_carl", token).status == 401
    answer = log_in(irc, "_irc_bob", token)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_a_service_makes_and_deletes_devices_without_authentication(irc: Api) -> None:
    register(irc, "_irc_bob", inhibit_login=True)
    bob = {"user_id": "@_irc_bob:soma.test"}
    token = "irc as_token"
    made = irc.put(f"{DEVICES}/PHONE", {"display_name": "Phone"}, token, bob)
    assert made.status == 201
    assert irc.put(f"{DEVICES}/PHONE", {}, token, bob).status == 200
    assert irc.get(f"{DEVICES}/PHONE", token, bob).json["display_name"] == "Phone"
    assert irc.delete(f"{DEVICES}/PHONE", {}, token, bob).status == 200
    assert irc.get(f"{DEVICES}/PHONE", token, bob).status == 404


def test_a_service_that_is_not_registered_itself_has_no_devices(irc: Api) -> None:
    answer = irc.put(f"{DEVICES}/PHONE", {}, "irc as_token")
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_a_service_ends_its_users_accounts_without_authentication(irc: Api) -> None:
    register(irc, "_irc_bob", inhibit_login=True)
    deactivate = "/_matrix/client/v3/account/deactivate"
    bob = {"user_id": "@_irc_bob:soma.test"}
    assert irc.post(deactivate, {}, "irc as_token", bob).status == 200
    assert log_in(irc, "_irc_bob").errcode == "M_USER_DEACTIVATED"


@pytest.mark.parametrize("what", ["lock", "suspend"])
def test_a_service_cannot_do_for_its_users_what_these_may_not(
    new_app: Callable[..., App], api_of: Callable[[App], Api], what: str
) -> None:
    app = new_app(application_services=(a_service("irc", "_irc_.*"),))
    irc = api_of(app)
    register(irc, "_irc_bob", inhibit_login=True)
    bob = {"user_id": "@_irc_bob:soma.test"}
    make = "/_matrix/client/v3/createRoom"
    assert irc.post(make, {}, "irc as_token", bob).status == 200
    moderate(an_admin(irc, app), what, bob["user_id"], True)
    answer = irc.post(make, {}, "irc as_token", bob)
    refused = {"lock": (401, "M_USER_LOCKED"), "suspend": (403, "M_USER_SUSPENDED")}
    assert (answer.status, answer.errcode) == refused[what]
    # The service's other users go on.
    register(irc, "_irc_eve", inhibit_login=True)
    eve = {"user_id": "@_irc_eve:soma.test"}
    assert irc.post(make, {}, "irc as_token", eve).status == 200
