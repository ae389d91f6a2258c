"""The operations of api-specs/, read into records that the other stages work with.

Two keys of our own, which overlays set:

* `x-soma-merged-into: <operationId>`: upstream describes one method of one path as two
  operations (with a blank behind the second path); this one is answered by the other's function.
* `x-soma-also-at: [{path: ..., with: {<parameter>: <value>}}]`: the same operation under a
  further path, where these path parameters have fixed values.
"""

from dataclasses import dataclass, field
from typing import Any

from codegen.importer import METHODS
from codegen.load import Node, SpecError, Specs, resolve
from codegen.names import API_BY_NAME, Api, attribute_name, function_name, module_name

ALSO_AT = "x-soma-also-at"
MERGED_INTO = "x-soma-merged-into"


@dataclass(frozen=True)
class Place:
    """A path under which an operation is reached, and what this path fixes."""

    path: str
    fixed: dict[str, str] = field(default_factory=dict)  # By the spec's parameter name.


@dataclass(frozen=True)
class SpecOperation:
    """One operation as the specification, corrected, has it."""

    api: Api
    file: str  # Without the directory: `room_send.yaml`.
    document: Node
    node: Node
    method: str
    places: tuple[Place, ...]
    merged_into: str | None

    @property
    def operation_id(self) -> str:
        return str(self.node["operationId"])

    @property
    def name(self) -> str:
        return function_name(self.operation_id)

    @property
    def module(self) -> str:
        return f"generated.{self.api.package}.{module_name(self.file)}"

    @property
    def impl_module(self) -> str:
        if self.api.served:
            return f"{self.api.impl}.{module_name(self.file)}"
        return self.api.impl

    @property
    def path(self) -> str:
        return self.places[0].path

    def parameters(self, *kinds: str) -> list[Node]:
        return [
            parameter
            for parameter in self.node.get("parameters", [])
            if parameter["in"] in kinds and parameter["name"] not in _ELSEWHERE
        ]

    def path_parameters(self, path: str) -> list[str]:
        """The Python names of the parameters in `path`, in its order."""
        pieces = [piece for piece in path.split("/") if piece.startswith("{")]
        declared = {parameter["name"] for parameter in self.parameters("path")}
        names = [piece.strip("{}") for piece in pieces]
        if not set(names) <= declared:
            raise SpecError(f"{self.file}: {path}: a parameter of the path is not declared")
        return [attribute_name(name) for name in names]

    def body(self) -> tuple[str, Node] | None:
        """Content type and schema of the body."""
        if "requestBody" not in self.node:
            return None
        content = resolve(self.document, self.node["requestBody"]).get("content", {})
        return _content(content) or ("application/octet-stream", {})

    def body_required(self) -> bool:
        if "requestBody" not in self.node:
            return False
        return bool(resolve(self.document, self.node["requestBody"]).get("required", False))

    def response(self) -> tuple[str, Node] | None:
        """Content type and schema of the answer 200."""
        responses = self.node["responses"]
        response = responses.get("200") or responses.get("201")
        if response is None:
            return None
        return _content(resolve(self.document, response).get("content", {}))

    def security(self) -> tuple[tuple[str, ...], bool]:
        """The schemes, any of which will do, and whether none will do too."""
        alternatives: list[dict[str, Any]] = self.node.get("security", [])
        names = tuple(name for alternative in alternatives for name in alternative)
        return names, bool(names) and {} in alternatives


# What these headers say is read by web/, before any operation is.
_ELSEWHERE = {"Content-Type", "Authorization"}


def _content(content: Node) -> tuple[str, Node] | None:
    if not content:
        return None
    media_type = "application/json" if "application/json" in content else next(iter(content))
    return media_type, content[media_type].get("schema", {})


def list_operations(specs: Specs) -> list[SpecOperation]:
    """All operations as they are, in the order of the files and of the paths in them."""
    return [
        _operation(name, document, path, method)
        for name, document in specs.items()
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


def read_operations(specs: Specs) -> list[SpecOperation]:
    """All operations of corrected specs, merged ones too; refuses what cannot be served."""
    operations = list_operations(specs)
    _check(operations)
    return operations


def routed(operations: list[SpecOperation]) -> list[SpecOperation]:
    """Those that have a function of their own."""
    return [operation for operation in operations if operation.merged_into is None]


def answering_operation(operation: SpecOperation, operations: list[SpecOperation]) -> SpecOperation:
    """The one among `operations` whose function answers `operation`; itself if none does."""
    by_id = {o.operation_id: o for o in operations if o.api is operation.api}
    own = by_id.get(operation.operation_id, operation)
    return by_id[own.merged_into] if own.merged_into is not None else operation


def _operation(name: str, document: Node, path: str, method: str) -> SpecOperation:
    api, _, file = name.partition("/")
    node = document["paths"][path][method]
    if "operationId" not in node:
        raise SpecError(f"{name}: {method} {path} has no operationId")
    servers = node.get("servers") or document.get("servers") or [{"url": ""}]
    base = servers[0]["url"].rstrip("/")
    places = [Place(base + path)]
    for other in node.get(ALSO_AT, []):
        places.append(Place(base + other["path"], dict(other.get("with", {}))))
    return SpecOperation(
        API_BY_NAME[api], file, document, node, method, tuple(places), node.get(MERGED_INTO)
    )


def _check(operations: list[SpecOperation]) -> None:
    """Ids are unique within an API, method and path everywhere where we are the server."""
    ids: set[tuple[str, str]] = set()
    names: dict[str, str] = {}
    places: dict[tuple[str, str, str], str] = {}
    for operation in operations:
        key = (operation.api.name, operation.operation_id)
        if key in ids:
            raise SpecError(f"{operation.api.name}: two operations {operation.operation_id}")
        ids.add(key)
        dotted = f"{operation.module}.{operation.name}"
        if dotted in names:
            raise SpecError(f"{names[dotted]} and {operation.operation_id} are both {dotted}")
        names[dotted] = operation.operation_id
        if operation.merged_into is not None:
            continue
        _check_security(operation)
        for place in operation.places:
            if place.path != place.path.strip():
                raise SpecError(f"{operation.file}: {place.path!r} has a blank; use an overlay")
            # Parameters of one place are alike, whatever they are called.
            shape = "/".join("{}" if p[:1] == "{" else p for p in place.path.split("/"))
            api = "" if operation.api.served else operation.api.name
            other = places.setdefault((api, operation.method, shape), operation.operation_id)
            if other != operation.operation_id:
                raise SpecError(f"{place.path}: {other} and {operation.operation_id} are one")
    for operation in operations:
        if operation.merged_into is not None:
            _check_merge(operation, operations)


def _check_security(operation: SpecOperation) -> None:
    defined = operation.document.get("components", {}).get("securitySchemes", {})
    missing = [name for name in operation.security()[0] if name not in defined]
    if missing:
        raise SpecError(
            f"{operation.api.name}/{operation.file}: {operation.operation_id} asks for "
            f"{missing}, which the file does not define"
        )


def _check_merge(operation: SpecOperation, operations: list[SpecOperation]) -> None:
    for other in operations:
        if (other.api, other.operation_id) == (operation.api, operation.merged_into):
            if (other.method, other.path) != (operation.method, operation.path.strip()):
                raise SpecError(f"{operation.operation_id} is not where {other.operation_id} is")
            return
    raise SpecError(f"{operation.file}: there is no operation {operation.merged_into}")
