"""Which server is asking: the signature on its request. S-S API, "Request Authentication"."""

from typing import Any, NamedTuple

from impl import errors
from impl.app import App
from impl.core import canonical_json, identifiers, json_bounds, request_auth, signing
from impl.core.rejection import Malformed
from impl.core.request_auth import Credentials
from impl.services import forgeries, server_keys
from impl.web import request
from impl.web.request import Environ

# COMPAT(Synapse): 200 events of the largest size. A transaction has 50 of them, and 100 EDUs.
BODY_BYTES_MAX = 200 * 65_536
# What is in it: an event has a value for some thirty of its bytes. Until it is known who has sent
# it, it is read only if it is much smaller; or else anybody could keep us busy. Nor is what is not
# very small read for anybody any number of times (services/forgeries.py).
VALUES_MAX = 1_000_000
VALUES_MAX_OF_ANYBODY = 50_000
VALUES_MAX_OF_NEIGHBOURS = 200_000
VALUES_FEW = 500
BYTES_FEW = 64 << 10

_METHODS_WITH_BODY = frozenset({"PUT", "POST"})


class SignedRequest(NamedTuple):
    """Who sent it, and what: None where it has no body."""

    origin: str
    content: dict[str, Any] | None


def verify(app: App, environ: Environ, *, holds_events: bool) -> SignedRequest:
    """Read the body and see that the origin has signed it, with all that the request is.

    Raises Unauthorized; Forbidden for a server that we have nothing to do with. `holds_events`:
    what is wrong inside of one thing in the body is not to be held against the others."""
    given = _credentials(app, environ)
    # Before the body is read: it may be large, and of anybody.
    address = environ.get("REMOTE_ADDR", "")
    signers = server_keys.find_signers(app, given, address)
    method = environ["REQUEST_METHOD"]
    raw = request.read_bytes(environ, BODY_BYTES_MAX) if method in _METHODS_WITH_BODY else b""
    origin, target = given[0].origin, request.raw_target(environ)

    def is_signed(body: bytes | None) -> bool:
        message = request_auth.signed_bytes(method, target, origin, app.server_name, body)
        return any(signing.is_signed(message, one.signature, one.verify_key) for one in signers)

    content: dict[str, Any] | None = None
    if not raw:
        is_known = is_signed(None)
    else:
        # The signature is of the body's canonical JSON. That is how most servers send it, and then
        # there is no need to write it anew; nor is it a question then how a fraction is written,
        # which only events of old rooms may have. Whether the bytes were signed can be told without
        # reading them: what stands behind them in the message begins nowhere else.
        is_known = _looks_canonical(raw) and is_signed(raw)
        values_max = VALUES_MAX if is_known else VALUES_MAX_OF_ANYBODY
        claim = None
        if not is_known and _is_costly(raw):
            claim = forgeries.Claim(app, origin, address)
            claim.check()
            if claim.is_neighbour:
                values_max = VALUES_MAX_OF_NEIGHBOURS
        try:
            content = request.decode_object(raw, is_checked=not holds_events, values_max=values_max)
            is_known = is_known or is_signed(canonical_json.encode(content, strict=False))
        except errors.TooLarge:
            claim = None  # Its values were counted, which takes no time.
            raise
        finally:
            if claim is not None and not is_known:
                claim.note()
    if not is_known:
        raise errors.Unauthorized("the signature of the request is wrong")
    forgeries.see(app, origin, address)
    return SignedRequest(origin, content)


def _credentials(app: App, environ: Environ) -> list[Credentials]:
    """What the header claims, if it can be true."""
    field = environ.get("HTTP_AUTHORIZATION", "")
    if not field:
        raise errors.Unauthorized("the request is not signed")
    try:
        given = request_auth.parse_all(field)
    except Malformed as error:
        raise errors.Unauthorized(str(error)) from None
    origin = given[0].origin
    if any(one.origin != origin for one in given):
        raise errors.Unauthorized("the request is signed by more than one server")
    if not identifiers.is_server_name(origin):
        raise errors.Unauthorized("origin is not the name of a server")
    if origin.lower() == app.server_name:
        raise errors.Unauthorized("origin is this server")
    # COMPAT(servers before 1.3 of the specification): they sign the destination and do not name it.
    if any(one.destination not in (None, app.server_name) for one in given):
        raise errors.Unauthorized("destination is another server")
    if not app.is_federated_with(origin):
        raise errors.Forbidden("this server does not federate with yours")
    return given


def _is_costly(raw: bytes) -> bool:
    return len(raw) > BYTES_FEW or json_bounds.has_more_values(raw, VALUES_FEW)


def _looks_canonical(raw: bytes) -> bool:
    first = raw.find(b'":')
    return raw[:2] == b'{"' and raw[first + 2 : first + 3] not in (b" ", b"\n", b"\r", b"\t")
