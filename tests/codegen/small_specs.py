"""Small specifications to compile, and the compiled text as a module."""

import sys
from types import ModuleType
from typing import Any

from codegen.load import Specs
from codegen.operations import read_operations, routed
from codegen.stubs import module_text

TOKEN = {"accessTokenBearer": {"type": "http", "scheme": "bearer"}}


def operation(operation_id: str, **node: Any) -> dict[str, Any]:
    responses = node.pop("responses", None) or {"200": answer({"type": "object"})}
    return {"operationId": operation_id, **node, "responses": responses}


def answer(schema: Any) -> dict[str, Any]:
    return {"description": "OK", "content": {"application/json": {"schema": schema}}}


def body(schema: Any, required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def document(
    paths: dict[str, Any], schemas: dict[str, Any] | None = None, base: str = "/_matrix"
) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "small", "version": "1"},
        "servers": [{"url": base}],
        "paths": paths,
        "components": {"schemas": schemas or {}, "securitySchemes": TOKEN},
    }


def posting(schema: Any, schemas: dict[str, Any] | None = None) -> Specs:
    """A spec whose one operation, `send`, takes a body."""
    paths = {"/send": {"post": operation("send", requestBody=body(schema))}}
    return {"client-server/small.yaml": document(paths, schemas)}


def text_of(specs: Specs) -> str:
    """The generated module of the only file of `specs`."""
    return module_text(routed(read_operations(specs)))[0]


def module_of(specs: Specs) -> ModuleType:
    """The same, executed. msgspec looks annotations up in `sys.modules`, so it stands there."""
    module = ModuleType("small_spec_compiled")
    sys.modules[module.__name__] = module
    exec(compile(text_of(specs), "<small spec>", "exec"), module.__dict__)
    return module
