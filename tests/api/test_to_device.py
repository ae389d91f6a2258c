"""PUT /sendToDevice and what /sync says of it, as clients see them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from impl.app import App
from tests.api.api_client import Api, User, register

SEND = "/_matrix/client/v3/sendToDevice"
SYNC = "/_matrix/client/v3/sync"
LOGIN = "/_matrix/client/v3/login"


def log_in(user: User, device_id: str) -> User:
    """The same user on another device."""
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user.user_id},
        "password": user.password,
        "device_id": device_id,
    }
    made = user.api.post(LOGIN, body).json
    return User(user.api, user.user_id, made["access_token"], device_id, user.password)


def heard(user: User, since: str | None = None) -> tuple[list[dict[str, Any]], str]:
    answer = user.get(SYNC, {"since": since} if since else None)
    assert answer.status == 200
    return answer.json["to_device"]["events"], answer.json["next_batch"]


def test_a_message_is_heard_once_on_each_device(alice: User, bob: User) -> None:
    phone = log_in(bob, "PHONE")
    content = {"body": "hello"}
    answer = alice.put(f"{SEND}/m.new_device/1", {"messages": {bob.user_id: {"*": content}}})
    assert (answer.status, answer.json) == (200, {})
    for device in (bob, phone):
        events, since = heard(device)
        assert events == [{"type": "m.new_device", "sender": alice.user_id, "content": content}]
        assert heard(device, since)[0] == []
    assert heard(alice)[0] == []


def test_the_same_request_is_answered_the_same_and_does_nothing(alice: User, bob: User) -> None:
    body = {"messages": {bob.user_id: {bob.device_id: {"n": 1}}}}
    answers = [alice.put(f"{SEND}/m.test/once", body) for _ in range(3)]
    assert {(one.status, one.body) for one in answers} == {(200, b"{}")}
    assert len(heard(bob)[0]) == 1


def test_nobody_at_all_is_no_error(alice: User) -> None:
    assert alice.put(f"{SEND}/m.test/1", {"messages": {}}).json == {}
    assert alice.put(f"{SEND}/m.test/2", {"messages": {"@x:else.where": {"*": {}}}}).json == {}


def test_a_type_may_hold_what_a_path_may_not(alice: User, bob: User) -> None:
    body = {"messages": {bob.user_id: {"*": {}}}}
    assert alice.put(f"{SEND}/a%2Fb%20%C3%A4/x%2Fy", body).status == 200
    assert [one["type"] for one in heard(bob)[0]] == ["a/b ä"]


def test_guests_may_send_and_hear(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    api = api_of(new_app(allow_guest_access=True))
    guest = api.post("/_matrix/client/v3/register", {}, query={"kind": "guest"}).json
    body = {"messages": {guest["user_id"]: {"*": {"n": 1}}}}
    assert api.put(f"{SEND}/m.test/1", body, guest["access_token"]).status == 200
    answer = api.get(SYNC, guest["access_token"])
    assert [one["content"] for one in answer.json["to_device"]["events"]] == [{"n": 1}]


def test_it_takes_a_token(api: Api) -> None:
    answer = api.put(f"{SEND}/m.test/1", {"messages": {}})
    assert (answer.status, answer.errcode) == (401, "M_MISSING_TOKEN")


@pytest.mark.parametrize(
    ("body", "status", "errcode"),
    [
        ({}, 400, "M_BAD_JSON"),
        ({"messages": None}, 400, "M_BAD_JSON"),
        ({"messages": []}, 400, "M_BAD_JSON"),
        ({"messages": {"@bob:soma.test": []}}, 400, "M_BAD_JSON"),
        ({"messages": {"@bob:soma.test": {"*": "x"}}}, 400, "M_BAD_JSON"),
        ({"messages": {"@bob:soma.test": {"*": None}}}, 400, "M_BAD_JSON"),
        ({"messages": {"bob": {"*": {}}}}, 400, "M_INVALID_PARAM"),
        ({"messages": {"@bob:soma.test": {"*": {"k": "x" * 65_536}}}}, 413, "M_TOO_LARGE"),
        (
            {"messages": {"@bob:soma.test": {f"D{n}": {} for n in range(10_001)}}},
            413,
            "M_TOO_LARGE",
        ),
        ({"messages": {f"@u{n}:x.test": {"*": {}} for n in range(10_001)}}, 413, "M_TOO_LARGE"),
        ([], 400, "M_BAD_JSON"),
    ],
)
def test_a_body_that_cannot_be_is_refused(
    alice: User, bob: User, body: object, status: int, errcode: str
) -> None:
    answer = alice.put(f"{SEND}/m.test/1", body)
    assert (answer.status, answer.errcode) == (status, errcode)
    assert "messages" in answer.json["error"] or body == []
    # Nothing was done in its name: it may come again as it should be.
    good = {"messages": {bob.user_id: {"*": {"n": 1}}}}
    assert alice.put(f"{SEND}/m.test/1", good).status == 200
    assert [one["content"] for one in heard(bob)[0]] == [{"n": 1}]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"messages": {"@bob:soma.test": {"*": {"k": "\\ud800"}}}}',
        b'{"messages": {"@bob:soma.test": {"\\ud800": {}}}}',
        b'{"messages": {"@bob:soma.test": {"*": {"k": 1e999}}}}',
        b'{"messages": {"@bob:soma.test": {"*": ' + b'{"k":' * 5000 + b"1" + b"}" * 5002,
    ],
)
def test_bytes_that_cannot_be_are_refused(alice: User, bob: User, data: bytes) -> None:
    answer = alice.api.request("PUT", f"{SEND}/m.test/1", token=alice.access_token, data=data)
    assert answer.status == 400
    assert answer.errcode in ("M_BAD_JSON", "M_NOT_JSON")
    assert heard(bob)[0] == []


@pytest.mark.parametrize(
    "path", ["m.test%00/1", "m.test/1%00", f"{'t' * 256}/1", f"m.test/{'1' * 256}"]
)
def test_a_path_that_cannot_be_is_refused(alice: User, path: str) -> None:
    answer = alice.put(f"{SEND}/{path}", {"messages": {}})
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_a_body_of_megabytes_is_refused(alice: User, bob: User) -> None:
    contents = {f"D{n}": {"k": "x" * 60_000} for n in range(80)}
    answer = alice.put(f"{SEND}/m.test/1", {"messages": {bob.user_id: contents}})
    assert (answer.status, answer.errcode) == (413, "M_TOO_LARGE")


def test_logging_out_takes_what_waits_along(api: Api, alice: User, bob: User) -> None:
    phone = log_in(bob, "PHONE")
    body = {"messages": {bob.user_id: {"PHONE": {"n": 1}}}}
    alice.put(f"{SEND}/m.test/1", body)
    assert phone.post("/_matrix/client/v3/logout", {}).status == 200
    assert heard(log_in(bob, "PHONE"))[0] == []


def test_the_old_event_stream_has_none(alice: User) -> None:
    dave = register(alice.api, "dave")
    start = dave.get("/_matrix/client/v3/initialSync").json["end"]
    alice.put(f"{SEND}/m.test/1", {"messages": {dave.user_id: {"*": {}}}})
    answer = dave.get("/_matrix/client/v3/events", {"from": start, "timeout": 0})
    assert json.loads(answer.body)["chunk"] == []
    assert len(heard(dave)[0]) == 1
