"""The operations that impl.api answers, and those that it leaves to their stubs."""

import importlib

from generated.operations import OPERATIONS, Operation


def _is_implemented(operation: Operation) -> bool:
    return hasattr(importlib.import_module(operation.impl_module), operation.name)


def place_of(operation: Operation) -> str:
    """For a test's id: an operation may have several paths."""
    return f"{operation.method} {operation.path}"


IMPLEMENTED = [operation for operation in OPERATIONS if _is_implemented(operation)]
STUBBED = [operation for operation in OPERATIONS if not _is_implemented(operation)]
