"""Answers against the schemas of generated/openapi-3.1: what the specification says of each
status."""

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema
import referencing
from referencing.jsonschema import DRAFT202012

from impl import errors

BUNDLES = Path(__file__).parents[2] / "generated" / "openapi-3.1"


def check(
    wsgi: Any, method: str, path: str, status: int, headers: dict[str, str], body: bytes
) -> None:
    """Fail if the answer is not what the operation's definition says."""
    if headers.get("content-type") != "application/json":
        return
    content = json.loads(body)
    if status >= 400 and "errcode" in content:
        # C-S API, "Standard error response", of any operation.
        assert isinstance(content["errcode"], str) and isinstance(content["error"], str)
        return
    validator = _validator_of(wsgi, method, path, str(status))
    if validator is not None:
        validator.validate(content)


def _validator_of(
    wsgi: Any, method: str, path: str, status: str
) -> jsonschema.Draft202012Validator | None:
    try:
        route = wsgi.find("GET" if method == "HEAD" else method, path)
    except errors.InvalidParam:
        return None
    if route is None or not route.api:
        return None
    return _validator(route.api, method.lower(), route.path, status)


@functools.cache
def _bundle(api: str) -> dict[str, Any] | None:
    path = BUNDLES / f"{api}.json"
    return json.loads(path.read_text()) if path.exists() else None


@functools.cache
def _validator(
    api: str, method: str, path: str, status: str
) -> jsonschema.Draft202012Validator | None:
    bundle = _bundle(api)
    if bundle is None:
        return None
    responses = bundle["paths"].get(path, {}).get(method, {}).get("responses", {})
    content = responses.get(status, {}).get("content", {})
    if "schema" not in content.get("application/json", {}):
        return None
    resource = referencing.Resource(contents=bundle, specification=DRAFT202012)
    registry: referencing.Registry[Any] = referencing.Registry().with_resource("bundle", resource)
    steps = ["paths", path, method, "responses", status, "content", "application/json", "schema"]
    pointer = "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)
    return jsonschema.Draft202012Validator({"$ref": f"bundle#/{pointer}"}, registry=registry)
