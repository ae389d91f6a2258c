"""Created: the result of an operation that has made something new, where the specification tells
that apart by its status: 201 in place of 200."""

from typing import Any


class Created(dict[str, Any]):
    """The response's body, as other results are."""
