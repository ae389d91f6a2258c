"""The edge of the client-server API: paths, methods, CORS, security and bad input, over all
operations."""

import dataclasses
import io
import re
from collections.abc import Callable
from hashlib import sha256

import pytest

from generated.operations import OPERATIONS, Operation
from impl.app import App
from impl.config import Config
from impl.config.application_services import ApplicationService, Namespace
from impl.requester import Requester
from impl.web.account_rights import CLOSED_TO_SUSPENDED, OPEN_TO_GUESTS, OPEN_TO_LOCKED
from tests.api.api_client import Answer, Api, User
from tests.builders import ALICE, BOB, SERVER_NAME

CLIENT_OPERATIONS = [operation for operation in OPERATIONS if operation.api == "client-server"]
VERSIONS = "/_matrix/client/versions"
WHOAMI = "/_matrix/client/v3/account/whoami"
CREATE_FILTER = f"/_matrix/client/v3/user/{ALICE}/filter"
ACCOUNT_DATA = f"/_matrix/client/v3/user/{ALICE}/account_data/org.example"


def filled(operation: Operation) -> str:
    """The operation's path with something for each parameter."""
    return re.sub(r"\{[^}]*\}", "x", operation.path)


def assert_refused(answer: Answer, status: int, errcode: str) -> None:
    assert (answer.status, answer.errcode) == (status, errcode), answer
    assert answer.json["error"]
    assert answer.headers["access-control-allow-origin"] == "*"


def remember(app: App, requester: Requester, token: str) -> None:
    """A token that the worker knows already."""
    app.tokens_revocations = app.page.revocations()
    app.tokens[sha256(token.encode()).digest()] = requester


# Paths and methods


def test_an_unknown_path_is_unrecognized(api: Api) -> None:
    for path in ("/_matrix/client/v3/nothing", "/x", "//", "/_matrix/client/v3", VERSIONS + "/"):
        assert_refused(api.get(path), 404, "M_UNRECOGNIZED")


def test_a_wrong_method_is_unrecognized(api: Api) -> None:
    answer = api.delete(VERSIONS)
    assert_refused(answer, 405, "M_UNRECOGNIZED")
    assert answer.headers["allow"] == "GET, OPTIONS"
    assert_refused(api.request("BREW", VERSIONS), 405, "M_UNRECOGNIZED")


def test_options_is_answered_with_the_cors_headers_on_every_path(api: Api) -> None:
    for path in (VERSIONS, WHOAMI, "/_matrix/client/v3/nothing", "/"):
        answer = api.request("OPTIONS", path)
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == "*"
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
            assert method in answer.headers["access-control-allow-methods"]
        for name in ("X-Requested-With", "Content-Type", "Authorization"):
            assert name in answer.headers["access-control-allow-headers"]


def test_head_is_get_without_a_body(api: Api) -> None:
    whole, head = api.get("/health"), api.request("HEAD", "/health")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.body))


def test_the_front_page_and_the_health_check_answer(api: Api) -> None:
    assert b"Soma" in api.get("/").body
    assert api.get("/health").body == b"OK"


def test_versions_of_earlier_paths_are_served(api: Api, alice: User) -> None:
    answer = api.get("/_matrix/client/r0/account/whoami", token=alice.access_token)
    assert answer.json["user_id"] == alice.user_id


def test_every_answer_names_its_request(api: Api) -> None:
    names = {api.get(VERSIONS).headers["x-request-id"] for _ in range(3)}
    assert len(names) == 3


def test_a_listener_serves_its_resources_only(api: Api) -> None:
    federation = {"soma.resources": frozenset({"federation", "keys"})}
    assert api.request("GET", VERSIONS, headers=federation).status == 404
    client = {"soma.resources": frozenset({"client"})}
    assert api.request("GET", VERSIONS, headers=client).status == 200
    health = {"soma.resources": frozenset({"health"})}
    assert api.request("GET", "/health", headers=health).status == 200


# Security


