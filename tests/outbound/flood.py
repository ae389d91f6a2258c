"""A process that answers every HTTPS request with as much as can be sent, without end, until its
standard input is closed: `python -m tests.outbound.flood CERTIFICATE.pem`. Prints its port.
"""

import os
import socket
import ssl
import sys
import threading

PROMISES = b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000


def main(certificate: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    threading.Thread(target=_serve, args=(listening, context), daemon=True).start()
    sys.stdin.read()
    os._exit(0)


def _serve(listening: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        connection, _ = listening.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(65536)
                while True:
                    secured.sendall(PROMISES)
        except OSError:
            pass


if __name__ == "__main__":
    main(sys.argv[1])
