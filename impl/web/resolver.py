"""Operation -> function of impl.api. An operation that nobody has written yet has none: 404
M_UNRECOGNIZED."""

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from connexion.resolver import Resolution, Resolver


class ImplResolver(Resolver):
    """For connexion: finds the function that the bundle names by module and name."""

    def resolve(self, operation: Any) -> Resolution:
        function = find_function(operation.router_controller, operation.operation_id)
        return Resolution(function, operation.operation_id)


def find_function(module_name: str, name: str) -> Callable[..., Any] | None:
    """The function, if it is written. A module that cannot be imported stops the start."""
    # Of an operation with several paths the bundle cuts the whole name elsewhere each time.
    module_name, _, name = f"{module_name}.{name}".rpartition(".")
    if importlib.util.find_spec(module_name) is None:
        return None
    return getattr(importlib.import_module(module_name), name, None)