def test_every_operation_with_security_wants_a_token(api: Api) -> None:
    checked = 0
    for operation in CLIENT_OPERATIONS:
        if not operation.security or operation.security_optional:
            continue
        route = api.wsgi.find(operation.method, filled(operation))
        if route.function is None:
            answer = api.request(operation.method, filled(operation), {})
            assert_refused(answer, 404, "M_UNRECOGNIZED")
            continue
        checked += 1
        answer = api.request(operation.method, filled(operation), {})
        assert_refused(answer, 401, "M_MISSING_TOKEN")
        answer = api.request(operation.method, filled(operation), {}, token="unknown")
        assert_refused(answer, 401, "M_UNKNOWN_TOKEN")
        assert answer.json["soft_logout"] is False
    assert checked


def test_guests_may_use_what_their_module_lists(api: Api, app: App) -> None:
    guest = Requester("@1:" + SERVER_NAME, "G", b"x", is_guest=True)
    for operation in CLIENT_OPERATIONS:
        route = api.wsgi.find(operation.method, filled(operation))
        if route.function is None or not operation.security or operation.security_optional:
            continue
        if operation.operation_id in OPEN_TO_GUESTS:
            continue
        remember(app, guest, "guest")
        answer = api.request(operation.method, filled(operation), {}, token="guest")
        assert_refused(answer, 403, "M_GUEST_ACCESS_FORBIDDEN")


