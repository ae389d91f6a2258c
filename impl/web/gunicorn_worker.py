"""The worker process: gunicorn's gevent worker with gevent's own WSGI server, and our connections.

Against the stock one: TLS is a listener's affair, a worker takes one connection at a time from the
queue that all share, connections have time limits (http_connection.py), and at a stop long polls
are answered, idle connections closed and the rest finished.

`self.app` is the gunicorn application of impl/supervisor/gunicorn_app.py: it knows the listeners,
in the order of the sockets, and makes the site: the WSGI callable, and how to stop what is behind
it."""

import logging
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import gevent
import gevent.ssl
from gevent.event import Event
from gevent.monkey import MonkeyPatchWarning
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer
from gunicorn.workers.ggevent import GeventWorker

from impl.web import waiting_bytes
from impl.web.http_connection import HttpConnection
from impl.web.waiting_bytes import WaitingBytes

HEARTBEAT_S = 1.0
HANDSHAKE_S = 10.0

_log = logging.getLogger(__name__)


class ListenerServer(WSGIServer):
    """One listening socket."""

    handler_class = HttpConnection
    # Fairness between workers: take one connection and go back to the loop.
    max_accept = 1

    def __init__(
        self, socket: Any, site: Any, pool: Pool, listener: Any, waiting: WaitingBytes, **ssl: Any
    ) -> None:
        environ = {
            "SERVER_SOFTWARE": "Soma",
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "soma.resources": listener.resources,
            "soma.compress": listener.compress,
        }
        super().__init__(socket, site.application, spawn=pool, log=None, environ=environ, **ssl)
        self.listener = listener
        self.waiting = waiting
        self.is_draining = False
        # Those that wait for the next request of their client.
        self.idle: set[HttpConnection] = set()

    def wrap_socket_and_handle(self, client_socket: Any, address: Any) -> None:
        """TLS, with a limit on the handshake; what fails there is the client's affair."""
        try:
            with gevent.Timeout(HANDSHAKE_S):
                tls_socket = self.wrap_socket(client_socket, **self.ssl_args)
        except (OSError, gevent.Timeout) as error:
            _log.debug("TLS handshake with %s failed: %s", address, error)
            client_socket.close()
            return
        try:
            self.handle(tls_socket, address)
        except OSError:
            pass  # The client went away.
        finally:
            tls_socket.close()

    def drain(self) -> None:
        """No more connections; those that wait end now, and the others after their response."""
        self.is_draining = True
        self.close()
        for connection in list(self.idle):
            connection.end_idle()


class MatrixWorker(GeventWorker):
    """gunicorn's side: boot, heartbeat, stop."""

    # Which slot of the worker page is ours; gunicorn_app.py sets it before the fork.
    slot = 0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.site: Any = None
        self._woken: Event | None = None

    def patch(self) -> None:
        with warnings.catch_warnings():
            # Part was patched before the fork, for the modules that were imported there.
            warnings.simplefilter("ignore", MonkeyPatchWarning)
            super().patch()

    def load_wsgi(self) -> None:
        self._woken = Event()
        self.site = self.app.load_site(self.slot)
        self.wsgi = self.site.application

    def run(self) -> None:
        pool = Pool(self.worker_connections)
        servers = list(self._servers(pool))
        for server in servers:
            server.start()
        assert self._woken is not None
        while self.alive:
            self.notify()
            _flush_log()
            self._woken.wait(HEARTBEAT_S)
        self._stop(servers, pool)
        _flush_log()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: stop gracefully."""
        self.alive = False
        if self._woken is not None:
            self._woken.set()

    def _servers(self, pool: Pool) -> Iterator[ListenerServer]:
        waiting = WaitingBytes(waiting_bytes.BYTES_MAX)
        for socket, listener in zip(self.sockets, self.app.listeners, strict=True):
            socket.setblocking(True)
            options = {}
            if listener.tls:
                options["ssl_context"] = tls_context(*self.app.certificate)
            yield ListenerServer(socket, self.site, pool, listener, waiting, **options)

    def _stop(self, servers: list[ListenerServer], pool: Pool) -> None:
        started = time.monotonic()
        for server in servers:
            server.drain()
        self.site.begin_shutdown()
        while len(pool) and time.monotonic() - started < self.cfg.graceful_timeout:
            self.notify()
            pool.join(timeout=0.5)
        if len(pool):
            _log.warning("%d requests were not finished in time", len(pool))
            pool.kill(timeout=1)
        self.site.stop()


def _flush_log() -> None:
    for handler in logging.getLogger().handlers:
        handler.flush()


def tls_context(certificate: Path, private_key: Path) -> Any:
    """TLS 1.2 and later, HTTP/1.1."""
    context = gevent.ssl.create_default_context(gevent.ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = gevent.ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, private_key)
    context.set_alpn_protocols(["http/1.1"])
    return context
