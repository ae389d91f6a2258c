"""Every operation that has `security` in the specification asks who comes; what nobody has written
says so.
"""

import re

import pytest

from generated.operations import Operation
from impl.core import request_auth
from tests.api.api_client import Answer, Api
from tests.contract.implemented import IMPLEMENTED, STUBBED, place_of

GUARDED = [one for one in IMPLEMENTED if one.security and not one.security_optional]


FOR_SERVERS = [one for one in GUARDED if "signedRequest" in one.security]


def ask(
    api: Api, operation: Operation, token: str | None, authorization: str | None = None
) -> Answer:
    path = re.sub(r"\{\w+\}", "x", operation.path)
    body = [{}] if operation.method in ("PUT", "POST") else []
    headers = {} if authorization is None else {"HTTP_AUTHORIZATION": authorization}
    return api.request(operation.method, path, *body, token=token, headers=headers)


@pytest.mark.parametrize("operation", GUARDED, ids=place_of)
def test_without_credentials_it_is_401(operation: Operation, contract_api: Api) -> None:
    answer = ask(contract_api, operation, None)
    expected = "M_UNAUTHORIZED" if "signedRequest" in operation.security else "M_MISSING_TOKEN"
    assert (answer.status, answer.errcode) == (401, expected)


@pytest.mark.parametrize("operation", GUARDED, ids=place_of)
def test_with_wrong_credentials_it_is_401(operation: Operation, contract_api: Api) -> None:
    answer = ask(contract_api, operation, "wrong")
    expected = "M_UNAUTHORIZED" if "signedRequest" in operation.security else "M_UNKNOWN_TOKEN"
    assert (answer.status, answer.errcode) == (401, expected)


@pytest.mark.parametrize("origin", ["elsewhere.test", "soma.test", ""])
@pytest.mark.parametrize("operation", FOR_SERVERS, ids=place_of)
def test_what_no_server_has_signed_is_401(
    operation: Operation, origin: str, contract_api: Api
) -> None:
    signed = request_auth.write(origin, "soma.test", "ed25519:test", "A" * 86)
    answer = ask(contract_api, operation, None, signed)
    assert (answer.status, answer.errcode) == (401, "M_UNAUTHORIZED")


@pytest.mark.parametrize("operation", STUBBED, ids=place_of)
def test_what_nobody_has_written_is_unrecognized(operation: Operation, contract_api: Api) -> None:
    answer = ask(contract_api, operation, None)
    assert (answer.status, answer.errcode) == (404, "M_UNRECOGNIZED")
