"""Users of servers that are made up, in rooms of the server that is measured: they come in by the
handshake, as anybody would, and then make events without asking."""

import time
from urllib.parse import quote

from impl.core import event_builder, event_hash
from impl.core.event import Event
from impl.core.event_builder import Draft, Place
from impl.core.room_version import ROOM_VERSIONS
from tests.bench.peer.network import Line, OtherServer

VERSION = "11"
MEMBER = "m.room.member"
V1, V2 = "/_matrix/federation/v1", "/_matrix/federation/v2"


class Visitor:
    """One user in one room. What they say stands on what they said before."""

    def __init__(self, line: Line, home: OtherServer, room_id: str, localpart: str) -> None:
        self.home, self.room_id, self.user_id = home, room_id, home.user(localpart)
        self._version = ROOM_VERSIONS[VERSION]
        place = f"{quote(room_id, safe='')}/{quote(self.user_id, safe='')}"
        made = line.ask(home, "GET", f"{V1}/make_join/{place}?ver={VERSION}")["event"]
        self._depth = made["depth"] - 1
        self._prev, self._auth = made["prev_events"], made["auth_events"]
        draft = Draft(MEMBER, self.user_id, {"membership": "join"}, self.user_id)
        joined = self._add(draft)
        target = f"{V2}/send_join/{quote(room_id, safe='')}/{quote(joined.event_id, safe='')}"
        state = line.ask(home, "PUT", target, joined.pdu)["state"]
        ids = {
            (one["type"], one["state_key"]): event_hash.event_id_of(one, self._version)
            for one in state
        }
        cited = [ids["m.room.create", ""], ids["m.room.power_levels", ""]]
        self._auth = [*cited, joined.event_id]

    def say(self, text: str) -> Event:
        content = {"msgtype": "m.text", "body": text}
        return self._add(Draft("m.room.message", self.user_id, content))

    def _add(self, draft: Draft) -> Event:
        self._depth += 1
        event = event_builder.build(
            draft,
            Place(self.room_id, self._version, self._prev, self._auth, self._depth),
            now_ms=int(time.time() * 1000),
            server_name=self.home.name,
            signing_key=self.home.key,
        )
        self._prev = [event.event_id]
        return event
