"""Spec names to Python names: the only place that knows how."""

import keyword
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Api:
    """One API of the specification and where it lives in this tree."""

    name: str  # The directory below api-specs/.
    package: str  # The package below generated/.
    impl: str  # The package that implements it or, where we are the caller, the module.
    served: bool
    upstream: str | None = None  # The directory below the upstream tree's api/.


APIS = (
    Api("client-server", "client", "impl.api.client", True, "client-server"),
    Api("server-server", "federation", "impl.api.federation", True, "server-server"),
    Api("unstable", "unstable", "impl.api.unstable", True),
    Api("admin", "admin", "impl.api.admin", True),
    Api(
        "application-service",
        "appservice",
        "impl.outbound.appservice",
        False,
        "application-service",
    ),
    Api("push-gateway", "push_gateway", "impl.outbound.push_gateway", False, "push-gateway"),
    Api("identity-service", "identity", "impl.outbound.identity", False, "identity"),
)
API_BY_NAME = {api.name: api for api in APIS}

# What counts as one word although its letters change case or are digits.
_WORD = re.compile(
    r"3[Pp][Ii][Dd]s?|IdP|OAuth|MSISDN|IDs?|V\d+(?![a-z])"
    r"|[A-Z]+(?=[A-Z][a-z]|\d|$|_)|[A-Z]?[a-z]+(?:\d+(?![A-Za-z]))?|[A-Z]+|\d+"
)


def words(name: str) -> list[str]:
    return _WORD.findall(name)


def snake_case(name: str) -> str:
    """`add3PID` -> `add_3pid`, `roomIdOrAlias` -> `room_id_or_alias`, `m.foo` -> `m_foo`."""
    return "_".join(word.lower() for word in words(name))


def pascal_case(name: str) -> str:
    """`add_3pid` and `add3PID` -> `Add3pid`, `m.push_rules` -> `MPushRules`."""
    return "".join(word.lower().capitalize() for word in words(name))


def function_name(operation_id: str) -> str:
    return _allowed(snake_case(operation_id))


def type_name(operation_id: str, role: str) -> str:
    """The name of an operation's type; `role` is Query, Body or Response."""
    return pascal_case(operation_id) + role


def attribute_name(name: str) -> str:
    """The attribute or argument for a key of JSON, a path parameter or a query parameter."""
    return _allowed(snake_case(name) or "value")


def module_name(file: str) -> str:
    """`invites-v1.yaml` -> `invites_v1`; the file's own spelling is kept otherwise."""
    return file.removesuffix(".yaml").replace("-", "_").replace(".", "_")


def _allowed(name: str) -> str:
    if not name[0].isalpha():
        name = f"n{name}"
    return f"{name}_" if keyword.iskeyword(name) or name in _TAKEN else name


# Names that the generated code uses itself; as attributes they would hide what they name.
_TAKEN = {"field", "self", "list", "dict", "str", "int", "float", "bool", "bytes"}
