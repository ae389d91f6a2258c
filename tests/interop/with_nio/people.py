"""A client on matrix-nio, and what it was told."""

import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import nio
from nio.store import SqliteMemoryStore

CLIENT = "/_matrix/client"
POLL_MS = 30_000
WAIT_S_MAX = 60


class Person:
    """Whoever wants to see something polls for it. `has_keys`: the devices encrypt."""

    def __init__(self, url: str, name: str, has_keys: bool = False) -> None:
        config = nio.AsyncClientConfig(store=SqliteMemoryStore, encryption_enabled=has_keys)
        self.client = nio.AsyncClient(url, name, config=config)
        self.url = url
        self.name = name
        self.has_keys = has_keys
        self.events: dict[str, list[nio.Event]] = defaultdict(list)
        self.typing: list[str] = []
        self.read: dict[str, str] = {}
        self.presence: dict[str, nio.PresenceEvent] = {}
        self.rules = nio.PushRuleset()
        self.client.add_event_callback(self._on_event, nio.Event)
        self.client.add_ephemeral_callback(self._on_typing, nio.TypingNoticeEvent)
        self.client.add_ephemeral_callback(self._on_receipt, nio.ReceiptEvent)
        self.client.add_presence_callback(self._on_presence, nio.PresenceEvent)
        self.client.add_global_account_data_callback(self._on_rules, nio.PushRulesEvent)

    async def registers(self) -> None:
        await self.does(self.client.register(self.name, f"secret of {self.name}"))
        await self.polls(timeout_ms=0, full_state=True)

    async def again(self) -> "Person":
        """The same person on one more device, which has seen nothing."""
        other = Person(self.url, self.name, self.has_keys)
        await other.does(other.client.login(f"secret of {self.name}"))
        await other.polls(timeout_ms=0, full_state=True)
        return other

    @property
    def user_id(self) -> str:
        return self.client.user_id

    @property
    def said(self) -> list[tuple[str, str]]:
        return [
            (event.sender, event.body)
            for events in self.events.values()
            for event in events
            if isinstance(event, nio.RoomMessageText)
        ]

    def members_of(self, room_id: str) -> set[str]:
        room = self.client.rooms.get(room_id)
        return set(room.users) if room else set()

    def membership(self, room_id: str, user_id: str) -> str | None:
        """By the last event about it that came."""
        found = [
            event.membership
            for event in self.events[room_id]
            if isinstance(event, nio.RoomMemberEvent) and event.state_key == user_id
        ]
        return found[-1] if found else None

    async def does(self, answer: Awaitable[Any]) -> Any:
        """What the client is asked to do must succeed."""
        response = await answer
        assert not isinstance(response, nio.ErrorResponse), f"{self.name}: {response}"
        return response

    async def is_refused(self, answer: Awaitable[Any], errcode: str) -> None:
        response = await answer
        assert isinstance(response, nio.ErrorResponse), f"{self.name} may: {response}"
        assert response.status_code == errcode, f"{self.name}: {response}"

    async def asks(self, method: str, *path: str, body: object = None) -> dict[str, Any]:
        """What matrix-nio has no function for. The path is in pieces, the last with a query."""
        status, answer = await self.tries(method, *path, body=body)
        assert status == 200, f"{self.name}: {method} {path}: {status} {answer}"
        return answer

    async def tries(self, method: str, *path: str, body: object = None) -> tuple[int, Any]:
        place, _, query = path[-1].partition("?")
        pieces = "/".join(quote(piece, safe="") for piece in (*path[1:-1], place))
        response = await self.client.send(
            method,
            f"{CLIENT}/{path[0]}/{pieces}?{query}",
            None if body is None else json.dumps(body),
            {"Authorization": f"Bearer {self.client.access_token}"},
        )
        return response.status, await response.json()

    async def sees(self, what: Callable[[], object]) -> None:
        """Polls until it is so."""
        deadline = time.monotonic() + WAIT_S_MAX
        while not what():
            assert time.monotonic() < deadline, f"{self.name} does not see it"
            await self.polls()

    async def polls(self, timeout_ms: int = POLL_MS, full_state: bool = False) -> None:
        """What matrix-nio's own loop does in one round."""
        client = self.client
        await self.does(client.sync(timeout=timeout_ms, full_state=full_state))
        if client.should_upload_keys:
            await self.does(client.keys_upload())
        if client.should_query_keys:
            await self.does(client.keys_query())
        if client.should_claim_keys:
            await self.does(client.keys_claim(client.get_users_for_key_claiming()))
        for message in list(client.outgoing_to_device_messages):
            await self.does(client.to_device(message))

    async def says(self, room_id: str, body: str, **more: object) -> str:
        content = {"msgtype": "m.text", "body": body, **more}
        return await self.sends(room_id, "m.room.message", content)

    async def sends(self, room_id: str, kind: str, content: dict[str, Any]) -> str:
        # Whose devices they are, nobody has compared.
        sent = await self.does(
            self.client.room_send(room_id, kind, content, ignore_unverified_devices=True)
        )
        return sent.event_id

    async def makes(self, **options: Any) -> str:
        room_id = (await self.does(self.client.room_create(**options))).room_id
        await self.sees(lambda: room_id in self.client.rooms)
        return room_id

    async def joins(self, room_id: str) -> None:
        await self.does(self.client.join(room_id))
        await self.sees(lambda: room_id in self.client.rooms)

    async def _on_event(self, room: nio.MatrixRoom, event: nio.Event) -> None:
        self.events[room.room_id].append(event)

    async def _on_typing(self, room: nio.MatrixRoom, event: nio.TypingNoticeEvent) -> None:
        self.typing = event.users

    async def _on_receipt(self, room: nio.MatrixRoom, event: nio.ReceiptEvent) -> None:
        self.read.update({receipt.user_id: receipt.event_id for receipt in event.receipts})

    async def _on_presence(self, event: nio.PresenceEvent) -> None:
        self.presence[event.user_id] = event

    async def _on_rules(self, event: nio.PushRulesEvent) -> None:
        self.rules = event.global_rules
