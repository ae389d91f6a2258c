"""Eight people upload files while every process of the server is killed. What was acknowledged can
be downloaded when it runs again, byte for byte; what was promised and not acknowledged is uploaded
once more, or is there as a whole.

In CI one short round; `SOMA_FAULTS_ROUNDS=20` kills twenty times, after other times.
"""

import http.client
import json
import os
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.served import Served

PEOPLE = 8
ROUNDS = int(os.environ.get("SOMA_FAULTS_ROUNDS", "1"))
ROUND_S = 1.5
BEGIN_S_MAX = 60.0
FILE_BYTES_MAX = 300_000
UPLOAD = "/_matrix/media/v3/upload"


@dataclass
class Uploader:
    """Uploads one file after the other, every other one by a promise, until nobody answers."""

    server: Served
    token: str
    chance: random.Random
    kept: dict[str, bytes] = field(default_factory=dict)
    # A promise whose file was sent, and not acknowledged.
    open: tuple[str, bytes] | None = None
    refused: list[Any] = field(default_factory=list)

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            while not self.refused:
                self.upload(
                    connection, self.chance.randbytes(self.chance.randint(0, FILE_BYTES_MAX))
                )
        except (OSError, http.client.HTTPException):
            pass  # Killed: the last file has no answer.
        finally:
            connection.close()

    def upload(self, connection: Any, data: bytes) -> None:
        if len(self.kept) % 2:
            status, answer = self.ask(connection, "POST", UPLOAD, data)
        else:
            _, promised = self.ask(connection, "POST", "/_matrix/media/v1/create", b"")
            self.open = (promised["content_uri"], data)
            status, _ = self.ask(connection, "PUT", f"{UPLOAD}/{place_of(self.open[0])}", data)
            answer = promised
            self.open = None
        if status != 200:
            self.refused.append((status, answer))
        else:
            self.kept[answer["content_uri"]] = data

    def finish(self) -> None:
        """As a client does that had no answer: the same request again."""
        if self.open is None:
            return
        uri, data = self.open
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        status, answer = self.ask(connection, "PUT", f"{UPLOAD}/{place_of(uri)}", data)
        connection.close()
        assert status == 200 or answer["errcode"] == "M_CANNOT_OVERWRITE_MEDIA", answer
        self.open, self.kept[uri] = None, data

    def ask(self, connection: Any, method: str, path: str, data: bytes) -> tuple[int, Any]:
        connection.request(method, path, data, self.headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def download(self, connection: Any, uri: str) -> bytes:
        path = f"/_matrix/client/v1/media/download/{place_of(uri)}"
        connection.request("GET", path, headers=self.headers)
        response = connection.getresponse()
        body: bytes = response.read()
        assert response.status == 200, (uri, response.status, body[:200])
        return body

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/octet-stream",
        }


def place_of(uri: str) -> str:
    return uri.removeprefix("mxc://")


def upload_until_killed(server: Served, people: list[Uploader], seconds: float) -> None:
    """`seconds` after each of them has been answered once."""
    before = [len(person.kept) for person in people]
    threads = [threading.Thread(target=person.run) for person in people]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + BEGIN_S_MAX
    while any(len(one.kept) == count for one, count in zip(people, before, strict=True)):
        assert time.monotonic() < deadline, "not everybody was answered"
        time.sleep(0.01)
    time.sleep(seconds)
    server.kill()
    for thread in threads:
        thread.join()
    assert not [person.refused for person in people if person.refused]


def check(server: Served, people: list[Uploader]) -> None:
    """Anybody has what somebody uploaded."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    for number, person in enumerate(people):
        other = people[number - 1]
        for uri, data in person.kept.items():
            assert other.download(connection, uri) == data, f"{uri} is another file"
    connection.close()


def test_files_that_were_acknowledged_survive_the_death_of_every_process() -> None:
    with Served.new(workers=2) as server:
        people = [
            Uploader(server, server.register(f"uploader{number}")[1], random.Random(number))
            for number in range(PEOPLE)
        ]
        for number in range(ROUNDS):
            upload_until_killed(server, people, ROUND_S + 0.37 * number)
            server.start()
            for person in people:
                person.finish()
            check(server, people)
        assert sum(len(person.kept) for person in people) > PEOPLE * ROUNDS
