"""What the routes of the content repository have that others do not."""

from collections.abc import Callable

import pytest

from generated.operations import OPERATIONS, Operation
from impl.web import routing
from impl.web.route import Route

# A file is answered with, or sent.
FILES = [
    operation
    for operation in OPERATIONS
    if operation.response_name == "bytes" and "/media/" in operation.path
]
UPLOADS = [operation for operation in OPERATIONS if operation.body_name == "bytes"]


def nothing(*_: object) -> None:
    pass


def named(operations: list[Operation]) -> Callable[..., pytest.MarkDecorator]:
    return pytest.mark.parametrize("operation", operations, ids=lambda one: one.path)


def route_of(operation: Operation) -> Route:
    return routing.make(operation.method, operation.path, nothing)


@named(FILES)
def test_who_waits_for_a_file_is_not_cut_off_within_a_minute(operation: Operation) -> None:
    deadline_s = route_of(operation).deadline_s
    assert deadline_s is None or deadline_s > 60
    # Another server waits for nobody but us.
    assert (deadline_s is None) is (operation.api == "client-server")


@named(FILES + UPLOADS)
def test_a_listener_for_media_has_them(operation: Operation) -> None:
    resources = route_of(operation).resources
    assert "media" in resources
    assert ("federation" if operation.api == "server-server" else "client") in resources


@named(UPLOADS)
def test_an_upload_is_received_as_a_file(operation: Operation) -> None:
    route = route_of(operation)
    assert route.takes_file and route.read_body is None


def test_all_were_looked_at() -> None:
    assert (len(FILES), len(UPLOADS)) == (8, 2)
