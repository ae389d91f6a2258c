"""A process under test: our gunicorn with a small WSGI application. Run as a module with a JSON
argument.

It listens on the ports that it prints, first line, and prints "ready" when a worker answers. What
takes its time (/poll, /slow, /last) prints "began" and its path first. With "files" it answers as
file_application.py says.
"""

import json
import os
import resource
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event

from impl.config import Config, Listener, SomaSettings
from impl.supervisor import listening, logs
from impl.supervisor.gunicorn_app import GunicornApp, Hooks, slots_for
from impl.web import http_connection, timed_input, waiting_bytes
from tests.supervisor import file_application


@dataclass
class SmallSite:
    """What a worker needs of a site, with an application that shows what it is given."""

    slot: int
    application: Any = None

    def __post_init__(self) -> None:
        self._stopping = Event()
        self.application = self.application or self._answer

    def begin_shutdown(self) -> None:
        self._stopping.set()

    def stop(self) -> None:
        pass

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        status = "200 OK"
        if path in ("/poll", "/slow", "/last"):
            print("began", path, flush=True)
        if path == "/poll":
            body: object = {"woken": self._stopping.wait(60)}
        elif path in ("/slow", "/last"):
            if path == "/last":
                self._stopping.wait(60)
            gevent.sleep(float(environ["QUERY_STRING"]))
            body = {"done": True}
        elif path == "/body":
            body = {"body": environ["wsgi.input"].read().decode()}
        elif path == "/bad-body":
            # As impl/web/request.py does it: the client is told.
            try:
                body = {"body": environ["wsgi.input"].read().decode()}
            except OSError:
                status, body = "400 Bad Request", {"errcode": "M_NOT_JSON"}
        elif path == "/fail":
            raise RuntimeError("the application failed")
        elif path == "/large":
            body = {"large": "x" * int(environ["QUERY_STRING"])}
        elif path == "/refuse":
            status, body = "413 Content Too Large", {"errcode": "M_TOO_LARGE"}
        else:
            shown = {k: v for k, v in environ.items() if isinstance(v, str)}
            body = {**shown, "resources": sorted(environ["soma.resources"])}
        data = json.dumps({"pid": os.getpid(), "slot": self.slot, "answer": body}).encode()
        headers = [("Content-Type", "application/json")]
        if path == "/pieces":
            start_response(status, headers)
            return iter((data[:1], data[1:]))
        # As impl/web/application.py does it.
        headers.append(("Content-Length", str(len(data))))
        if path == "/inject":
            headers.append(("X-Told", "one\r\nX-Smuggled: two"))
        if path == "/foreign":
            headers.append(("X-Told", "\u4e00"))
        start_response(status, headers)
        return (data,)


def main() -> None:
    settings = json.loads(sys.argv[1])
    directory = Path(settings["directory"])
    for name, seconds in settings.get("limits", {}).items():
        module = http_connection if hasattr(http_connection, name) else timed_input
        setattr(module, name, seconds)
    waiting_bytes.BYTES_MAX = settings.get("waiting_bytes", waiting_bytes.BYTES_MAX)
    listeners = tuple(
        Listener(
            port=0,
            bind_addresses=("127.0.0.1",),
            **{**listener, "resources": frozenset(listener.get("resources", ()))},
        )
        for listener in settings["listeners"]
    )
    config = Config(
        server_name="small.test",
        public_baseurl="http://small.test/",
        listeners=listeners,
        signing_key_path=directory / "signing.key",
        media_store_path=directory / "media",
        tls_certificate_path=settings.get("certificate"),
        tls_private_key_path=settings.get("private_key"),
        max_upload_size=settings.get("max_upload_size", 50 << 20),
        soma=SomaSettings(
            data_dir=directory,
            workers=settings.get("workers", 1),
            shutdown_timeout=settings.get("shutdown_timeout", 5000),
        ),
    )
    logs.set_up("info", "text")
    bound = listening.bind_all(config.listeners)
    print(json.dumps([one.socket.getsockname()[1] for one in bound]), flush=True)
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.read(reader, 1)
        print("ready", flush=True)
        os._exit(0)

    def make_site(slot: int) -> SmallSite:
        if not settings.get("files"):
            return SmallSite(slot)
        site = SmallSite(slot, file_application.make(config, slot))
        # What the disk takes of one file.
        if bytes_max := settings.get("disk_bytes"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))
        return site

    hooks = Hooks(make_site, range(slots_for(config.soma.workers)), writer)
    GunicornApp(config, bound, hooks).run()


if __name__ == "__main__":
    main()
