"""The generated operation table -> routes, and the few paths that are not in it."""

from collections.abc import Callable
from typing import Any

from generated.operations import OPERATIONS, Operation
from impl.web import path_tree, request, response
from impl.web.rate_limit import SPENDINGS
from impl.web.response import Answer
from impl.web.route import Route

# Their own time limits end these.
_LONG_POLLS = frozenset({"sync", "getEvents"})

# They wait for files that were promised, up to a minute; for a client also for another server, as
# long as that sends.
_DOWNLOADS = frozenset(
    {
        "getContent",
        "getContentOverrideName",
        "getContentThumbnail",
        "getContentAuthed",
        "getContentOverrideNameAuthed",
        "getContentThumbnailAuthed",
    }
)
_DOWNLOAD_FOR_SERVER_S = 90.0

# Their bodies may be larger than others'.
_BACKUPS = frozenset({"putRoomKeys", "putRoomKeysByRoomId"})

# Servers send events in these.
_WITH_EVENTS = frozenset(
    {
        "sendTransaction",
        "sendJoinV2",
        "sendLeaveV2",
        "sendKnock",
        "sendInviteV1",
        "sendInviteV2",
        "exchangeThirdPartyInvite",
    }
)

# C-S API, "Last active ago": what a user does that others see.
_ACTIVITIES = frozenset(
    {
        "sendMessage",
        "setRoomStateWithKey",
        "redactEvent",
        "setTyping",
        "postReceipt",
        "setReadMarker",
        "createRoom",
        "joinRoom",
        "joinRoomById",
        "inviteUser",
        "setProfileField",
    }
)

# Names of earlier versions that clients and tools still use. What lies below is the same.
_ALIASES = (
    (("_matrix", "client", "v3"), "r0"),
    (("_matrix", "media", "v3"), "r0"),
    (("_matrix", "media", "v3"), "v1"),
)

# COMPAT(servers before 1.6 of the specification): they end in the key that they want, and are
# answered with all.
_WITH_KEY_ID = (("_matrix", "key", "v2", "server"), ("_matrix", "key", "v2", "query", "{}"))

_ANY_RESOURCE = frozenset({"client", "federation", "health", "keys", "media", "openid", "metrics"})


_OPERATIONS = {(operation.method, operation.path): operation for operation in OPERATIONS}
# The arguments' order, from the path that fixes none of them.
_ORDERS = {
    (operation.api, operation.operation_id): operation.path_parameters
    for operation in OPERATIONS
    if not operation.fixed_arguments
}


def make(method: str, path: str, function: Callable[..., Any] | None) -> Route:
    """The route of the operation that the table has there."""
    operation = _OPERATIONS[method, path]
    route = Route(
        operation.operation_id,
        operation.api,
        method,
        path,
        function,
        _resources(operation),
        caller=_caller(operation),
        path_arguments=_path_arguments(operation),
    )
    if operation.api == "client-server":
        route.spendings = SPENDINGS.get(operation.operation_id, ())
        route.is_activity = operation.operation_id in _ACTIVITIES
        if operation.operation_id in _LONG_POLLS:
            route.deadline_s = None
    if operation.operation_id in _DOWNLOADS:
        route.is_download = True
        route.deadline_s = _DOWNLOAD_FOR_SERVER_S if route.caller == "server" else None
    # The types of what nobody has written need not be loaded.
    if function is not None:
        if operation.query_name is not None:
            route.decode_query = request.query_decoder(operation.query_type)
        if route.caller == "server" and operation.body_name is not None:
            route.read_content = request.object_reader(operation.body_type, operation.body_required)
            route.holds_events = operation.operation_id in _WITH_EVENTS
        elif operation.body_name == "bytes":
            route.takes_file = True
        elif operation.body_name is not None:
            is_backup = operation.operation_id in _BACKUPS
            route.read_body = request.json_reader(
                operation.body_type,
                operation.body_required,
                request.BACKUP_BYTES_MAX if is_backup else request.JSON_BYTES_MAX,
            )
    return route


def finish(root: path_tree.Node) -> None:
    """Add what is not in the table, and see that every path can be reached."""
    for path, function in (("/", _front_page), ("/health", _health)):
        path_tree.add(root, path, Route("", "", "GET", path, function, _ANY_RESOURCE))
    path_tree.check(root)
    for known, name in _ALIASES:
        path_tree.alias(root, known, name)
    for known in _WITH_KEY_ID:
        path_tree.lengthen(root, known)


def _path_arguments(operation: Operation) -> tuple[int | str, ...]:
    fixed = dict(operation.fixed_arguments)
    return tuple(
        fixed[name] if name in fixed else operation.path_parameters.index(name)
        for name in _ORDERS[operation.api, operation.operation_id]
    )


def _caller(operation: Operation) -> str:
    if not operation.security:
        return ""
    if "signedRequest" in operation.security:
        return "server"
    if all(scheme.startswith("appservice") for scheme in operation.security):
        return "appservice"
    if operation.security_optional:
        return "optional token"
    return "admin" if operation.api == "admin" else "token"


def _resources(operation: Operation) -> frozenset[str]:
    path = operation.path
    if path.startswith("/.well-known/"):
        return frozenset({"client", "federation"})
    if path.startswith(("/_matrix/media/", "/_matrix/client/v1/media/")):
        return frozenset({"client", "media"})
    if path.startswith("/_matrix/federation/v1/media/"):
        return frozenset({"federation", "media"})
    if path.startswith("/_matrix/key/"):
        return frozenset({"federation", "keys"})
    if path.startswith("/_matrix/federation/v1/openid/"):
        return frozenset({"federation", "openid"})
    is_of_servers = "signedRequest" in operation.security or operation.api == "server-server"
    return frozenset({"federation" if is_of_servers else "client"})


def _front_page(app: object) -> Answer:
    return response.text("Soma, a Matrix homeserver, is running. Point a Matrix client at it.\n")


def _health(app: object) -> Answer:
    return response.text("OK")
