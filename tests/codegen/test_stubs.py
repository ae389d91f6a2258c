"""Operations -> stub functions and the operation table."""

import sys
from types import ModuleType

import msgspec
import pytest

from codegen.load import SpecError
from codegen.operations import read_operations
from codegen.stubs import body_may_be_missing, module_text, operations_text
from tests.codegen.small_specs import answer, body, document, module_of, operation, text_of

ROOM = {"in": "path", "name": "roomId", "required": True, "schema": {"type": "string"}}
TYPE = {"in": "path", "name": "eventType", "required": True, "schema": {"type": "string"}}
LIMIT = {"in": "query", "name": "limit", "schema": {"type": "integer", "minimum": 1}}
FROM = {"in": "query", "name": "from", "required": True, "schema": {"type": "string"}}
VIA = {"in": "query", "name": "via", "schema": {"type": "array", "items": {"type": "string"}}}
HEADER = {"in": "header", "name": "X-Limit", "schema": {"type": "integer"}}
LENGTH = {"in": "header", "name": "Content-Type", "schema": {"type": "string"}}
TOKEN = [{"accessTokenBearer": []}]
REASON = {"type": "object", "properties": {"reason": {"type": "string"}}}
USER = {"type": "object", "properties": {"user_id": {"type": "string"}}, "required": ["user_id"]}


def small(**node):
    paths = {"/{roomId}/{eventType}": {"put": operation("putIt", parameters=[TYPE, ROOM], **node)}}
    return {"client-server/small.yaml": document(paths)}


def signature(specs):
    text = text_of(specs)
    stub = text[text.index("\ndef put_it(") :]
    return stub[: stub.index('"""')]


def rows(specs):
    """The operation table of one file, executed."""
    operations = read_operations(specs)
    names = {
        f"{o.api.name}/{i}": n for o in operations for i, n in module_text(operations)[1].items()
    }
    module = ModuleType("small_table")
    sys.modules[module.__name__] = module
    exec(operations_text(operations, names), module.__dict__)
    return module


def test_the_arguments_come_in_the_agreed_order():
    specs = small(security=TOKEN, requestBody=body(USER))
    specs["client-server/small.yaml"]["paths"]["/{roomId}/{eventType}"]["put"]["parameters"] += [
        LIMIT
    ]
    assert signature(specs) == (
        "\ndef put_it(\n    app: Any,\n    requester: Any,\n"
        "    room_id: str,\n    event_type: str,\n"
        "    query: PutItQuery,\n    body: PutItBody,\n) -> PutItResponse | dict[str, Any]:\n    "
    )


def test_without_security_there_is_no_requester_and_with_optional_security_it_may_be_none():
    assert "requester" not in signature(small())
    assert "requester: Any | None," in signature(small(security=[{}, *TOKEN]))


def test_a_signed_request_has_an_origin():
    specs = small(security=[{"signedRequest": []}])
    document = specs.pop("client-server/small.yaml")
    document["components"]["securitySchemes"] = {
        "signedRequest": {"type": "http", "scheme": "X-Matrix"}
    }
    specs["server-server/small.yaml"] = document
    assert "origin: str," in signature(specs)
    assert "requester" not in signature(specs)


def test_a_query_is_decoded_from_strings():
    paths = {"/a": {"get": operation("getIt", parameters=[LIMIT, FROM, VIA, HEADER, LENGTH])}}
    query = module_of({"client-server/small.yaml": document(paths)}).GetItQuery
    given = {"limit": "5", "from": "s1", "via": ["a", "b"], "X-Limit": "7", "other": "x"}
    found = msgspec.convert(given, query, strict=False)
    assert (found.limit, found.from_, found.via, found.x_limit) == (5, "s1", ["a", "b"], 7)
    assert msgspec.convert({"from": "s1"}, query, strict=False).via is None
    assert "content_type" not in query.__struct_fields__
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"from": "s1", "limit": "0"}, query, strict=False)


def test_a_stub_says_that_nobody_answers():
    module = module_of(small())
    with pytest.raises(NotImplementedError, match="putIt"):
        module.put_it(None, "!a:b", "m.x")


def test_a_body_that_is_not_json_is_what_web_makes_of_it():
    specs = small(requestBody={"content": {"application/octet-stream": {}}, "required": True})
    assert "body: Any," in signature(specs)
    assert rows(specs).OPERATIONS[0].body_type is bytes


@pytest.mark.parametrize(
    ("request_body", "may_be_missing"),
    [
        (None, True),
        (body(REASON), True),
        (body(REASON, required=False), True),
        (body(USER), False),
        (body(USER, required=False), True),
        (body({"type": "object"}), False),
        ({"required": True, "content": {"text/plain": {"schema": {"type": "string"}}}}, False),
    ],
)
def test_a_body_that_requires_nothing_may_be_missing(request_body, may_be_missing):
    specs = small(**({"requestBody": request_body} if request_body else {}))
    (found,) = read_operations(specs)
    assert body_may_be_missing(found) is may_be_missing


def test_a_row_of_the_table_says_all_that_web_needs():
    responses = {"200": answer(USER), "429": {"description": "Too Many Requests"}}
    specs = small(security=TOKEN, requestBody=body({"type": "object"}), responses=responses)
    (row,) = rows(specs).OPERATIONS
    assert (row.api, row.operation_id, row.name) == ("client-server", "putIt", "put_it")
    assert (row.module, row.impl_module) == ("generated.client.small", "impl.api.client.small")
    assert (row.method, row.path) == ("PUT", "/_matrix/{roomId}/{eventType}")
    assert row.path_parameters == ("room_id", "event_type")
    assert (row.query_type, row.body_type, row.body_required) == (None, dict, True)
    assert row.security == ("accessTokenBearer",)
    assert (row.security_optional, row.rate_limited, row.deprecated) == (False, True, False)


def test_a_further_path_has_its_own_row_and_fixed_arguments():
    specs = small(**{"x-soma-also-at": [{"path": "/{roomId}", "with": {"eventType": 'a"b'}}]})
    first, second = rows(specs).OPERATIONS
    assert (second.name, second.path) == (first.name, "/_matrix/{roomId}")
    assert second.path_parameters == ("room_id",)
    assert second.fixed_arguments == (("event_type", 'a"b'),)


def test_what_we_call_has_types_the_other_way_round_and_no_stubs():
    paths = {
        "/a": {"post": operation("send", requestBody=body(USER), responses={"200": answer(USER)})}
    }
    specs = {"push-gateway/small.yaml": document(paths)}
    module = module_of(specs)
    assert not hasattr(module, "send")
    assert module.SendBody.__required_keys__ == {"user_id"}
    assert msgspec.json.decode('{"user_id": "a"}', type=module.SendResponse).user_id == "a"
    table = rows(specs)
    assert table.OPERATIONS == ()
    assert table.CALLED[0].impl_module == "impl.outbound.push_gateway"


def test_a_path_parameter_that_would_hide_an_argument_is_refused():
    parameter = {"in": "path", "name": "body", "required": True, "schema": {"type": "string"}}
    paths = {"/{body}": {"get": operation("a", parameters=[parameter])}}
    with pytest.raises(SpecError, match="an argument of its own"):
        text_of({"client-server/small.yaml": document(paths)})
