"""Upstream's tree -> api-specs/."""

from pathlib import Path

import pytest
import yaml

from codegen.importer import import_tree, version_of, write_tree
from codegen.load import SpecError, read_specs

SECURITY = {"token": {"type": "http", "scheme": "bearer", "description": "Upstream's prose."}}
ERROR = {
    "type": "object",
    "title": "Error",
    "description": "Upstream's prose.",
    "properties": {"errcode": {"type": "string", "description": "Upstream's prose."}},
    "example": {"errcode": "M_UNKNOWN"},
    "required": ["errcode"],
}
NODE = {
    "type": "object",
    "properties": {"children": {"type": "array", "items": {"$ref": "tree.yaml"}}},
}
SMALL = {
    "openapi": "3.1.0",
    "info": {"title": "Upstream's title", "version": "1.0.0"},
    "servers": [
        {
            "url": "{protocol}://{hostname}{basePath}",
            "variables": {"basePath": {"default": "/_matrix/client/v3"}},
        }
    ],
    "paths": {
        "/small/{roomId}": {
            "post": {
                "operationId": "small",
                "summary": "Upstream's prose.",
                "description": "Upstream's prose {{% boxes %}}.",
                "tags": ["Upstream's tag"],
                "security": [{"token": []}],
                "parameters": [
                    {"$ref": "#/components/parameters/room", "description": "Upstream's prose."}
                ],
                "requestBody": {"$ref": "#/components/requestBodies/small"},
                "responses": {
                    "200": {
                        "description": "Upstream's prose.",
                        "content": {
                            "application/json": {
                                "schema": {"$ref": "definitions/tree.yaml"},
                                "examples": {"response": {"value": {}}},
                            }
                        },
                    },
                    "429": {"$ref": "#/components/responses/limited"},
                },
            }
        }
    },
    "components": {
        "securitySchemes": {"token": {"$ref": "definitions/security.yaml#/token"}},
        "parameters": {
            "room": {
                "in": "path",
                "name": "roomId",
                "required": True,
                "example": "!a:b",
                "schema": {"type": "string", "format": "mx-room-id"},
            }
        },
        "requestBodies": {
            "small": {"content": {"application/json": {"schema": {"type": "object"}}}}
        },
        "responses": {
            "limited": {
                "description": "Upstream's prose.",
                "headers": {"Retry-After": {"schema": {"type": "integer"}}},
                "content": {"application/json": {"schema": {"$ref": "definitions/error.yaml"}}},
            }
        },
    },
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "v1.99" / "data" / "api" / "client-server"
    (folder / "definitions").mkdir(parents=True)
    for name, content in {
        "small.yaml": SMALL,
        "definitions/tree.yaml": NODE,
        "definitions/error.yaml": ERROR,
        "definitions/security.yaml": SECURITY,
    }.items():
        (folder / name).write_text(yaml.safe_dump(content))
    return tmp_path / "v1.99" / "data"


def test_only_facts_are_left(data):
    text = yaml.safe_dump(import_tree(data)["client-server/small.yaml"])
    for word in ("Upstream", "{{%", "example", "summary", "tags", "!a:b"):
        assert word not in text


def test_what_is_not_a_schema_is_put_in_its_place(data):
    specs = import_tree(data)
    operation = specs["client-server/small.yaml"]["paths"]["/small/{roomId}"]["post"]
    assert operation["parameters"] == [
        {
            "in": "path",
            "name": "roomId",
            "required": True,
            "schema": {"type": "string", "format": "mx-room-id"},
        }
    ]
    assert operation["requestBody"] == {
        "content": {"application/json": {"schema": {"type": "object"}}}
    }
    limited = operation["responses"]["429"]
    assert limited["description"] == "Too Many Requests"
    assert limited["headers"] == {"Retry-After": {"schema": {"type": "integer"}}}


def test_schemas_of_other_files_become_components_even_when_they_refer_to_themselves(data):
    document = import_tree(data)["client-server/small.yaml"]
    assert set(document["components"]["schemas"]) == {"Tree", "Error"}
    items = document["components"]["schemas"]["Tree"]["properties"]["children"]["items"]
    assert items == {"$ref": "#/components/schemas/Tree"}
    assert document["components"]["securitySchemes"]["token"] == {
        "type": "http",
        "scheme": "bearer",
    }
    assert document["servers"] == [{"url": "/_matrix/client/v3"}]


def test_an_unknown_keyword_stops_the_import(data):
    path = data / "api" / "client-server" / "definitions" / "tree.yaml"
    path.write_text(yaml.safe_dump({**NODE, "unevaluatedProperties": False}))
    with pytest.raises(SpecError, match="unevaluatedProperties"):
        import_tree(data)


def test_a_reference_into_nothing_stops_the_import(data):
    path = data / "api" / "client-server" / "definitions" / "tree.yaml"
    path.write_text(yaml.safe_dump({"$ref": "error.yaml#/nowhere"}))
    with pytest.raises(SpecError, match="nothing is there"):
        import_tree(data)


def test_a_folder_that_is_not_the_spec_is_refused(tmp_path):
    with pytest.raises(SpecError, match="no api/"):
        import_tree(tmp_path)


def test_the_version_is_read_from_the_path(data, tmp_path):
    assert version_of(data) == "v1.99"
    assert version_of(Path("/x/matrix-spec-v1.20/data")) == "v1.20"
    assert version_of(Path("/x/data")) is None


def test_writing_replaces_what_is_upstreams_and_leaves_ours(data, tmp_path):
    root = tmp_path / "api-specs"
    (root / "client-server").mkdir(parents=True)
    (root / "client-server" / "gone.yaml").write_text("{}")
    (root / "admin").mkdir()
    (root / "admin" / "ours.yaml").write_text("paths: {}\n")
    write_tree(import_tree(data), root, "v1.99")
    assert set(read_specs(root)) == {"client-server/small.yaml", "admin/ours.yaml"}
    assert (
        read_specs(root)["client-server/small.yaml"]
        == import_tree(data)["client-server/small.yaml"]
    )
    assert (root / "VERSION").read_text() == "v1.99\n"
