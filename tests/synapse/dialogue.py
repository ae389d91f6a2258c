"""Whatever people may do in a room, at random: who they are, what they do, and what must be so in
the end. The same seed makes the same plan; what comes of it depends on who is faster.

Some can be put out by nobody and never leave, one on each server: what they say is everywhere in
the end. What others say may be lost on a server that hears of their ban first."""

import random
from collections.abc import Callable
from contextlib import suppress

from tests.synapse.comparing import agree, eventually, know
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Person, Refused

STEADY_LEVEL = 100
# They change what they may, and what they may not is refused.
LEVELS = (0, 10, 50, 70)
MODERATED = {
    "m.room.power_levels": 50,
    "m.room.topic": 10,
    "org.example.state": 0,
}
SETTLE_TRIES_MAX = 12


class Dialogue:
    def __init__(
        self, servers: list[Homeserver], register: Callable[..., Person], seed: int, version: str
    ) -> None:
        self._chance = random.Random(seed)
        self._servers = servers
        self.steady = [register(one, "steady") for one in servers]
        self._others = [register(one, "other") for one in servers for _ in range(2)]
        self._host_of = dict(zip(self.steady + self._others, self._homes(), strict=True))
        self._said: list[str] = []
        self._log: list[str] = []
        maker, *guests = self.steady
        self._room_id = maker.create_room(preset="public_chat", room_version=version)
        for one in [*guests, *self._others]:
            one.join(self._room_id, servers[0].name)
        levels = dict.fromkeys(guests, STEADY_LEVEL)
        maker.empower(self._room_id, levels | {self._others[0]: 50}, events=MODERATED, invite=10)
        agree(self._room_id, *self.steady)

    def _homes(self) -> list[Homeserver]:
        return [*self._servers, *(one for one in self._servers for _ in range(2))]

    @property
    def log(self) -> str:
        return "\n".join(self._log)

    def act(self) -> None:
        """One thing, by somebody who may or may not be allowed to."""
        actions = [(self._say, 30), (self._change_state, 14), (self._join, 12), (self._leave, 6)]
        actions += [(self._kick, 5), (self._ban, 5), (self._unban, 5), (self._invite, 5)]
        actions += [(self._empower, 8), (self._close, 3), (self._redact, 4)]
        actions += [(self._cut, 8), (self._mend, 8), (self._restart, 1)]
        act = self._chance.choices([one for one, _ in actions], [one for _, one in actions])[0]
        who = self._chance.choice(self.steady + self._others)
        what = f"{act.__name__} by {who.user_id}"
        try:
            act(who)
        except Refused as refusal:
            assert refusal.status < 500 or self._is_about_others(act), (what, refusal)
            what += f": {refusal.errcode}"
        self._log.append(what)

    def _is_about_others(self, act: Callable[[Person], None]) -> bool:
        """Others are asked, who may be out of reach."""
        return act in (self._join, self._invite)

    def settle(self) -> None:
        """Mend everything, and wait until all agree."""
        for server in self._servers:
            server.link.mend()
        for one in self._others:
            with suppress(Refused):
                one.leave(self._room_id)
        eventually(self._has_settled, lambda: self.log, wait_s=10 * SETTLE_TRIES_MAX)
        know(self._room_id, self._said, *self.steady)
        agree(self._room_id, *self.steady)

    def _has_settled(self) -> bool:
        """Each says something, which is what makes servers try again."""
        self._said += [one.send(self._room_id, "is anybody there?") for one in self.steady]
        try:
            know(self._room_id, self._said[-len(self.steady) :], *self.steady, wait_s=5)
            agree(self._room_id, *self.steady, wait_s=5)
        except AssertionError as error:
            self._log.append(f"not settled: {error}")
            return False
        return True

    def _anybody_else(self) -> Person:
        return self._chance.choice(self._others)

    def _say(self, who: Person) -> None:
        event_id = who.send(self._room_id, f"{self._chance.random()}")
        if who in self.steady:
            self._said.append(event_id)

    def _change_state(self, who: Person) -> None:
        name = self._chance.choice(["m.room.topic", "m.room.name", "org.example.state"])
        key = self._chance.choice(["", "a", "b", who.user_id]) if "example" in name else ""
        content = {name.rpartition(".")[2]: f"{self._chance.random()}"}
        event_id = who.put_state(self._room_id, name, content, key)
        if who in self.steady:
            self._said.append(event_id)

    def _redact(self, who: Person) -> None:
        # A redaction may come too late for one server and not for another, if who wrote it is put
        # out meanwhile.
        if self._said and who in self.steady:
            who.redact(self._room_id, self._chance.choice(self._said))

    def _join(self, who: Person) -> None:
        if who not in self.steady:
            who.join(self._room_id, *(one.name for one in self._servers))

    def _leave(self, who: Person) -> None:
        if who not in self.steady:
            who.leave(self._room_id)

    def _kick(self, who: Person) -> None:
        who.kick(self._room_id, self._anybody_else())

    def _ban(self, who: Person) -> None:
        who.ban(self._room_id, self._anybody_else())

    def _unban(self, who: Person) -> None:
        who.unban(self._room_id, self._anybody_else())

    def _invite(self, who: Person) -> None:
        who.invite(self._room_id, self._anybody_else())

    def _empower(self, who: Person) -> None:
        # Who was not there meanwhile may not read what the levels are.
        levels = {self._anybody_else(): self._chance.choice(LEVELS)}
        who.empower(self._room_id, levels)

    def _close(self, who: Person) -> None:
        rule = self._chance.choice(["public", "public", "invite"])
        who.put_state(self._room_id, "m.room.join_rules", {"join_rule": rule})

    def _cut(self, who: Person) -> None:
        self._host_of[who].link.cut()

    def _mend(self, who: Person) -> None:
        self._host_of[who].link.mend()

    def _restart(self, who: Person) -> None:
        server = self._host_of[who]
        server.kill()
        server.start()
