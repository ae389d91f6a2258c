"""Messages to devices while the server's processes are killed: each arrives once, in order.

A client sends again what it had no answer for, with the same transaction id, and syncs again from
where it was; so must everything that it sent have arrived in the end, once, in the order in which
it was sent. Workers are killed one by one, and now and then everything at once.

In CI a short round; `SOMA_FAULTS_ROUNDS=20` makes it as much longer.
"""

import http.client
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from tests.served import Served

SENDERS = 4
ROUNDS = int(os.environ.get("SOMA_FAULTS_ROUNDS", "1"))
WORKERS_KILLED = 4
# Between two kills.
MESSAGES_MIN = 60
END_S = 60.0


@dataclass
class Client:
    """Asks again until it is answered."""

    server: Served
    user_id: str
    token: str

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        deadline = time.monotonic() + END_S
        while True:
            connection = self.server.connect(timeout_s=30)
            try:
                status, answer = connection.request(method, path, body, self.token)
            except (OSError, http.client.HTTPException, ValueError):
                status, answer = 0, {}
            finally:
                connection.close()
            if status == 200:
                return answer
            # Killed, or still without its database: anything else would not get better.
            assert status in (0, 503), (status, answer)
            assert time.monotonic() < deadline, "nobody answers any more"
            time.sleep(0.02)


@dataclass
class Work:
    """Senders who number what they send, and a device that writes down what it hears."""

    receiver: Client
    senders: list[Client]
    sent: dict[str, int] = field(default_factory=dict)
    heard: dict[str, list[int]] = field(default_factory=dict)
    failures: list[BaseException] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def send(self, client: Client) -> None:
        number = 0
        while not self.is_over.is_set():
            body = {"messages": {self.receiver.user_id: {"*": {"n": number}}}}
            path = f"/_matrix/client/v3/sendToDevice/m.test/t{number}"
            client.ask("PUT", path, body)
            number += 1
            self.sent[client.user_id] = number

    def hear(self) -> None:
        since: str | None = None
        while not self.is_over.is_set() or self.missing():
            query = {"timeout": 200, **({"since": since} if since else {})}
            path = f"/_matrix/client/v3/sync?{urlencode(query, quote_via=quote)}"
            answer = self.receiver.ask("GET", path)
            # Only who has the whole answer goes on from it.
            since = answer["next_batch"]
            for event in answer["to_device"]["events"]:
                self.heard.setdefault(event["sender"], []).append(event["content"]["n"])

    def missing(self) -> int:
        if any(thread.is_alive() for thread in self.threads[1:]):
            return 1
        return sum(self.sent.values()) - sum(map(len, self.heard.values()))

    def start(self) -> None:
        jobs: list[Callable[[], None]] = [self.hear]
        jobs += [lambda one=one: self.send(one) for one in self.senders]  # type: ignore[misc]
        self.threads = [threading.Thread(target=self._guarded, args=(job,)) for job in jobs]
        for thread in self.threads:
            thread.start()

    def _guarded(self, job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            self.failures.append(error)
            self.is_over.set()

    def until_sent(self, more: int) -> None:
        """Returns when so many more messages were answered for."""
        wanted, deadline = sum(self.sent.values()) + more, time.monotonic() + END_S
        while sum(self.sent.values()) < wanted and not self.failures:
            assert time.monotonic() < deadline, "nothing is sent any more"
            time.sleep(0.01)

    def end(self) -> None:
        self.is_over.set()
        for thread in self.threads:
            thread.join(END_S)


def test_messages_arrive_once_and_in_order_though_workers_are_killed() -> None:
    chance = random.Random(7)
    with Served.new(workers=2) as server:
        receiver = Client(server, *server.register("receiver"))
        senders = [Client(server, *server.register(f"sender{n}")) for n in range(SENDERS)]
        work = Work(receiver, senders)
        work.start()
        try:
            for _ in range(ROUNDS):
                for _ in range(WORKERS_KILLED):
                    work.until_sent(MESSAGES_MIN + chance.randrange(30))
                    server.kill_a_worker(chance)
                work.until_sent(MESSAGES_MIN)
                server.kill()
                server.start()
            work.until_sent(MESSAGES_MIN)
        finally:
            work.end()
        assert work.failures == []
        assert work.heard == {user_id: list(range(n)) for user_id, n in work.sent.items()}
        assert len(work.heard) == SENDERS
