"""How another server is asked: whether at all, with which signature, how its answer is read.

What there is to ask for is in federation.py and content.py."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from impl.core import canonical_json, request_auth
from impl.core.signing import SigningKey
from impl.core.unpadded_base64 import encode_base64
from impl.outbound import json_answer
from impl.outbound.failures import BadAnswer, FederationFailure, Refused, Unreachable
from impl.outbound.wire import ERROR_BYTES_MAX, Sink, Wire, WireResponse

Json = dict[str, Any]

# Until a server has answered, where nobody says anything else (`federation.client_timeout`).
TIMEOUT_S = 60.0
BYTES_MAX = 8 << 20


class Asking:
    """Asks other servers, in the name of this one.

    `is_allowed` says whom federation is with at all. `check_worth`, which may raise Unreachable,
    and `note` are for those who keep count of who answers and who does not (services/sending):
    `note(destination, failure)` is called after each request, with None where there was an answer.
    """

    def __init__(
        self,
        server_name: str,
        signing_key: SigningKey,
        wire: Wire,
        is_allowed: Callable[[str], bool] = lambda server_name: True,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.server_name = server_name
        self.wire = wire
        self._timeout_s = timeout_s
        self._signing_key = signing_key
        self._is_allowed = is_allowed
        self.check_worth: Callable[[str], None] = lambda destination: None
        self.note: Callable[[str, FederationFailure | None], None] = lambda destination, error: None

    def _get(
        self, destination: str, path: str, query: Mapping[str, Any] | None = None, **options: Any
    ) -> Json:
        return self._call(destination, "GET", path, None, query=query, **options)

    def _call(
        self,
        destination: str,
        method: str,
        path: str,
        content: Json | bytes | None,
        *,
        query: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """`options`: those of `_Options`."""
        given = _Options(**options)
        self._check(destination, given.insists)
        note = self.note if given.is_noted else _note_nothing
        target = path if not query else f"{path}?{urlencode(query, doseq=True)}"
        try:
            answer = self._exchange(destination, method, target, content, given)
        except FederationFailure as failure:
            note(destination, failure if failure.is_away else None)
            raise failure.bare() from None
        note(destination, None)
        return answer

    def download(
        self,
        destination: str,
        target: str,
        sink: Sink,
        *,
        timeout_s: float,
        bytes_max: int,
        is_signed: bool = True,
    ) -> WireResponse:
        """GET what is no JSON. Raises Refused for an error, and what `sink` raises. A server whose
        answer has begun is there, and is not left alone if no more of it comes.
        """
        self._check(destination, insists=False)
        headers = {}
        if is_signed:
            headers["Authorization"] = self._authorization(destination, "GET", target, None)
        noticing = _Noticing(sink)
        try:
            response = self.wire.download(
                destination,
                target,
                headers=headers,
                timeout_s=timeout_s,
                bytes_max=bytes_max,
                sink=noticing,
            )
            if response.status >= 400:
                raise _refusal(destination, response)
        except FederationFailure as failure:
            is_away = failure.is_away and not noticing.is_begun
            self.note(destination, failure if is_away else None)
            raise failure.bare() from None
        self.note(destination, None)
        return response

    def _check(self, destination: str, insists: bool) -> None:
        """Raises Unreachable for a server that is not to be asked."""
        if destination == self.server_name:
            raise Unreachable(destination, "that is this server")
        if not self._is_allowed(destination):
            raise Unreachable(destination, "this server does not federate with it")
        if not insists:
            self.check_worth(destination)

    def _exchange(
        self,
        destination: str,
        method: str,
        target: str,
        content: Json | bytes | None,
        options: "_Options",
    ) -> Any:
        body = content if content is None or isinstance(content, bytes) else _encode(content)
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if options.is_signed:
            headers["Authorization"] = self._authorization(destination, method, target, body)
        response = self.wire.request(
            destination,
            method,
            target,
            headers=headers,
            body=body,
            timeout_s=self._timeout_s if options.timeout_s is None else options.timeout_s,
            bytes_max=options.bytes_max,
        )
        try:
            if response.is_error:
                raise _refusal(destination, response)
            answer = json_answer.read(response.body, options.texts)
            if not isinstance(answer, options.kind):
                what = path_of(target)
                raise BadAnswer(destination, f"{what} did not answer with what it should")
            return answer if options.take is None else options.take(answer)
        finally:
            response.done()

    def _authorization(
        self, destination: str, method: str, target: str, content: bytes | None
    ) -> str:
        key = self._signing_key
        message = request_auth.signed_bytes(method, target, self.server_name, destination, content)
        signature = encode_base64(key.sign(message))
        return request_auth.write(self.server_name, destination, key.key_id, signature)


class _Options(msgspec.Struct, kw_only=True, frozen=True):
    # None: as long as is configured.
    timeout_s: float | None = None
    bytes_max: int = BYTES_MAX
    is_signed: bool = True
    # Ask, although it did not answer lately.
    insists: bool = False
    # Strangers can have keys asked for of whatever name: nobody keeps count of that.
    is_noted: bool = True
    kind: type = dict
    # Lists in the answer whose entries stay text.
    texts: tuple[str, ...] = ()
    # What is made of a large answer, while no others are there.
    take: Callable[[Any], Any] | None = None


class _Noticing:
    """A sink that knows whether it was begun with."""

    def __init__(self, sink: Sink) -> None:
        self.is_begun = False
        self._begin = sink.begin
        self.write = sink.write

    def begin(self, headers: Mapping[str, str]) -> None:
        self.is_begun = True
        self._begin(headers)


def _refusal(destination: str, response: WireResponse) -> Refused:
    is_short = len(response.body) <= ERROR_BYTES_MAX
    told = json_answer.read(response.body, ()) if is_short else None
    return Refused(destination, response.status, told if isinstance(told, dict) else {})


def _note_nothing(destination: str, failure: FederationFailure | None) -> None:
    pass


def path_of(target: str) -> str:
    """Without the query: it may name people."""
    return target.partition("?")[0]


def _encode(content: Json) -> bytes:
    return canonical_json.encode(content, strict=False)
