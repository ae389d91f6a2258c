"""Requests to other servers: one method an operation of the server-server API, named as in the
generated tables. What they have in common is in asking.py.

What comes back was read as JSON and is of the outermost type that the operation answers. All else
in it is the word of a stranger: whoever uses it checks it. The events of a whole state are left as
text, each by itself (`msgspec.Raw`): to read them at once would hold up everybody else."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from impl.outbound import content
from impl.outbound.asking import Asking, Json
from impl.outbound.content import Expect
from impl.received_file import ReceivedFile

# What is made of a large answer while it is there.
Take = Callable[[Json], Any]

# What is asked about all of a large room may take so many times as long.
LONG = 2
# What a join waits for that may do without it.
COMPLEXITY_TIMEOUT_S = 5.0
# Anybody can have keys asked for of servers that do not answer.
KEYS_TIMEOUT_S = 30.0
# Who waits for a space waits less than that (services/spaces.py); the next one has it then.
HIERARCHY_TIMEOUT_S = 20.0
# Of one event, with all that may stand around it.
EVENT_BYTES_MAX = 1 << 20
# Of one server's keys.
KEYS_BYTES_MAX = 256 << 10
# The state of a large room.
STATE_BYTES_MAX = 256 << 20
# Its ids, and an auth chain.
IDS_BYTES_MAX = 32 << 20
CHAIN_BYTES_MAX = 64 << 20

_V1 = "/_matrix/federation/v1"
_V2 = "/_matrix/federation/v2"


def _as_it_is(answer: Json) -> Json:
    return answer


class FederationClient(Asking):
    """Asks other servers, in the name of this one."""

    @property
    def long_s(self) -> float:
        """What is asked about all of a large room may take so long."""
        return LONG * self._timeout_s

    # Keys. Who asks for them knows by itself when that is worth it. The other may not know ours.

    def get_server_key(self, destination: str, timeout_s: float = KEYS_TIMEOUT_S) -> Json:
        return self._get(
            destination,
            "/_matrix/key/v2/server",
            is_signed=False,
            insists=True,
            is_noted=False,
            timeout_s=timeout_s,
            bytes_max=KEYS_BYTES_MAX,
        )

    def bulk_perspectives_key_query(
        self, destination: str, server_keys: Json, timeout_s: float = KEYS_TIMEOUT_S
    ) -> Json:
        body = {"server_keys": server_keys}
        target = "/_matrix/key/v2/query"
        return self._call(destination, "POST", target, body, insists=True, timeout_s=timeout_s)

    # Transactions.

    def send_transaction(self, destination: str, txn_id: str, body: bytes) -> Json:
        """`body` is canonical JSON already: PDUs are encoded once for all their destinations.
        Whether it is worth asking is for the sender to know.
        """
        return self._call(destination, "PUT", f"{_V1}/send/{_part(txn_id)}", body, insists=True)

    # Rooms: reading.

    def get_event(self, destination: str, event_id: str) -> Json:
        target = f"{_V1}/event/{_part(event_id)}"
        return self._get(destination, target, bytes_max=EVENT_BYTES_MAX)

    def get_event_auth(
        self, destination: str, room_id: str, event_id: str, take: Take = _as_it_is
    ) -> Any:
        """What `take` makes of the answer."""
        return self._get(
            destination,
            f"{_V1}/event_auth/{_part(room_id)}/{_part(event_id)}",
            timeout_s=self.long_s,
            bytes_max=CHAIN_BYTES_MAX,
            texts=("auth_chain",),
            take=take,
        )

    def get_room_state(
        self, destination: str, room_id: str, event_id: str, take: Take = _as_it_is
    ) -> Any:
        """What `take` makes of the answer."""
        return self._get(
            destination,
            f"{_V1}/state/{_part(room_id)}",
            {"event_id": event_id},
            timeout_s=self.long_s,
            bytes_max=STATE_BYTES_MAX,
            texts=("pdus", "auth_chain"),
            take=take,
        )

    def get_room_state_ids(self, destination: str, room_id: str, event_id: str) -> Json:
        return self._get(
            destination,
            f"{_V1}/state_ids/{_part(room_id)}",
            {"event_id": event_id},
            timeout_s=self.long_s,
            bytes_max=IDS_BYTES_MAX,
        )

    def backfill_room(
        self, destination: str, room_id: str, event_ids: Sequence[str], limit: int
    ) -> Json:
        query = {"v": list(event_ids), "limit": limit}
        return self._get(destination, f"{_V1}/backfill/{_part(room_id)}", query)

    def get_missing_previous_events(self, destination: str, room_id: str, body: Json) -> Json:
        """`body`: earliest_events, latest_events, limit, min_depth."""
        target = f"{_V1}/get_missing_events/{_part(room_id)}"
        return self._call(destination, "POST", target, body)

    def get_event_by_timestamp(self, destination: str, room_id: str, ts: int, dir: str) -> Json:
        target = f"{_V1}/timestamp_to_event/{_part(room_id)}"
        return self._get(destination, target, {"ts": ts, "dir": dir})

    def get_room_complexity(self, destination: str, room_id: str) -> Json:
        """COMPAT(Synapse): see api-specs/unstable/room_complexity.yaml."""
        target = f"/_matrix/federation/unstable/rooms/{_part(room_id)}/complexity"
        return self._get(destination, target, timeout_s=COMPLEXITY_TIMEOUT_S)

    # Rooms: memberships. What a user waits for is tried, whatever was before.

    def make_join(
        self, destination: str, room_id: str, user_id: str, versions: Sequence[str]
    ) -> Json:
        target = f"{_V1}/make_join/{_part(room_id)}/{_part(user_id)}"
        return self._get(destination, target, {"ver": list(versions)}, insists=True)

    def send_join_v2(
        self,
        destination: str,
        room_id: str,
        event_id: str,
        pdu: Json,
        *,
        omit_members: bool,
        take: Take = _as_it_is,
    ) -> Any:
        """What `take` makes of the answer: few that are large are there at a time, so it should
        keep nothing of it.
        """
        return self._call(
            destination,
            "PUT",
            f"{_V2}/send_join/{_part(room_id)}/{_part(event_id)}",
            pdu,
            query={"omit_members": "true" if omit_members else "false"},
            insists=True,
            timeout_s=self.long_s,
            bytes_max=STATE_BYTES_MAX,
            texts=("state", "auth_chain"),
            take=take,
        )

    def make_leave(self, destination: str, room_id: str, user_id: str) -> Json:
        target = f"{_V1}/make_leave/{_part(room_id)}/{_part(user_id)}"
        return self._get(destination, target, insists=True)

    def send_leave_v2(self, destination: str, room_id: str, event_id: str, pdu: Json) -> Json:
        target = f"{_V2}/send_leave/{_part(room_id)}/{_part(event_id)}"
        return self._call(destination, "PUT", target, pdu, insists=True)

    def make_knock(
        self, destination: str, room_id: str, user_id: str, versions: Sequence[str]
    ) -> Json:
        target = f"{_V1}/make_knock/{_part(room_id)}/{_part(user_id)}"
        return self._get(destination, target, {"ver": list(versions)}, insists=True)

    def send_knock(self, destination: str, room_id: str, event_id: str, pdu: Json) -> Json:
        target = f"{_V1}/send_knock/{_part(room_id)}/{_part(event_id)}"
        return self._call(destination, "PUT", target, pdu, insists=True)

    def send_invite_v2(self, destination: str, room_id: str, event_id: str, body: Json) -> Json:
        """`body`: event, room_version, invite_room_state."""
        target = f"{_V2}/invite/{_part(room_id)}/{_part(event_id)}"
        return self._call(destination, "PUT", target, body, insists=True)

    def send_invite_v1(self, destination: str, room_id: str, event_id: str, pdu: Json) -> list[Any]:
        """What it answers is a pair: a status that means nothing, and the event."""
        target = f"{_V1}/invite/{_part(room_id)}/{_part(event_id)}"
        return self._call(destination, "PUT", target, pdu, insists=True, kind=list)  # type: ignore

    def exchange_third_party_invite(self, destination: str, room_id: str, pdu: Json) -> Json:
        target = f"{_V1}/exchange_third_party_invite/{_part(room_id)}"
        return self._call(destination, "PUT", target, pdu, insists=True)

    # Queries.

    def query_room_directory(self, destination: str, room_alias: str) -> Json:
        target = f"{_V1}/query/directory"
        return self._get(destination, target, {"room_alias": room_alias}, insists=True)

    def query_profile(self, destination: str, user_id: str, field: str | None = None) -> Json:
        query = {"user_id": user_id} | ({} if field is None else {"field": field})
        return self._get(destination, f"{_V1}/query/profile", query)

    def get_public_rooms(self, destination: str, query: Mapping[str, Any]) -> Json:
        return self._get(destination, f"{_V1}/publicRooms", query, insists=True)

    def query_public_rooms(self, destination: str, body: Json) -> Json:
        return self._call(destination, "POST", f"{_V1}/publicRooms", body, insists=True)

    def get_space_hierarchy(self, destination: str, room_id: str, suggested_only: bool) -> Json:
        query = {"suggested_only": "true" if suggested_only else "false"}
        target = f"{_V1}/hierarchy/{_part(room_id)}"
        return self._get(destination, target, query, timeout_s=HIERARCHY_TIMEOUT_S)

    def get_version(self, destination: str) -> Json:
        return self._get(destination, f"{_V1}/version", is_signed=False, insists=True)

    # Devices and keys.

    def get_user_devices(self, destination: str, user_id: str) -> Json:
        return self._get(destination, f"{_V1}/user/devices/{_part(user_id)}")

    def query_user_encryption_keys(
        self, destination: str, device_keys: Json, timeout_s: float | None = None
    ) -> Json:
        body = {"device_keys": device_keys}
        target = f"{_V1}/user/keys/query"
        return self._call(destination, "POST", target, body, timeout_s=timeout_s)

    def claim_user_encryption_keys(
        self, destination: str, one_time_keys: Json, timeout_s: float | None = None
    ) -> Json:
        body = {"one_time_keys": one_time_keys}
        target = f"{_V1}/user/keys/claim"
        return self._call(destination, "POST", target, body, timeout_s=timeout_s)

    # Media.

    def get_content(
        self,
        destination: str,
        media_id: str,
        timeout_ms: int,
        received: ReceivedFile,
        expect: Expect = content.expect_anything,
    ) -> None:
        """See content.py."""
        content.get(self, destination, media_id, timeout_ms, received, expect)

    # Policy servers.

    def ask_policy_server_to_sign(self, destination: str, pdu: Json, timeout_s: float) -> Json:
        return self._call(destination, "POST", "/_matrix/policy/v1/sign", pdu, timeout_s=timeout_s)


def _part(value: str) -> str:
    return quote(value, safe="")
