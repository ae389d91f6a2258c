"""Every implemented operation under input that schemathesis makes of the specification, signed by
another server where it has to be: never a fault of ours, every 4xx with an errcode, and each answer
as its schema says (api_client.py checks that).

In CI a few examples for each, always the same. `SOMA_CONTRACT_EXAMPLES=200` asks for more, and new
ones.
"""

import functools
import itertools
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from generated.operations import Operation
from tests.api.api_client import Answer, Api, register
from tests.contract import another_server
from tests.contract.implemented import IMPLEMENTED, place_of

ROOT = Path(__file__).parents[2]
BUNDLES = ROOT / "generated" / "openapi-3.1"
EXAMPLES = int(os.environ.get("SOMA_CONTRACT_EXAMPLES", "5"))
METHODS_WITH_BODY = {"PUT", "POST", "DELETE"}
# A poll must not wait.
AT_ONCE = {"timeout": 0}
# These do, if nothing is said.
_WAITING = {"getEvents"}

_names = itertools.count(1)


@functools.cache
def specification(api: str) -> Any:
    return schemathesis.openapi.from_dict(json.loads((BUNDLES / f"{api}.json").read_text()))


class Prober:
    """A user with a room who sends what was made up, and looks at what comes back."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._begin()

    def _begin(self) -> None:
        number = next(_names)
        user = self._user = register(self._api, f"tester{number}")
        other = register(self._api, f"other{number}")
        room_id = user.create_room(preset="public_chat", topic="x", room_alias_name=f"a{number}")
        another_server.join(self._api, room_id)
        # What a generated identifier never hits: things that there are.
        self._real = {
            "roomId": room_id,
            "roomIdOrAlias": room_id,
            "roomAlias": f"#a{number}:soma.test",
            "userId": user.user_id,
            "deviceId": user.device_id,
            "eventId": user.send(room_id, "x"),
            "eventType": "m.room.topic",
            "filterId": self._make("POST", "filter", {})["filter_id"],
            "type": "org.soma.test",
            "keyName": "displayname",
            "receiptType": "m.read",
            "kind": "override",
            "ruleId": ".m.rule.master",
            "sessionId": "session",
        }
        self._make_backup(room_id)
        self._real_in_body = {
            "user_id": other.user_id,
            "room_id": room_id,
            "username": f"new{number}",
            "displayname": "x",
            "new_version": "11",
        }
        self._make("PUT", "account_data/org.soma.test", {})
        self._make("PUT", f"rooms/{quote(room_id, safe='')}/account_data/org.soma.test", {})

    def _make(self, method: str, path: str, body: object) -> Any:
        return self._ask(method, f"user/{quote(self._user.user_id, safe='')}/{path}", body)

    def _make_backup(self, room_id: str) -> None:
        made = self._ask("POST", "room_keys/version", {"algorithm": "x", "auth_data": {}})
        # In a path and in a query.
        self._real["version"] = made["version"]
        counts = {"first_message_index": 1, "forwarded_count": 0, "is_verified": True}
        place = f"room_keys/keys/{quote(room_id, safe='')}/session?version={made['version']}"
        self._ask("PUT", place, {**counts, "session_data": {}})

    def _ask(self, method: str, path: str, body: object) -> Any:
        answer = self._user.api.request(
            method, f"/_matrix/client/v3/{path}", body, token=self._user.access_token
        )
        assert answer.status == 200, answer
        return answer.json

    def try_out(self, operation: Operation, case: Any, use_real: bool) -> None:
        answer = self._send(operation, case, use_real)
        shown = f"{operation.method} {case.formatted_path} {case.query} {case.body!r}"
        # 502: another server was to be asked, and here none can be.
        assert answer.status < 500 or answer.status == 502, f"{shown}: {answer}"
        if "signedRequest" in operation.security:
            assert answer.status != 401, f"{shown}: {answer}"
        # What is not called JSON, nobody would hold against a schema.
        assert answer.headers.get("content-type") == "application/json", f"{shown}: {answer}"
        # User-interactive authentication: which stages there are is no error.
        if answer.status >= 400 and not (answer.status == 401 and "flows" in answer.json):
            assert isinstance(answer.errcode, str) and answer.errcode, f"{shown}: {answer}"
        if answer.status == 401 and answer.errcode == "M_UNKNOWN_TOKEN":
            # It was a logout that came before.
            self._begin()

    def _send(self, operation: Operation, case: Any, use_real: bool) -> Answer:
        path = case.path
        for name, value in (case.path_parameters or {}).items():
            if use_real:
                value = self._real.get(name, value)
            path = path.replace(f"{{{name}}}", quote(_as_text(value), safe=""))
        body = case.body
        if use_real and isinstance(body, dict):
            body = {name: self._real_in_body.get(name, value) for name, value in body.items()}
        query = dict(case.query or {})
        if use_real and "version" in query:
            query["version"] = self._real["version"]
        if "timeout" in query or operation.operation_id in _WAITING:
            query |= AT_ONCE
        if query:
            given = {name: _as_query(value) for name, value in query.items()}
            path += "?" + urlencode(given, doseq=True)
        data = _as_bytes(body) if operation.method in METHODS_WITH_BODY else b""
        token, headers = self._user.access_token, {}
        if "signedRequest" in operation.security:
            signed = another_server.authorization(operation.method, path, data)
            token, headers = None, {"HTTP_AUTHORIZATION": signed}
        return self._api.request(operation.method, path, token=token, data=data, headers=headers)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _as_query(value: object) -> object:
    return [_as_text(one) for one in value] if isinstance(value, list) else _as_text(value)


def _as_bytes(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    try:
        return json.dumps(body).encode()
    except TypeError:
        # Without a body.
        return b""


@pytest.mark.parametrize("operation", IMPLEMENTED, ids=place_of)
def test_generated_input_is_answered_as_the_specification_says(
    operation: Operation, contract_api: Api
) -> None:
    described = specification(operation.api)[operation.path][operation.method.lower()]
    made = st.one_of(
        described.as_strategy(generation_mode=GenerationMode.POSITIVE),
        described.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )
    prober = Prober(contract_api)

    @settings(
        max_examples=EXAMPLES,
        derandomize="SOMA_CONTRACT_EXAMPLES" not in os.environ,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=made, use_real=st.booleans())
    def try_out(case: Any, use_real: bool) -> None:
        prober.try_out(operation, case, use_real)

    try_out()
