"""Alice and Bob with matrix-nio's own crypto: they compare emoji and write to each other in an
encrypted room. Bob comes with one more device; it reads what is said from then on, with a fallback
key when its one-time keys are used up, and asks his first device for what was said before. Once it
is deleted it gets no more keys.
"""

import nio
from nio.crypto.sas import SasState

from tests.interop.with_nio.keys import (
    cannot_read,
    claims,
    devices_of,
    has_fallback_key,
    reads,
    sas_of,
    session_of,
    use_up,
)
from tests.interop.with_nio.people import Person


async def talk(alice: Person, bob: Person) -> None:
    room_id = await meet(alice, bob)
    await compare(alice, bob)
    await converse(alice, bob, room_id)
    other = await bob.again()
    await one_more(alice, bob, other, room_id)
    await ask_for_keys(bob, other, room_id)
    await delete(alice, bob, other, room_id)
    await other.client.close()


async def meet(alice: Person, bob: Person) -> str:
    encryption = nio.EnableEncryptionBuilder().as_dict()
    room_id = await alice.makes(invite=[bob.user_id], initial_state=[encryption])
    await bob.sees(lambda: room_id in bob.client.invited_rooms)
    await bob.joins(room_id)
    await alice.sees(lambda: devices_of(alice, bob.user_id) == {bob.client.device_id})
    await bob.sees(lambda: devices_of(bob, alice.user_id) == {alice.client.device_id})
    assert alice.client.rooms[room_id].encrypted
    return room_id


async def compare(alice: Person, bob: Person) -> None:
    """Emoji, by messages from device to device."""
    device = alice.client.device_store[bob.user_id][bob.client.device_id]
    await alice.does(alice.client.start_key_verification(device))
    await bob.sees(lambda: sas_of(bob, alice))
    transaction_id = sas_of(bob, alice).transaction_id
    await bob.does(bob.client.accept_key_verification(transaction_id))
    await alice.sees(lambda: sas_of(alice, bob).state == SasState.accepted)
    for one, other in ((bob, alice), (alice, bob)):
        await one.sees(
            lambda one=one, other=other: sas_of(one, other).state == SasState.key_received
        )
    assert len(sas_of(alice, bob).get_emoji()) == 7
    assert sas_of(alice, bob).get_emoji() == sas_of(bob, alice).get_emoji()
    for one in (alice, bob):
        await one.does(one.client.confirm_short_auth_string(transaction_id))
    for one, other in ((alice, bob), (bob, alice)):
        await one.sees(
            lambda one=one, other=other: one.client.olm.user_fully_verified(other.user_id)
        )


async def converse(alice: Person, bob: Person, room_id: str) -> None:
    """To devices that were compared, without a word about others."""
    for one, other, body in ((alice, bob, "Hello, Bob!"), (bob, alice, "Hello, Alice! 🌹")):
        content = {"msgtype": "m.text", "body": body}
        await one.does(one.client.room_send(room_id, "m.room.message", content))
        await reads(other, body)
    status, sent = await alice.tries("GET", "v3", "rooms", room_id, "messages?dir=b&limit=2")
    assert status == 200
    assert {event["type"] for event in sent["chunk"]} == {"m.room.encrypted"}


async def one_more(alice: Person, bob: Person, other: Person, room_id: str) -> None:
    # Alice hears of it, and that it is not one that she has compared.
    await alice.sees(lambda: other.client.device_id in devices_of(alice, bob.user_id))
    assert not alice.client.olm.user_fully_verified(bob.user_id)
    await has_fallback_key(other)
    # What is claimed it replaces, as long as the sync says that some are left.
    await claims(alice, bob.user_id, other.client.device_id)
    await other.polls(timeout_ms=0)
    assert (
        await use_up(alice, bob.user_id, other.client.device_id)
        == other.client.olm.account.max_one_time_keys
    )
    await alice.says(room_id, "For both of you")
    await reads(bob, "For both of you")
    await reads(other, "For both of you")
    assert len(cannot_read(other, room_id)) == 2
    await bob.sees(lambda: other.client.device_id in devices_of(bob, bob.user_id))
    await bob.says(room_id, "To all my devices")
    await reads(other, "To all my devices")


async def ask_for_keys(bob: Person, other: Person, room_id: str) -> None:
    """What Bob's new device could not read it asks his first for: they must trust each other."""
    lost = next(event for event in cannot_read(other, room_id) if event.sender != bob.user_id)
    asked: list[nio.RoomKeyRequest] = []
    bob.client.add_to_device_callback(lambda event: note(asked, event), nio.RoomKeyRequest)
    await other.does(other.client.request_room_key(lost))
    await bob.sees(lambda: asked)
    assert (asked[0].session_id, asked[0].requesting_device_id) == (
        lost.session_id,
        other.client.device_id,
    )
    for one, another in ((bob, other), (other, bob)):
        device = one.client.device_store[bob.user_id][another.client.device_id]
        one.client.verify_device(device)
    assert bob.client.continue_key_share(asked[0])
    await bob.polls(timeout_ms=0)
    store = other.client.olm.inbound_group_store
    await other.sees(lambda: store.get(room_id, lost.sender_key, lost.session_id))
    assert other.client.decrypt_event(lost).body == "Hello, Bob!"


async def note(events: list[nio.RoomKeyRequest], event: nio.RoomKeyRequest) -> None:
    events.append(event)


async def delete(alice: Person, bob: Person, other: Person, room_id: str) -> None:
    gone, old = other.client.device_id, session_of(alice, room_id)
    asked = await bob.does(bob.client.delete_devices([gone]))
    assert isinstance(asked, nio.DeleteDevicesAuthResponse), asked
    proof = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": bob.name},
        "password": f"secret of {bob.name}",
        "session": asked.session,
    }
    deleted = await bob.does(bob.client.delete_devices([gone], proof))
    assert isinstance(deleted, nio.DeleteDevicesResponse), deleted
    await other.is_refused(other.client.whoami(), "M_UNKNOWN_TOKEN")
    await alice.sees(lambda: devices_of(alice, bob.user_id) == {bob.client.device_id})
    await alice.says(room_id, "For one of you")
    await reads(bob, "For one of you")
    new = session_of(alice, room_id)
    assert new.id != old.id
    assert (bob.user_id, gone) in old.users_shared_with
    assert new.users_shared_with == {(bob.user_id, bob.client.device_id)}
    assert await claims(alice, bob.user_id, other.client.device_id) is None
