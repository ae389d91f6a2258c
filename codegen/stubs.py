"""Operations -> the modules of generated/: types, a Protocol and a stub function each."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from codegen.load import SpecError
from codegen.names import attribute_name, type_name
from codegen.normal_form import kinds_of
from codegen.operations import Place, SpecOperation
from codegen.schemas import Types, merge_imports

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    autoescape=False,
)


@dataclass(frozen=True)
class TypeNames:
    """The types of an operation: names in its module, or `dict` or `bytes`."""

    query: str | None
    body: str | None
    response: str | None


@dataclass(frozen=True)
class _Function:
    name: str
    operation_id: str
    method: str
    path: str
    arguments: list[str]
    returns: str


def module_text(operations: list[SpecOperation]) -> tuple[str, dict[str, TypeNames]]:
    """The module of one spec file, and what its types are called, by operation id."""
    first = operations[0]
    served = first.api.served
    # What we send is built as a plain dict, what we receive is decoded. Who serves an operation
    # receives bodies; who calls it receives responses.
    decoded = Types(first.document, decoded=True, events_stay_open=first.api.name in _OPEN_EVENTS)
    encoded = Types(first.document, decoded=False)
    bodies, responses = (decoded, encoded) if served else (encoded, decoded)

    names = {
        operation.operation_id: TypeNames(
            _query(operation, decoded if served else encoded),
            _body(operation, bodies),
            _response(operation, responses),
        )
        for operation in operations
    }
    functions = [_function(operation, names[operation.operation_id]) for operation in operations]
    groups = [decoded.source(), encoded.source()]
    imports = [group for group, _ in groups]
    if served:
        imports.append({("typing", "Any"), ("typing", "Protocol")})
    text = _TEMPLATES.get_template("module.py.jinja2").render(
        source=f"api-specs/{first.api.name}/{first.file}",
        imports=merge_imports(imports),
        types="\n\n\n".join(part.strip("\n") for _, part in groups if part.strip()),
        functions=functions,
        served=served,
    )
    return _tidy(text), names


def operations_text(operations: list[SpecOperation], names: dict[str, TypeNames]) -> str:
    """operations.py; `names` is by `api/operation id`."""
    rows: dict[bool, list[str]] = {True: [], False: []}
    for operation in operations:
        types = names[f"{operation.api.name}/{operation.operation_id}"]
        for place in operation.places:
            rows[operation.api.served].append(_row(operation, place, types))
    template = _TEMPLATES.get_template("operations.py.jinja2")
    return template.render(served=rows[True], called=rows[False])


def body_may_be_missing(operation: SpecOperation) -> bool:
    """Whether an empty body will do: the spec says so, or requires nothing in the object.

    Clients leave such bodies out (`join` without a reason), whatever `required` says of them.
    """
    body = operation.body()
    if body is None or not operation.body_required():
        return True
    kinds = kinds_of(operation.document, body[1]) if body[0] == "application/json" else None
    node = (kinds or {}).get("object")
    return bool(node and node["properties"] and not node["required"])


_OPEN_EVENTS = {"server-server", "application-service"}
# What is not JSON comes as a file, in a type of web/ that is not known here.
_BODIES = {"dict": "dict[str, Any]", "bytes": "Any"}


def _query(operation: SpecOperation, types: Types) -> str | None:
    parameters = operation.parameters("query", "header")
    if not parameters:
        return None
    return types.add_object(
        type_name(operation.operation_id, "Query"),
        {parameter["name"]: parameter["schema"] for parameter in parameters},
        [parameter["name"] for parameter in parameters if parameter.get("required")],
    )


def _body(operation: SpecOperation, types: Types) -> str | None:
    body = operation.body()
    if body is None:
        return None
    content_type, schema = body
    if content_type != "application/json":
        return "bytes"
    return types.add(type_name(operation.operation_id, "Body"), schema)


def _response(operation: SpecOperation, types: Types) -> str | None:
    response = operation.response()
    if response is None:
        return None
    content_type, schema = response
    if content_type != "application/json":
        return "bytes"
    name = type_name(operation.operation_id, "Response")
    types.add(name, schema)
    return name


def _function(operation: SpecOperation, types: TypeNames) -> _Function:
    arguments = ["app: Any"]
    schemes, optional = operation.security()
    if "signedRequest" in schemes:
        arguments.append("origin: str | None" if optional else "origin: str")
    elif schemes:
        arguments.append("requester: Any | None" if optional else "requester: Any")
    taken = {"app", "requester", "origin", "query", "body"}
    for name in operation.path_parameters(operation.path):
        if name in taken:
            raise SpecError(f"{operation.path}: {name} is an argument of its own")
        arguments.append(f"{name}: str")
    if types.query:
        arguments.append(f"query: {types.query}")
    if types.body:
        arguments.append(f"body: {_BODIES.get(types.body, types.body)}")
    return _Function(
        name=operation.name,
        operation_id=operation.operation_id,
        method=operation.method.upper(),
        path=operation.path,
        arguments=arguments,
        returns=_returns(operation, types),
    )


def _returns(operation: SpecOperation, types: TypeNames) -> str:
    # A function may say `dict`: mypy lets no dict pass for a TypedDict. What is not JSON
    # (media, redirections) is as web/ wants it.
    response = operation.response()
    if types.response is None or response is None or response[0] != "application/json":
        return "Any"
    return f"{types.response} | dict[str, Any]"


def _row(operation: SpecOperation, place: Place, types: TypeNames) -> str:
    schemes, optional = operation.security()
    body, response = operation.body(), operation.response()
    values = {
        "path_parameters": tuple(operation.path_parameters(place.path)),
        "fixed_arguments": tuple((attribute_name(k), v) for k, v in place.fixed.items()),
        "query_name": types.query,
        "body_name": types.body,
        "body_required": not body_may_be_missing(operation),
        "body_content_type": body[0] if body else None,
        "response_name": types.response,
        "response_content_type": response[0] if response else None,
        "security": schemes,
        "security_optional": optional,
        "rate_limited": "429" in operation.node["responses"],
        "deprecated": bool(operation.node.get("deprecated", False)),
    }
    fixed = [operation.api.name, operation.operation_id, operation.name, operation.module]
    fixed += [operation.impl_module, operation.method.upper(), place.path]
    arguments = [_literal(value) for value in fixed]
    arguments += [f"{key}={_literal(value)}" for key, value in values.items() if value]
    inside = "".join(f"\n        {argument}," for argument in arguments)
    return f"Operation({inside}\n    )"


def _literal(value: object) -> str:
    """`repr` with the quotes of this project."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        inside = ", ".join(_literal(item) for item in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return repr(value)


def _tidy(text: str) -> str:
    lines = [line.rstrip() for line in text.strip().splitlines()]
    kept: list[str] = []
    for line in lines:
        if line or kept[-2:] != ["", ""]:
            kept.append(line)
    return "\n".join(kept) + "\n"
