"""Reading operations, and what cannot be served."""

import pytest

from codegen.load import SpecError
from codegen.operations import answering_operation, read_operations, routed
from tests.codegen.small_specs import document, operation

ROOM = {"in": "path", "name": "roomId", "required": True, "schema": {"type": "string"}}
KEY = {"in": "path", "name": "stateKey", "required": True, "schema": {"type": "string"}}


def read(paths, **others):
    return read_operations({"client-server/a.yaml": document(paths, **others)})


def test_the_path_begins_with_the_servers_url():
    assert read({"/a": {"get": operation("a")}}, base="/x/")[0].path == "/x/a"
    assert read({"/a": {"get": operation("a")}}, base="")[0].path == "/a"


def test_path_parameters_come_in_the_order_of_the_path():
    (found,) = read({"/{roomId}/{stateKey}": {"get": operation("a", parameters=[KEY, ROOM])}})
    assert found.path_parameters(found.path) == ["room_id", "state_key"]


def test_an_undeclared_path_parameter_is_refused():
    (found,) = read({"/{roomId}": {"get": operation("a")}})
    with pytest.raises(SpecError, match="not declared"):
        found.path_parameters(found.path)


def test_optional_security_is_an_empty_alternative():
    needed = operation("a", security=[{"accessTokenBearer": []}])
    optional = operation("b", security=[{}, {"accessTokenBearer": []}])
    found = read({"/a": {"get": needed}, "/b": {"get": optional}, "/c": {"get": operation("c")}})
    assert [o.security() for o in found] == [
        (("accessTokenBearer",), False),
        (("accessTokenBearer",), True),
        ((), False),
    ]


def test_a_merged_operation_is_answered_by_the_other():
    merged = operation("b", **{"x-soma-merged-into": "a"})
    specs = {
        "client-server/a.yaml": document({"/a": {"post": operation("a")}}),
        "client-server/b.yaml": document({"/a": {"post": merged}}),
    }
    operations = read_operations(specs)
    assert [o.operation_id for o in operations] == ["a", "b"]
    assert [o.operation_id for o in routed(operations)] == ["a"]
    assert answering_operation(operations[1], operations) is operations[0]
    assert answering_operation(operations[0], operations) is operations[0]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ({"/a": {"get": {"responses": {}}}}, "no operationId"),
        ({"/a": {"get": operation("a")}, "/b": {"get": operation("a")}}, "two operations a"),
        ({"/a": {"get": operation("aB")}, "/b": {"get": operation("a_b")}}, "are both"),
        ({"/a ": {"get": operation("a")}}, "has a blank"),
        ({"/a": {"get": operation("a", security=[{"signedRequest": []}])}}, "does not define"),
        (
            {
                "/{roomId}": {"get": operation("a", parameters=[ROOM])},
                "/{stateKey}": {"get": operation("b", parameters=[KEY])},
            },
            "a and b are one",
        ),
        ({"/a": {"get": operation("a", **{"x-soma-merged-into": "z"})}}, "no operation z"),
        (
            {
                "/a": {"get": operation("a", **{"x-soma-merged-into": "b"})},
                "/b": {"get": operation("b")},
            },
            "is not where",
        ),
    ],
)
def test_what_cannot_be_served_is_refused(paths, message):
    with pytest.raises(SpecError, match=message):
        read(paths)
