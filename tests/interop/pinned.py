"""A door to one worker: a relay whose connections all end there.

The kernel deals connections to the workers as it likes. The relay tries until it has one to the
worker that it wants, which tells its name in the ids it gives to requests; from there on it passes
bytes.
"""

import socket
import threading

PROBE = b"GET /_matrix/client/versions HTTP/1.1\r\nHost: localhost\r\n\r\n"
TRIES_MAX = 2000


class Door:
    """Listens on a port of its own; `other_than` names the worker that it does not lead to."""

    def __init__(self, port: int, other_than: str | None) -> None:
        self._port = port
        self._sockets: list[socket.socket] = []
        self.worker = self._find_worker(other_than)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in (self._listener, *self._sockets):
            _close(one)

    def _find_worker(self, other_than: str | None) -> str:
        for _ in range(TRIES_MAX):
            connection, name = self._probe()
            _close(connection)
            if name != other_than:
                return name
        raise AssertionError("only one worker answers")

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        worker = self._connect()
        self._sockets += [client, worker]
        back = threading.Thread(target=_pass, args=(worker, client), daemon=True)
        back.start()
        _pass(client, worker)

    def _connect(self) -> socket.socket:
        for _ in range(TRIES_MAX):
            connection, name = self._probe()
            if name == self.worker:
                return connection
            _close(connection)
        raise AssertionError("the worker is gone")

    def _probe(self) -> tuple[socket.socket, str]:
        """A connection, and who is at its other end."""
        connection = socket.create_connection(("127.0.0.1", self._port))
        connection.sendall(PROBE)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += _receive(connection)
        head, _, body = answer.partition(b"\r\n\r\n")
        fields = dict(
            line.decode().lower().split(": ", 1) for line in head.split(b"\r\n")[1:] if line
        )
        while len(body) < int(fields["content-length"]):
            body += _receive(connection)
        return connection, fields["x-request-id"].partition("-")[0]


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("the worker hung up")
    return data


def _pass(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    _close(source)
    _close(target)


def _close(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()
