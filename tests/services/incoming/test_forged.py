"""Events that their senders never made: nobody but a server speaks for its users."""

from typing import Any

import pytest

from impl.app import App
from impl.core import event_hash
from impl.core.event import Event
from tests.builders import member
from tests.federation.fake_wire import Network
from tests.federation.stranger import Stranger
from tests.services.incoming.conftest import Clock
from tests.services.incoming.site import Site, let_in, put, settle
from tests.services.room_events.elsewhere import DAVE, Elsewhere, a_room_elsewhere, join_rule
from tests.services.room_events.inspection import head_of, state_of

EVIL = "evil.test"
MALLORY = f"@mallory:{EVIL}"
VERSIONS = ["1", "2", "3", "6", "8", "10", "11", "12"]


@pytest.fixture
def evil(network: Network, clock: Clock) -> Stranger:
    return Stranger(network, EVIL, clock)


def a_closed_room(version: str) -> Elsewhere:
    room = a_room_elsewhere(version)
    room.add(join_rule(DAVE, "invite"))
    return room


def forged_invite(room: Elsewhere, evil: Stranger, claim: Any) -> Event:
    """Of Mallory, in Dave's name, with what makes Dave's signature needless for an invite that a
    third party has made, and with a hash that is wrong: so that it counts as redacted.
    """
    pdu = dict(room.add(member(MALLORY, "invite", DAVE)).pdu)
    pdu["content"] = {"membership": "invite", "third_party_invite": claim}
    pdu["signatures"] = {}
    if not room.version.event_id_is_hash:
        pdu["event_id"] = f"$forged:{EVIL}"
    signed = evil.sign(pdu, room.version)[1]
    signed["hashes"] = {"sha256": "A" * 43}
    again = evil.countersigned(signed, room.version)
    return Event(again, room.version, event_hash.event_id_of(again, room.version))


@pytest.mark.parametrize("claim", ["", None, 0, [], {}, {"signed": {}}, {"signed": "x"}])
@pytest.mark.parametrize("version", VERSIONS)
def test_nobody_is_invited_in_the_name_of_others(
    app: App, site: Site, evil: Stranger, version: str, claim: Any
) -> None:
    room = a_closed_room(version)
    room_id = let_in(app, site, room)
    forged = forged_invite(room, evil, claim)
    put(app, forged, origin=EVIL)
    settle(app)
    state = state_of(app, room_id, head_of(app, room_id).current_state_root)
    assert ("m.room.member", MALLORY) not in state
