"""What changed between two versions."""

import copy

from codegen.difference import differences
from tests.codegen.small_specs import answer, body, document, operation

USER = {
    "type": "object",
    "properties": {"user_id": {"type": "string"}, "kind": {"type": "string", "enum": ["a"]}},
    "required": ["user_id"],
}
TREE = {"type": "object", "properties": {"sub": {"$ref": "#/components/schemas/Tree"}}}
QUERY = {"in": "query", "name": "limit", "schema": {"type": "integer"}}
OLD = {
    "client-server/a.yaml": document(
        {
            "/send": {
                "post": operation(
                    "send",
                    parameters=[QUERY],
                    requestBody=body(USER),
                    responses={"200": answer({"$ref": "#/components/schemas/Tree"})},
                )
            },
            "/gone": {"get": operation("gone")},
        },
        {"Tree": TREE},
    )
}


def changed(edit):
    new = copy.deepcopy(OLD)
    edit(new["client-server/a.yaml"], new["client-server/a.yaml"]["paths"]["/send"]["post"])
    return differences(OLD, new)


def lines(edit, **options):
    new = copy.deepcopy(OLD)
    edit(new["client-server/a.yaml"], new["client-server/a.yaml"]["paths"]["/send"]["post"])
    return [line for change in differences(OLD, new, **options) for line in change.lines]


def schema_of(node):
    return node["requestBody"]["content"]["application/json"]["schema"]


def test_nothing_changed():
    assert changed(lambda document, node: None) == []


def test_operations_come_and_go():
    def edit(document, node):
        document["paths"]["/new"] = {"get": operation("new")}
        del document["paths"]["/gone"]

    assert [(c.mark, c.operation.operation_id) for c in changed(edit)] == [
        ("+", "new"),
        ("-", "gone"),
    ]


def test_a_moved_operation_is_the_same_operation():
    def edit(document, node):
        document["paths"]["/moved"] = document["paths"].pop("/send")

    assert lines(edit) == ["~ endpoint: POST /_matrix/send -> POST /_matrix/moved"]


def test_parameters_are_compared():
    def edit(document, node):
        node["parameters"] = [
            {"in": "query", "name": "limit", "required": True, "schema": {"type": "string"}},
            {
                "in": "query",
                "name": "via",
                "schema": {"type": "array", "items": {"type": "string"}},
            },
        ]

    assert lines(edit) == [
        "~ query limit: integer -> required, string",
        "+ query via: array",
        "+ query via[]: string",
    ]


def test_fields_of_the_body_are_compared():
    def edit(document, node):
        schema = schema_of(node)
        del schema["properties"]["user_id"]
        schema["properties"]["kind"]["enum"] = ["a", "b"]
        schema["properties"]["ids"] = {"type": "array", "items": {"type": "string"}}
        schema["required"] = ["ids"]

    assert lines(edit) == [
        "~ body.kind: one of a, optional, string -> one of a/b, optional, string",
        "+ body.ids: array, required",
        "+ body.ids[]: string",
        "- body.user_id: required, string",
    ]


def test_fields_of_responses_are_compared_through_references_and_recursion():
    def edit(document, node):
        document["components"]["schemas"]["Tree"]["properties"]["name"] = {"type": "string"}
        node["responses"]["429"] = {"description": "Too Many Requests"}

    assert lines(edit) == ["+ response 200.name: optional, string", "+ response 429: there"]


def test_security_and_deprecation_are_compared():
    def edit(document, node):
        node["security"] = [{}, {"accessTokenBearer": []}]
        node["deprecated"] = True

    assert lines(edit) == ["~ security: none -> accessTokenBearer, optional", "+ deprecated: true"]


def test_formats_are_compared_only_when_asked_for():
    def edit(document, node):
        schema_of(node)["properties"]["user_id"].update(format="mx-user-id", pattern="^@")

    assert lines(edit) == []
    assert lines(edit, formats=True) == [
        "~ body.user_id: required, string -> format mx-user-id, pattern ^@, required, string"
    ]
