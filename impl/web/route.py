"""Route: what a request needs of an operation, worked out once at start."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from impl.web.rate_limit import Spending
from impl.web.request import Environ

DEADLINE_S = 60.0


@dataclass(slots=True)
class Route:
    """An operation under one of its paths."""

    operation_id: str
    api: str
    method: str
    path: str
    # Of impl.api; None: nobody has written it yet.
    function: Callable[..., Any] | None
    # The listener resources that it is part of.
    resources: frozenset[str]
    # "" (anybody), "token", "optional token", "appservice", "admin", "server".
    caller: str = ""
    # In the order of the function's arguments: the number of a path's value, or a string that
    # stands for itself.
    path_arguments: tuple[int | str, ...] = ()
    decode_query: Callable[[str], Any] | None = None
    read_body: Callable[[Environ], Any] | None = None
    # Its body is a file: it is received last, from who may send it, and lies on the disk then.
    takes_file: bool = False
    # The same of what a server has signed and sent, which was decoded before.
    read_content: Callable[[dict[str, Any] | None], Any] | None = None
    # That holds events, each of which is looked at by itself.
    holds_events: bool = False
    # It may wait for a file that was promised.
    is_download: bool = False
    spendings: tuple[Spending, ...] = ()
    # Whether it shows that the user is active.
    is_activity: bool = False
    # None: the operation ends in time by itself, as a long poll does.
    deadline_s: float | None = DEADLINE_S