def test_a_guest_may_look_at_what_strangers_may(api: Api, app: App, alice: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    remember(app, Requester("@1:" + SERVER_NAME, "G", b"x", is_guest=True), "guest")
    path = f"/_matrix/client/v1/room_summary/{room_id}"
    assert api.get(path).status == 200
    assert api.get(path, token="guest").json["membership"] == "leave"
    remember(app, Requester("@1:" + SERVER_NAME, "G", b"x", is_guest=True), "guest")
    assert api.get("/_matrix/client/v3/publicRooms", token="guest").status == 200


def test_a_guest_changes_no_profile_field_but_the_display_name(api: Api, app: App) -> None:
    user_id = "@1:" + SERVER_NAME
    remember(app, Requester(user_id, "G", b"x", is_guest=True), "guest")
    path = f"/_matrix/client/v3/profile/{user_id}/avatar_url"
    answer = api.put(path, {"avatar_url": "mxc://x/y"}, token="guest")
    assert_refused(answer, 403, "M_GUEST_ACCESS_FORBIDDEN")


def test_the_operations_that_are_open_to_some_exist() -> None:
    ids = {operation.operation_id for operation in OPERATIONS}
    assert ids >= OPEN_TO_GUESTS | OPEN_TO_LOCKED | CLOSED_TO_SUSPENDED


def test_a_token_may_stand_in_the_query(api: Api, alice: User) -> None:
    answer = api.get(WHOAMI, query={"access_token": alice.access_token})
    assert answer.json["user_id"] == alice.user_id


def test_another_scheme_of_authorization_is_no_token(api: Api) -> None:
    answer = api.request("GET", WHOAMI, headers={"HTTP_AUTHORIZATION": "Basic YTpi"})
    assert_refused(answer, 401, "M_MISSING_TOKEN")


def test_an_expired_token_is_a_soft_logout(api: Api, app: App) -> None:
    remember(app, Requester(ALICE, "D", b"x", token_expires_ts=app.now_ms() - 1), "expired")
    answer = api.get(WHOAMI, token="expired")
    assert_refused(answer, 401, "M_UNKNOWN_TOKEN")
    assert answer.json["soft_logout"] is True


def test_a_revoked_token_is_forgotten_at_once(api: Api, app: App) -> None:
    remember(app, Requester(ALICE, "D", b"x"), "revoked")
    assert api.get(WHOAMI, token="revoked").status == 200
    app.page.revoke()
    assert_refused(api.get(WHOAMI, token="revoked"), 401, "M_UNKNOWN_TOKEN")


def test_another_servers_request_is_not_believed(api: Api) -> None:
    for operation in OPERATIONS:
        if operation.api == "server-server" and "signedRequest" in operation.security:
            answer = api.request(operation.method, filled(operation), {})
            assert answer.status in (401, 404), operation.path


# Application services


@pytest.fixture
def bridge(new_app: Callable[..., App], api_of: Callable[[App], Api]) -> Api:
    """A server with an application service that has @bridge_...'s names to itself."""
    pattern = Namespace(re.compile("@bridge_.*"), True)
    service = ApplicationService(
        "bridge",
        None,
        "as token",
        "hs token",
        "bridge",
        {"users": (pattern,), "aliases": (), "rooms": ()},
    )
    return api_of(new_app(application_services=(service,)))


def test_an_application_service_speaks_for_its_own_user(bridge: Api) -> None:
    assert bridge.get(WHOAMI, token="as token").json["user_id"] == f"@bridge:{SERVER_NAME}"


def test_an_application_service_speaks_for_nobody_elses_user(bridge: Api) -> None:
    for user_id in (BOB, "@bridge_x:elsewhere.test", f"@bridge_unknown:{SERVER_NAME}"):
        answer = bridge.get(WHOAMI, token="as token", query={"user_id": user_id})
        assert_refused(answer, 403, "M_FORBIDDEN")


def test_an_application_service_names_devices_that_exist(bridge: Api) -> None:
    answer = bridge.get(WHOAMI, token="as token", query={"device_id": "NONE"})
    assert_refused(answer, 400, "M_UNKNOWN_DEVICE")


# Bad input

BAD_TARGETS = [
    f"{WHOAMI}?x=%zz&access_token=x",
    "/_matrix/client/v3/profile/%ff",
    "/_matrix/client/v3/profile/%",
    "/_matrix/client/v3/profile/@a%00:x",
    "/_matrix/client/v3/profile/\xff",
]


def test_a_path_or_query_that_cannot_be_decoded_is_refused(api: Api) -> None:
    for target in BAD_TARGETS:
        assert_refused(api.get(target), 400, "M_INVALID_PARAM")


NOT_JSON = {
    "empty": b"",
    "words": b"hello",
    "half": b'{"a": ',
    "two": b"{}{}",
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": Infinity}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "invalid UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "high surrogate": rb'{"a": "\ud800"}',
    "low surrogate": rb'{"a": "\udc00"}',
    "encoded surrogate": b'{"a": "\xed\xa0\x80"}',
    "NUL byte": b'{"a": "\x00"}',
}
BAD_JSON = {
    "array": b"[]",
    "string": b'"a"',
    "null": b"null",
    "NUL character": rb'{"a": "\u0000"}',
    "NUL in a key": rb'{"a\u0000": 1}',
    "double key": b'{"a": 1, "a": 2}',
    "double key within": b'{"a": [{"b": 1, "b": 1}]}',
    "huge number": b'{"a": 1e400}',
    "huge integer": b'{"a": ' + b"9" * 5000 + b"}",
    "integer beyond the range": b'{"a": 9007199254740992}',
    "deep object": b'{"a":' * 1001 + b"1" + b"}" * 1001,
    "deep array": b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}",
    "very deep array": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


def test_a_body_that_is_not_json_is_refused(api: Api, alice: User) -> None:
    for name, data in NOT_JSON.items():
        answer = api.request("PUT", ACCOUNT_DATA, data=data, token=alice.access_token)
        assert (answer.status, answer.errcode) == (400, "M_NOT_JSON"), name
    assert alice.get(ACCOUNT_DATA).status == 404


def test_a_body_of_a_wrong_shape_is_refused(api: Api, alice: User) -> None:
    for name, data in BAD_JSON.items():
        answer = api.request("PUT", ACCOUNT_DATA, data=data, token=alice.access_token)
        assert (answer.status, answer.errcode) == (400, "M_BAD_JSON"), name
    assert alice.get(ACCOUNT_DATA).status == 404


def test_invalid_utf_8_is_refused_in_fields_that_nobody_reads(api: Api) -> None:
    data = b'{"type": "m.login.password", "unknown": "\xff"}'
    answer = api.request("POST", "/_matrix/client/v3/login", data=data)
    assert_refused(answer, 400, "M_NOT_JSON")


def test_a_wrong_type_is_named_by_its_path(api: Api) -> None:
    answer = api.post("/_matrix/client/v3/login", {"type": "m.login.password", "identifier": 5})
    assert_refused(answer, 400, "M_BAD_JSON")
    assert answer.json["error"].startswith("identifier: ")


def test_a_body_over_the_limit_is_refused_unread(api: Api, app: App) -> None:
    remember(app, Requester(ALICE, "D", b"x"), "alice")
    headers = {"CONTENT_LENGTH": str(1 << 40), "wsgi.input": None}
    answer = api.request("PUT", ACCOUNT_DATA, {}, token="alice", headers=headers)
    assert_refused(answer, 413, "M_TOO_LARGE")


def test_a_chunked_body_over_the_limit_is_refused(api: Api, app: App) -> None:
    remember(app, Requester(ALICE, "D", b"x"), "alice")
    headers = {
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": io.BytesIO(b" " * (5 << 20)),
    }
    answer = api.request("PUT", ACCOUNT_DATA, token="alice", headers=headers)
    assert_refused(answer, 413, "M_TOO_LARGE")


def test_a_wrong_content_length_is_refused(api: Api, app: App) -> None:
    remember(app, Requester(ALICE, "D", b"x"), "alice")
    for length in ("x", "-1", "1e3", "9" * 30, "\u0661"):
        headers = {"CONTENT_LENGTH": length}
        answer = api.request("PUT", ACCOUNT_DATA, {}, token="alice", headers=headers)
        assert_refused(answer, 400, "M_INVALID_PARAM")


def test_a_body_that_ends_early_is_refused(api: Api, app: App) -> None:
    remember(app, Requester(ALICE, "D", b"x"), "alice")
    answer = api.request("PUT", ACCOUNT_DATA, {}, token="alice", headers={"CONTENT_LENGTH": "10"})
    assert_refused(answer, 400, "M_NOT_JSON")


def test_a_content_type_is_not_asked_for(api: Api, alice: User) -> None:
    answer = api.request(
        "PUT", ACCOUNT_DATA, {}, token=alice.access_token, headers={"CONTENT_TYPE": "text/plain"}
    )
    assert answer.status == 200


def test_a_missing_parameter_of_the_query_is_named(api: Api) -> None:
    answer = api.get("/_matrix/client/v1/register/m.login.registration_token/validity")
    assert_refused(answer, 400, "M_MISSING_PARAM")
    assert "token" in answer.json["error"]


def test_a_wrong_parameter_of_the_query_is_named(api: Api, app: App) -> None:
    remember(app, Requester(ALICE, "D", b"x"), "alice")
    answer = api.get("/_matrix/client/v3/sync", token="alice", query={"timeout": "soon"})
    assert_refused(answer, 400, "M_INVALID_PARAM")
    assert answer.json["error"].startswith("timeout: ")


# Rate limits


def test_too_many_logins_from_an_address_have_to_wait(
    new_app: Callable[..., App], api_of: Callable[[App], Api], config: Config
) -> None:
    limits = config.rate_limits
    slow = dataclasses.replace(limits.rc_login_address, per_second=0.003, burst_count=3)
    app = new_app(rate_limits=dataclasses.replace(limits, rc_login_address=slow))
    api = api_of(app)
    body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "x"}}
    body["password"] = "wrong"
    for _ in range(3):
        assert_refused(api.post("/_matrix/client/v3/login", body), 403, "M_FORBIDDEN")
    answer = api.post("/_matrix/client/v3/login", body)
    assert_refused(answer, 429, "M_LIMIT_EXCEEDED")
    assert int(answer.headers["retry-after"]) * 1000 >= answer.json["retry_after_ms"] > 300_000
    elsewhere = Api(api.wsgi, remote_address="192.0.2.1")
    assert_refused(elsewhere.post("/_matrix/client/v3/login", body), 403, "M_FORBIDDEN")
