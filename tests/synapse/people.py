"""Somebody with a client: the client-server API of either server, with what dialogues ask of it.

Whoever waits for something that another server has to bring syncs until it is there."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from typing import Any
from urllib.parse import quote as quote_but_slashes
from urllib.parse import urlencode

Json = dict[str, Any]

V3 = "/_matrix/client/v3"
WAIT_S_MAX = 30.0
# The parts of a sync's rooms.
MEMBERSHIPS = ("join", "invite", "knock", "leave")


def quote(piece: str) -> str:
    """A piece of a path."""
    return quote_but_slashes(piece, safe="")


class Refused(AssertionError):
    """An answer that is an error."""

    def __init__(self, method: str, path: str, status: int, body: Json) -> None:
        super().__init__(f"{method} {path}: {status} {body}")
        self.status = status
        self.errcode = body.get("errcode")
        self.body = body


class Person:
    def __init__(self, url: str, user_id: str, token: str) -> None:
        self.url = url
        self.user_id = user_id
        self._token = token
        self._since: str | None = None
        # Everything that syncs told, by room: timeline events, state, ephemeral, invites.
        self.timelines: dict[str, list[Json]] = {}
        self.ephemeral: list[Json] = []
        self.to_device: list[Json] = []
        self.presence: list[Json] = []
        self.device_lists: Json = {"changed": [], "left": []}
        self.rooms: dict[str, set[str]] = {kind: set() for kind in MEMBERSHIPS}
        self.invites: dict[str, list[Json]] = {}
        self._transactions = 0

    def call(self, method: str, path: str, body: object = None, query: Json | None = None) -> Json:
        """The answer's JSON. Raises Refused."""
        data = json.dumps(body).encode() if body is not None else None
        answer, _ = self.exchange(method, path, data, query=query)
        return json.loads(answer)

    def exchange(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        content_type: str = "application/json",
        query: Json | None = None,
    ) -> tuple[bytes, Message]:
        """Any bytes and their headers, both ways. Raises Refused."""
        target = self.url + path + (f"?{urlencode(query, doseq=True)}" if query else "")
        request = urllib.request.Request(target, data, method=method)
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        if data is not None:
            request.add_header("Content-Type", content_type)
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return response.read(), response.headers
        except urllib.error.HTTPError as error:
            raise Refused(method, path, error.code, json.loads(error.read() or b"{}")) from None

    def get(self, path: str, **query: Any) -> Json:
        return self.call("GET", V3 + path, query=query)

    def put(self, path: str, body: object) -> Json:
        return self.call("PUT", V3 + path, body)

    def post(self, path: str, body: object = None, **query: Any) -> Json:
        return self.call("POST", V3 + path, {} if body is None else body, query)

    def answers(self) -> bool:
        try:
            self.call("GET", "/_matrix/client/versions")
        except (OSError, AssertionError, ValueError):
            return False
        return True

    # Rooms.

    def create_room(self, **options: Any) -> str:
        return self.post("/createRoom", options)["room_id"]

    def invite(self, room_id: str, other: "Person") -> None:
        self.post(f"/rooms/{quote(room_id)}/invite", {"user_id": other.user_id})

    def join(self, room: str, *via: str) -> str:
        # Either name of the parameter: both servers know one of them.
        return self.post(f"/join/{quote(room)}", None, via=list(via), server_name=list(via))[
            "room_id"
        ]

    def leave(self, room_id: str) -> None:
        self.post(f"/rooms/{quote(room_id)}/leave")

    def send(self, room_id: str, text: str, **content: Any) -> str:
        body = {"msgtype": "m.text", "body": text, **content}
        return self.send_event(room_id, "m.room.message", body)

    def send_event(self, room_id: str, event_type: str, content: Json) -> str:
        self._transactions += 1
        place = f"/rooms/{quote(room_id)}/send/{quote(event_type)}/{self._transactions}-{id(self)}"
        return self.put(place, content)["event_id"]

    def put_state(self, room_id: str, event_type: str, content: Json, state_key: str = "") -> str:
        place = f"/rooms/{quote(room_id)}/state/{quote(event_type)}/{quote(state_key)}"
        return self.put(place, content)["event_id"]

    def knock(self, room_id: str, *via: str, **content: str) -> None:
        self.post(f"/knock/{quote(room_id)}", content, via=list(via), server_name=list(via))

    def kick(self, room_id: str, other: "Person", **content: str) -> None:
        self.post(f"/rooms/{quote(room_id)}/kick", {"user_id": other.user_id, **content})

    def ban(self, room_id: str, other: "Person", **content: str) -> None:
        self.post(f"/rooms/{quote(room_id)}/ban", {"user_id": other.user_id, **content})

    def unban(self, room_id: str, other: "Person") -> None:
        self.post(f"/rooms/{quote(room_id)}/unban", {"user_id": other.user_id})

    def redact(self, room_id: str, event_id: str, **content: str) -> str:
        self._transactions += 1
        place = f"/rooms/{quote(room_id)}/redact/{quote(event_id)}/{self._transactions}-{id(self)}"
        return self.put(place, content)["event_id"]

    def empower(self, room_id: str, levels: dict["Person", int], **changes: Any) -> str:
        """Change the power of some; `changes` of other levels."""
        old = self.state(room_id)["m.room.power_levels", ""]["content"]
        users = old.get("users", {}) | {one.user_id: level for one, level in levels.items()}
        return self.put_state(room_id, "m.room.power_levels", {**old, **changes, "users": users})

    def event(self, room_id: str, event_id: str) -> Json:
        return self.get(f"/rooms/{quote(room_id)}/event/{quote(event_id)}")

    def state(self, room_id: str) -> dict[tuple[str, str], Json]:
        """The current state by key."""
        events = self.call("GET", f"{V3}/rooms/{quote(room_id)}/state")
        return {(one["type"], one["state_key"]): one for one in events}  # type: ignore[index]

    def state_ids(self, room_id: str) -> dict[tuple[str, str], str]:
        return {key: one["event_id"] for key, one in self.state(room_id).items()}

    def membership_of(self, room_id: str, other: "Person") -> str | None:
        member = self.state(room_id).get(("m.room.member", other.user_id))
        return member["content"]["membership"] if member else None

    def history(self, room_id: str, limit: int = 1000) -> list[Json]:
        """All messages of a room back to its beginning, newest first."""
        found: list[Json] = []
        query: Json = {"dir": "b", "limit": 100}
        while len(found) < limit:
            page = self.get(f"/rooms/{quote(room_id)}/messages", **query)
            found += page["chunk"]
            if "end" not in page:
                break
            query["from"] = page["end"]
        return found

    def related(self, room_id: str, event_id: str, rel_type: str) -> list[Json]:
        """What relates to an event, newest first."""
        place = f"/_matrix/client/v1/rooms/{quote(room_id)}/relations/{quote(event_id)}/{rel_type}"
        return self.call("GET", place, query={"limit": 100})["chunk"]

    # Syncing.

    def sync(self, timeout_ms: int = 0) -> Json:
        query: Json = {"timeout": timeout_ms}
        if self._since:
            query["since"] = self._since
        answer = self.get("/sync", **query)
        self._since = answer["next_batch"]
        rooms = answer.get("rooms", {})
        for kind in MEMBERSHIPS:
            for room_id, room in rooms.get(kind, {}).items():
                for other in self.rooms.values():
                    other.discard(room_id)
                self.rooms[kind].add(room_id)
                self.timelines.setdefault(room_id, []).extend(
                    room.get("timeline", {}).get("events", [])
                )
                for event in room.get("ephemeral", {}).get("events", []):
                    self.ephemeral.append({"room_id": room_id, **event})
                if kind == "invite":
                    self.invites[room_id] = room["invite_state"]["events"]
        self.to_device += answer.get("to_device", {}).get("events", [])
        self.presence += answer.get("presence", {}).get("events", [])
        for kind, user_ids in answer.get("device_lists", {}).items():
            self.device_lists[kind] += user_ids
        return answer

    def wait(self, what: Callable[[], Any], why: str) -> Any:
        """Sync until something is so, and return it."""
        deadline = time.monotonic() + WAIT_S_MAX
        while True:
            found = what()
            if found:
                return found
            assert time.monotonic() < deadline, f"{self.user_id} waited in vain for {why}"
            self.sync(timeout_ms=1000)

    def wait_for_event(self, room_id: str, event_id: str) -> Json:
        def find() -> Json | None:
            events = self.timelines.get(room_id, [])
            return next((one for one in events if one["event_id"] == event_id), None)

        return self.wait(find, f"{event_id} in {room_id}")

    def wait_for_invite(self, room_id: str) -> list[Json]:
        """The stripped state."""
        self.wait(lambda: room_id in self.rooms["invite"], f"an invite to {room_id}")
        return self.invites[room_id]

    def wait_for_membership(self, room_id: str, other: "Person", membership: str) -> None:
        self.wait(
            lambda: self.membership_of(room_id, other) == membership,
            f"{other.user_id} to be {membership} in {room_id}",
        )


def register(url: str, secret: str, localpart: str, is_admin: bool = False) -> Person:
    """By the administrators' way, which both servers have."""
    asking = Person(url, "", "")
    path = "/_synapse/admin/v1/register"
    nonce = asking.call("GET", path)["nonce"]
    password = f"secret of {localpart}"
    said = [nonce, localpart, password, "admin" if is_admin else "notadmin"]
    mac = hmac.new(secret.encode(), "\0".join(said).encode(), hashlib.sha1).hexdigest()
    body = {
        "nonce": nonce,
        "username": localpart,
        "password": password,
        "admin": is_admin,
        "mac": mac,
    }
    made = asking.call("POST", path, body)
    return Person(url, made["user_id"], made["access_token"])
