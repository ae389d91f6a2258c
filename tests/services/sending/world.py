"""Other servers that are made up: they take transactions, or do not, and their users join rooms."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from impl.app import App
from impl.core import event_builder, identifiers, signing
from impl.core.auth import selection
from impl.core.event_builder import Draft, Place
from impl.core.room_version import ROOM_VERSIONS
from impl.outbound.failures import Unreachable
from impl.outbound.wire import WireResponse
from impl.services.room_events import batching
from impl.services.room_events.submission import Received, Submission
from impl.services.sending.sender import Sender
from impl.storage import rooms
from tests.builders import member
from tests.federation.fake_wire import Network
from tests.services.room_events.inspection import head_of, state_of

KEY = signing.new_signing_key(b"\x03" * 32, "away")


class Clock:
    """What time it is, as the test says."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def __call__(self) -> int:
        return self.ms

    def advance(self, ms: int) -> None:
        self.ms += ms


@dataclass
class Receiver:
    """A server that is made up: what it took, and how it answers now (None: not at all)."""

    name: str
    status: int | None = 200
    answer: dict[str, Any] = field(default_factory=lambda: {"pdus": {}})
    transactions: list[dict[str, Any]] = field(default_factory=list)
    # Of everything that was tried.
    txn_ids: list[str] = field(default_factory=list)

    def take(self, target: str, body: bytes | None) -> WireResponse:
        self.txn_ids.append(target.rpartition("/")[2])
        if self.status is None:
            raise Unreachable(self.name, "nobody is there")
        if self.status == 200 and "/send/" in target:
            self.transactions.append(json.loads(body or b""))
        return WireResponse(self.status, {}, json.dumps(self.answer).encode())

    @property
    def pdus(self) -> list[dict[str, Any]]:
        return [pdu for one in self.transactions for pdu in one["pdus"]]

    @property
    def bodies(self) -> list[str]:
        """What was said in the messages that it got."""
        return [pdu["content"]["body"] for pdu in self.pdus if "body" in pdu["content"]]

    def edus(self, edu_type: str) -> list[dict[str, Any]]:
        return [
            edu["content"]
            for one in self.transactions
            for edu in one["edus"]
            if edu["edu_type"] == edu_type
        ]


class World:
    """All of them."""

    def __init__(self, network: Network, clock: Clock) -> None:
        self.network = network
        self.clock = clock
        self.receivers: dict[str, Receiver] = {}

    def receiver(self, name: str) -> Receiver:
        made = self.receivers[name] = Receiver(name)

        def handle(
            origin: str, destination: str, method: str, target: str, body: bytes | None
        ) -> WireResponse:
            return made.take(target, body)

        self.network.handlers[name] = handle
        return made


def settle(sender: Sender) -> None:
    """Let the sender do all that there is to do now."""
    for _ in range(3):
        sender.app.news.catch_up()
        sender.turn()
        sender.post.hurry()
        sender.post.delivery.join()
    sender.checkpoint()


def come(
    app: App, room_id: str, user_id: str, membership: str = "join", *, is_outgoing: bool = False
) -> str:
    """Another server's user does something about their own membership, as that server says."""
    event = _made(app, room_id, user_id, membership)
    received = [Received(event, is_outgoing=is_outgoing)]
    (event_id,) = batching.submit(app, Submission(room_id, [], received=received))
    return event_id


def _made(app: App, room_id: str, user_id: str, membership: str) -> Any:
    head = head_of(app, room_id)
    version = ROOM_VERSIONS[head.room.room_version]
    state = state_of(app, room_id, head.current_state_root)
    draft = member(user_id, membership)
    keys = selection.auth_types(version, draft.type, user_id, user_id, draft.content)
    with app.database.read() as txn:
        nids = rooms.list_forward_extremities(txn, head.room.room_nid)
        ends = app.events.get_many(txn, [(head.room.room_nid, nid) for nid in nids])
    return event_builder.build(
        draft,
        Place(
            room_id,
            version,
            [one.event_id for one in ends.values()],
            [state[key] for key in keys if key in state],
            head.depth_max + 1,
        ),
        now_ms=app.now_ms(),
        server_name=identifiers.server_name_of(user_id),
        signing_key=KEY,
    )


def kick(user_id: str, sender: str) -> Draft:
    return member(user_id, "leave", sender)


def rows_of(app: App) -> dict[str, dict[str, Any]]:
    """The table of those who lag."""
    with app.database.read() as txn:
        txn.execute("SELECT server_name, to_jsonb(d) FROM destinations d ORDER BY server_name")
        return dict(txn.fetchall())


def shard_positions(app: App) -> list[int]:
    with app.database.read() as txn:
        txn.execute("SELECT position FROM federation_shards ORDER BY shard_nid")
        return [row[0] for row in txn.fetchall()]


def table_sizes(app: App) -> Counter[str]:
    """Table -> rows, of all tables."""
    with app.database.read() as txn:
        txn.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        )
        sizes: Counter[str] = Counter()
        for (name,) in txn.fetchall():
            txn.execute(f"SELECT count(*) FROM {name}")
            sizes[name] = txn.fetchone()[0]
        return sizes
