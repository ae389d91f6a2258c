"""What one address of a server says to another server: its certificate, version, keys and clock."""

import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import gevent
import msgspec

from impl.core import server_keys
from impl.core.rejection import Malformed
from impl.core.signing import SigningKey
from impl.outbound.discovery import Route
from impl.outbound.guard import Guard
from impl.outbound.https_connection import HttpFailure, HttpsConnection, connect
from impl.outbound.proxy import Proxy
from impl.outbound.tls import Tls
from impl.outbound.wire import WireResponse
from impl.services import software

VERSION_PATH = "/_matrix/federation/v1/version"
KEYS_PATH = "/_matrix/key/v2/server"

ANSWER_S_MAX = 15.0
BYTES_MAX = 100_000
EXPIRES_SOON_S = 14 * 86_400.0
CLOCK_S_NOTED = 10.0
CLOCK_S_MAX = 60.0

OK, NOTE, PROBLEM = "ok", "note", "problem"

_BEHIND_A_PROXY = (
    "let the reverse proxy pass /_matrix/federation and /_matrix/key on to a listener whose"
    " resources are [federation]"
)
_NAMES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do about it."""

    subject: str
    verdict: str
    text: str
    advice: str = ""


class Probe:
    """Looks at the addresses of one server. `own_keys` are those that it must publish."""

    def __init__(
        self,
        server_name: str,
        route: Route,
        authorities: Sequence[Path],
        own_keys: Sequence[SigningKey],
        proxy: Proxy | None = None,
    ) -> None:
        self._server_name = server_name
        self._proxy = proxy
        self._route = route
        self._tls = Tls(authorities)
        self._any_name = Tls(authorities, checks_names=False)
        self._own_keys = own_keys

    def look(self, address: str, port: int) -> list[Finding]:
        where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        try:
            connection = self._connect(address, port, self._tls)
        except HttpFailure as failure:
            return [self._not_connected(address, port, failure.reason)]
        try:
            findings = [_certificate(where, connection.certificate())]
            sent_s = time.time()
            version = self._get(connection, VERSION_PATH)
            findings.append(_version(where, version))
            findings += _clock(where, version, sent_s)
            if not connection.is_reusable:
                connection.close()
                connection = self._connect(address, port, self._tls)
            findings.append(self._keys(where, self._get(connection, KEYS_PATH)))
        except HttpFailure as failure:
            findings.append(Finding("answers", PROBLEM, f"{where}: {failure.reason}"))
        finally:
            connection.close()
        return findings

    def _connect(self, address: str, port: int, tls: Tls) -> HttpsConnection:
        route = self._route
        # Whoever runs this may look into a private network; that others may not is said elsewhere.
        name = route.certificate_name
        return connect([(address, port)], route.host_header, name, tls, Guard(), self._proxy)

    def _get(self, connection: HttpsConnection, path: str) -> WireResponse:
        headers = {"User-Agent": software.user_agent(), "Accept": "application/json"}
        with gevent.Timeout(
            ANSWER_S_MAX, HttpFailure(f"{path}: no answer in {ANSWER_S_MAX:.0f} s")
        ):
            return connection.exchange("GET", path, headers, None, BYTES_MAX)

    def _not_connected(self, address: str, port: int, reason: str) -> Finding:
        name = self._route.certificate_name
        if "certificate" not in reason:
            advice = "is the server running, and the port open in every firewall before it?"
            if "speak TLS" in reason:
                advice = "this port must speak HTTPS: set tls on the listener, or use a proxy"
            return Finding("connection", PROBLEM, reason, advice)
        advice = f"other servers want a certificate for {name} from a public authority"
        if "local issuer" in reason:
            advice = "send the whole chain (fullchain.pem), from an authority that others know"
        elif "expired" in reason:
            advice = "renew it, and let the server or proxy read the new one"
        elif "self" not in reason:
            try:
                connection = self._connect(address, port, self._any_name)
            except HttpFailure:
                pass
            else:
                reason += f" (it is for {_names(connection.certificate())})"
                connection.close()
        return Finding("certificate", PROBLEM, reason, advice)

    def _keys(self, where: str, response: WireResponse) -> Finding:
        if response.status != 200:
            text = f"{where}: {KEYS_PATH} answers with {response.status}"
            return Finding("keys", PROBLEM, text, _BEHIND_A_PROXY)
        now_ms = time.time_ns() // 1_000_000
        try:
            document = server_keys.read(_json(response.body), now_ms)
        except Malformed as error:
            return Finding("keys", PROBLEM, f"{where}: the document of keys is no good: {error}")
        if document.server_name != self._server_name:
            text = f"{where}: these are the keys of {document.server_name}"
            return Finding("keys", PROBLEM, text, "server_name is another there, or the proxy errs")
        current = {key_id for key_id, key in document.keys.items() if not key.is_old}
        for own in self._own_keys:
            published = document.keys.get(own.key_id)
            if published is None or published.verify_key != own.verify_key:
                text = f"{where}: {own.key_id} of signing_key_path is not published there"
                return Finding("keys", PROBLEM, text, "another server answers under this name")
        hours = (document.valid_until_ts - now_ms) / 3_600_000
        if hours <= 0:
            text = f"{where}: the document of keys is {-hours:.1f} hours out of date"
            return Finding("keys", PROBLEM, text, "the server's clock is wrong, or a cache is old")
        text = f"{where}: {', '.join(sorted(current))}, signed, good for {hours:.1f} hours"
        return Finding("keys", OK, text)


def _certificate(where: str, certificate: Mapping[str, Any]) -> Finding:
    left_s = ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()
    issuer = {name: value for part in certificate["issuer"] for name, value in part}
    by = issuer.get("organizationName") or issuer.get("commonName") or "somebody"
    text = f"{where}: for {_names(certificate)}, by {by}, good for {left_s / 86_400:.0f} days"
    if left_s < EXPIRES_SOON_S:
        return Finding("certificate", NOTE, text, "it should have been renewed by now")
    return Finding("certificate", OK, text)


def _names(certificate: Mapping[str, Any]) -> str:
    names = [value for _, value in certificate.get("subjectAltName", ())]
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more if names else "no name"


def _version(where: str, response: WireResponse) -> Finding:
    document = _json(response.body)
    server = document.get("server") if isinstance(document, dict) else None
    if response.status != 200 or not isinstance(server, dict):
        text = f"{where}: {VERSION_PATH} answers with {response.status}, and is not a server's"
        return Finding("version", PROBLEM, text, _BEHIND_A_PROXY)
    return Finding("version", OK, f"{where}: {server.get('name')} {server.get('version')}")


def _clock(where: str, response: WireResponse, sent_s: float) -> list[Finding]:
    received_s = time.time()
    try:
        date_s = parsedate_to_datetime(response.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return []
    # It is told in whole seconds, of some time between the two.
    ahead_s = max(0.0, date_s - received_s) + min(0.0, date_s + 1 - sent_s)
    if abs(ahead_s) < CLOCK_S_NOTED:
        return [Finding("clock", OK, f"{where}: as here")]
    kind = "ahead of" if ahead_s > 0 else "behind"
    text = f"{where}: {abs(ahead_s):.0f} s {kind} this machine's"
    verdict = NOTE if abs(ahead_s) < CLOCK_S_MAX else PROBLEM
    return [Finding("clock", verdict, text, "let NTP set the clocks of both machines")]


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
