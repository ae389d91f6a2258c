"""Many files in one document."""

import pytest

from codegen.bundle import api_bundle, connexion_bundle, json_text
from codegen.load import SpecError
from codegen.operations import read_operations
from tests.codegen.small_specs import answer, document, operation

LEAF = {"type": "string"}
NODE = {"type": "object", "properties": {"leaf": {"$ref": "#/components/schemas/Leaf"}}}
ANSWER = answer({"$ref": "#/components/schemas/Node"})


def spec(path, operation_id, schemas, **node):
    node = operation(operation_id, responses={"200": ANSWER}, **node)
    return document({path: {"get": node}}, schemas)


def bundled(specs):
    return api_bundle("test", read_operations(specs), "v1")


def node_of(bundle, path):
    schema = bundle["paths"][path]["get"]["responses"]["200"]["content"]["application/json"][
        "schema"
    ]
    return bundle["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]


def test_paths_are_full_and_equal_components_are_one():
    schemas = {"Node": NODE, "Leaf": LEAF}
    bundle = bundled(
        {
            "client-server/a.yaml": spec("/a", "a", schemas),
            "client-server/b.yaml": spec("/b", "b", schemas),
        }
    )
    assert set(bundle["paths"]) == {"/_matrix/a", "/_matrix/b"}
    assert set(bundle["components"]["schemas"]) == {"Node", "Leaf"}


def test_components_that_lead_to_different_ones_are_told_apart():
    bundle = bundled(
        {
            "client-server/a.yaml": spec("/a", "a", {"Node": NODE, "Leaf": LEAF}),
            "client-server/b.yaml": spec("/b", "b", {"Node": NODE, "Leaf": {"type": "integer"}}),
        }
    )
    names = set(bundle["components"]["schemas"])
    assert names == {"Node", "Leaf", "BNode", "BLeaf"}
    leaf = node_of(bundle, "/_matrix/b")["properties"]["leaf"]
    assert leaf == {"$ref": "#/components/schemas/BLeaf"}


def test_a_component_that_refers_to_itself_is_bundled():
    loop = {"type": "object", "properties": {"again": {"$ref": "#/components/schemas/Node"}}}
    bundle = bundled({"client-server/a.yaml": spec("/a", "a", {"Node": loop})})
    assert bundle["components"]["schemas"] == {"Node": loop}


def test_different_security_schemes_of_one_name_are_refused():
    first = spec("/a", "a", {"Node": {}}, security=[{"accessTokenBearer": []}])
    second = spec("/b", "b", {"Node": {}}, security=[{"accessTokenBearer": []}])
    second["components"]["securitySchemes"] = {
        "accessTokenBearer": {"type": "http", "scheme": "basic"}
    }
    with pytest.raises(SpecError, match="two different security schemes"):
        bundled({"client-server/a.yaml": first, "client-server/b.yaml": second})


def test_a_further_path_lacks_the_fixed_parameter_and_has_its_own_id():
    parameter = {"in": "path", "name": "key", "required": True, "schema": {"type": "string"}}
    also = {"x-soma-also-at": [{"path": "/a", "with": {"key": ""}}]}
    bundle = bundled(
        {
            "client-server/a.yaml": spec(
                "/a/{key}", "getA", {"Node": {}}, parameters=[parameter], **also
            )
        }
    )
    full, short = bundle["paths"]["/_matrix/a/{key}"]["get"], bundle["paths"]["/_matrix/a"]["get"]
    assert (full["operationId"], full["parameters"]) == ("getA", [parameter])
    assert (short["operationId"], short["parameters"]) == ("getA2", [])
    assert "x-soma-also-at" not in str(bundle)


def test_connexions_ids_are_functions_and_unique():
    specs = {
        "client-server/a.yaml": spec("/a", "getIt", {"Node": {}}),
        "server-server/a.yaml": spec("/b", "getIt", {"Node": {}}),
    }
    paths = connexion_bundle(read_operations(specs), "v1")["paths"]
    nodes = [paths[path]["get"] for path in ("/_matrix/a", "/_matrix/b")]
    halves = [(node["x-openapi-router-controller"], node["operationId"]) for node in nodes]
    assert halves == [("impl.api.client.a", "get_it"), ("impl.api.federation", "a.get_it")]


@pytest.mark.parametrize("mark", ["{{", "{%", "{#"])
def test_what_connexion_would_take_for_jinja_is_refused(mark):
    with pytest.raises(SpecError, match="Jinja"):
        json_text({"pattern": f"^{mark}"})
