"""The WSGI callable of one App: a request from its first line to its last byte.

A walk down the tree of paths, the operation's security, the generated decoders, the rate limits,
the function, one encode. What all this needs was worked out at start (routing.py).
"""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import gevent

from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import presence, sending
from impl.services.federation_limits import FederationLimits
from impl.services.media.content import Content, FederatedContent
from impl.web import (
    authentication,
    error_handler,
    file_answer,
    path_tree,
    rate_limit,
    request_log,
    response,
    server_authentication,
    upload,
)
from impl.web.authentication import Authentication
from impl.web.request import Environ, raw_target
from impl.web.response import STATUS_LINES, Answer
from impl.web.route import Route

StartResponse = Callable[..., object]

_AT_ONCE = nullcontext()


class Application:
    """Answers requests for an App."""

    def __init__(self, app: App, root: path_tree.Node) -> None:
        self._app = app
        self._root = root
        self._authentication = Authentication(app)
        self._federation_limits = app.part(FederationLimits, FederationLimits)
        # Who waits for files keeps nobody from anything else.
        self._download_limits = FederationLimits(app)
        self._request_ids = request_log.RequestIds()

    def find(self, method: str, target: str) -> Route | None:
        """The operation that a request goes to."""
        found = path_tree.find(self._root, target.partition("?")[0])
        return found[0].routes.get(method) if found else None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        request_id = self._request_ids.next(environ)
        path, _, query = raw_target(environ).partition("?")
        call = _Call(environ, path, query)
        try:
            answer = self._answer(call)
        except Exception as error:
            answer = error_handler.answer(error, request_id)
        try:
            start_response(STATUS_LINES[answer.status], response.headers_of(answer, request_id))
            elapsed = time.perf_counter() - started
            caller = call.requester or call.origin
            request_log.write(environ, path, answer, caller, request_id, elapsed)
        except BaseException:
            answer.close()
            raise
        if environ["REQUEST_METHOD"] == "HEAD":
            answer.close()
            return ()
        return (answer.body,) if answer.file is None else answer.file

    def _answer(self, call: "_Call") -> Answer:
        method = call.environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return response.preflight()
        found = path_tree.find(self._root, call.path)
        if found is None or not found[0].routes:
            raise errors.Unrecognized("there is nothing at this path")
        node, values = found
        route = node.routes.get("GET" if method == "HEAD" else method)
        if route is None:
            allowed = ", ".join([*sorted(node.routes), "OPTIONS"])
            raise errors.MethodNotAllowed(
                "this path does not have this method", headers={"Allow": allowed}
            )
        resources = call.environ.get("soma.resources")
        if route.function is None or (
            resources is not None and resources.isdisjoint(route.resources)
        ):
            raise errors.Unrecognized("there is nothing at this path")
        return self._perform(call, route, values)

    def _perform(self, call: "_Call", route: Route, values: list[str]) -> Answer:
        if route.caller == "server":
            return self._perform_for_server(call, route, values)
        arguments = [
            self._app,
            *self._callers(call, route, values),
            *_from_path_and_query(call, route, values),
        ]
        if route.read_body is not None:
            arguments.append(route.read_body(call.environ))
        if route.spendings:
            rate_limit.before(self._app, route.spendings, call.requester, call.address)
        if not route.takes_file:
            return self._carry_out(call, route, values, arguments)
        directory, size_max = self._app.media_files.incoming, self._app.config.max_upload_size
        with upload.receive(call.environ, directory, size_max) as received:
            # It may have taken long: who was locked meanwhile has sent it for nothing.
            self._callers(call, route, values)
            return self._carry_out(call, route, values, [*arguments, received])

    def _carry_out(
        self, call: "_Call", route: Route, values: list[str], arguments: list[Any]
    ) -> Answer:
        answer = _answer(call, self._run(route, arguments))
        try:
            if route.deadline_s is None:
                # Whose token was revoked while they waited, or who was locked, is told nothing
                # more.
                self._callers(call, route, values)
            if route.spendings:
                rate_limit.after_success(self._app, route.spendings, call.requester, call.address)
            if route.is_activity and call.requester is not None:
                presence.note_activity(self._app, call.requester)
        except BaseException:
            answer.close()
            raise
        return answer

    def _perform_for_server(self, call: "_Call", route: Route, values: list[str]) -> Answer:
        """The same for a server: it signs the body too, so that is read first."""
        signed = server_authentication.verify(
            self._app, call.environ, holds_events=route.holds_events
        )
        origin = call.origin = signed.origin
        sending.note_alive(self._app, origin)
        arguments = [self._app, origin, *_from_path_and_query(call, route, values)]
        if route.read_content is not None:
            arguments.append(route.read_content(signed.content))
        if route.operation_id == "sendTransaction":
            turn = self._federation_limits.transaction(origin)
        elif route.is_download:
            turn = self._download_limits.turn(origin)
        else:
            turn = self._federation_limits.turn(origin)
        return _answer(call, self._run(route, arguments, turn))

    def _callers(self, call: "_Call", route: Route, values: list[str]) -> tuple[object, ...]:
        """The arguments that say who asks: none, one, or None where the token may be missing."""
        if not route.caller:
            return ()
        if route.caller == "optional token":
            call.requester = self._authentication.accept(
                call.environ, call.query, route.operation_id
            )
        else:
            call.requester = self._authentication.require(
                call.environ, call.query, route.operation_id
            )
        if call.requester is not None:
            authentication.check_rights(call.requester, route.caller, route.operation_id, values)
        return (call.requester,)

    def _run(
        self, route: Route, arguments: list[Any], turn: AbstractContextManager[None] = _AT_ONCE
    ) -> object:
        assert route.function is not None
        if route.deadline_s is None:
            with turn:
                self._app.news.catch_up_if_behind()
                return route.function(*arguments)
        deadline = gevent.Timeout.start_new(route.deadline_s)
        try:
            with turn:
                # What any worker has answered for is to be found by this request.
                self._app.news.catch_up_if_behind()
                return route.function(*arguments)
        except gevent.Timeout as timeout:
            if timeout is not deadline:
                raise
            raise errors.Unavailable("this takes too long", status=504) from None
        finally:
            deadline.close()


class _Call:
    """One request on its way."""

    __slots__ = ("environ", "origin", "path", "query", "requester")

    def __init__(self, environ: Environ, path: str, query: str) -> None:
        self.environ = environ
        self.path = path
        self.query = query
        # Who asks, once it is known: a user, or a server.
        self.requester: Requester | None = None
        self.origin: str | None = None

    @property
    def address(self) -> str:
        return self.environ.get("REMOTE_ADDR", "")  # type: ignore[no-any-return]


def _answer(call: _Call, result: object) -> Answer:
    if isinstance(result, (Content, FederatedContent)):
        return file_answer.answer(result, call.environ.get("HTTP_IF_NONE_MATCH", ""))
    return response.success(result)


def _from_path_and_query(call: _Call, route: Route, values: list[str]) -> list[Any]:
    arguments: list[Any] = [
        place if isinstance(place, str) else values[place] for place in route.path_arguments
    ]
    if route.decode_query is not None:
        arguments.append(route.decode_query(call.query))
    return arguments
