"""A server that is made up and has files, and answers for them as a test wants: by default as the
specification says.

origin = MediaOrigin(network, "o.test")
origin.files["id"] = b"..."
origin.asked                   the targets that were asked for, in their order
origin.answer = lambda target: WireResponse(...)
"""

import json
from collections.abc import Callable

from impl.outbound.wire import WireResponse
from tests.federation.fake_wire import Network

DOWNLOAD = "/_matrix/federation/v1/media/download/"
BOUNDARY = "3b2cdd"


def in_parts(data: bytes, headers: str = "Content-Type: text/plain") -> WireResponse:
    """An answer with a file of these headers, or with none and where it is."""
    delimiter = f"\r\n--{BOUNDARY}".encode()
    about = b"\r\nContent-Type: application/json\r\n\r\n{}"
    body = delimiter + about + delimiter + f"\r\n{headers}\r\n\r\n".encode() + data
    return WireResponse(
        200,
        {"content-type": f"multipart/mixed; boundary={BOUNDARY}"},
        body + delimiter + b"--\r\n",
    )


def refusal(status: int, errcode: str) -> WireResponse:
    body = {"errcode": errcode, "error": "it says so"}
    return WireResponse(status, {"content-type": "application/json"}, json.dumps(body).encode())


class MediaOrigin:
    def __init__(self, network: Network, name: str) -> None:
        self.name = name
        self.files: dict[str, bytes] = {}
        self.headers = "Content-Type: text/plain\r\nContent-Disposition: inline; filename=a.txt"
        self.answer: Callable[[str], WireResponse] = self._answer
        self._network = network
        network.handlers[name] = lambda origin, destination, method, target, body: self.answer(
            target
        )

    @property
    def asked(self) -> list[str]:
        return [one.target for one in self._network.sent if one.destination == self.name]

    def _answer(self, target: str) -> WireResponse:
        path = target.partition("?")[0]
        data = self.files.get(path.removeprefix(DOWNLOAD))
        if not path.startswith(DOWNLOAD):
            return refusal(404, "M_UNRECOGNIZED")
        return refusal(404, "M_NOT_FOUND") if data is None else in_parts(data, self.headers)
