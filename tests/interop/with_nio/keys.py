"""What the dialogues with keys share: whose devices somebody knows, and what they may read."""

from typing import Any

import nio

from tests.interop.with_nio.people import Person

# More than a device has one-time keys for.
CLAIMS = 120
ALGORITHM = "signed_curve25519"


def devices_of(one: Person, user_id: str) -> set[str]:
    """Those of another's, or of one's own others, that somebody knows."""
    return {device.id for device in one.client.device_store.active_user_devices(user_id)}


def sas_of(one: Person, other: Person) -> nio.crypto.Sas | None:
    return one.client.get_active_sas(other.user_id, other.client.device_id)


def session_of(one: Person, room_id: str) -> nio.crypto.OutboundGroupSession:
    """With which somebody writes in a room."""
    return one.client.olm.outbound_group_sessions[room_id]


def cannot_read(one: Person, room_id: str) -> list[nio.MegolmEvent]:
    return [event for event in one.events[room_id] if isinstance(event, nio.MegolmEvent)]


async def reads(one: Person, body: str) -> None:
    await one.sees(lambda: body in [text for _, text in one.said])


async def claims(one: Person, user_id: str, device_id: str) -> dict[str, Any] | None:
    """What somebody is given for a device."""
    body = {"one_time_keys": {user_id: {device_id: ALGORITHM}}}
    answer = await one.asks("POST", "v3", "keys", "claim", body=body)
    found = answer["one_time_keys"].get(user_id, {}).get(device_id, {})
    return next(iter(found.values()), None)


async def use_up(one: Person, user_id: str, device_id: str) -> int:
    """Until the fallback key is left, however often it is claimed. Returns how many there were."""
    seen: list[str] = []
    while not (found := await claims(one, user_id, device_id)).get("fallback"):
        assert found["key"] not in seen, "a key was handed out twice"
        seen.append(found["key"])
        assert len(seen) < CLAIMS, "there is no fallback key"
    assert await claims(one, user_id, device_id) == found
    return len(seen)


async def has_fallback_key(one: Person) -> None:
    """matrix-nio does not publish one by itself, but can use what its account has."""
    account = one.client.olm.account._account
    account.generate_fallback_key()
    [(key_id, public)] = account.fallback_key.items()
    key: dict[str, Any] = {"key": public.to_base64(), "fallback": True}
    signature = one.client.olm.sign_json(key)
    key["signatures"] = {one.user_id: {f"ed25519:{one.client.device_id}": signature}}
    body = {"fallback_keys": {f"{ALGORITHM}:{key_id}": key}}
    await one.asks("POST", "v3", "keys", "upload", body=body)
    account.mark_keys_as_published()
