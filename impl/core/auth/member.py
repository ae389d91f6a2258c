"""m.room.member, one function per membership. Rooms, "Authorisation rules"."""

from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from impl.core import canonical_json
from impl.core.auth.selection import CREATE
from impl.core.auth.state import AuthState
from impl.core.event import Event
from impl.core.rejection import Malformed, Rejected
from impl.core.unpadded_base64 import decode_base64

# The specification sets no bound, and two events have room for a million pairs of them and keys.
SIGNATURES_MAX = 32


def check(event: Event, state: AuthState) -> None:
    """Raise Rejected for a membership that the state does not allow.

    That the server of `join_authorised_via_users_server` has signed is checked with the other
    signatures: core.signing.required_servers.
    """
    target = event.state_key
    if target is None:
        raise Rejected("m.room.member without a state key")
    match event.membership:
        case "join":
            check_join(event, target, state)
        case "invite":
            check_invite(event, target, state)
        case "leave":
            check_leave(event, target, state)
        case "ban":
            check_ban(event, target, state)
        case "knock" if event.room_version.knock:
            check_knock(event, target, state)
        case _:
            raise Rejected("the membership is not known")


def check_join(event: Event, target: str, state: AuthState) -> None:
    # The creator is the first to come in.
    create = state.events[CREATE]
    creator = (
        create.sender if event.room_version.creator_is_sender else create.content.get("creator")
    )
    if event.prev_event_ids == [create.event_id] and target == creator:
        return

    # One joins for oneself, and not against a ban.
    if event.sender != target:
        raise Rejected("nobody joins for another")
    membership = state.membership(target)
    if membership == "ban":
        raise Rejected("the user is banned")

    join_rule = state.join_rule()
    version = event.room_version
    if join_rule == "public":
        return
    if join_rule == "invite" or (join_rule == "knock" and version.knock):
        if membership in ("invite", "join"):
            return
        raise Rejected("the user is not invited")
    if (join_rule == "restricted" and version.restricted_join) or (
        join_rule == "knock_restricted" and version.knock_restricted_join
    ):
        if membership in ("invite", "join"):
            return
        _check_authoriser(event, state)
        return
    raise Rejected(f"the join rule is {join_rule}")


def _check_authoriser(event: Event, state: AuthState) -> None:
    # Someone who is in the room and may invite stands for the join.
    authoriser = event.content.get("join_authorised_via_users_server")
    if not isinstance(authoriser, str) or state.membership(authoriser) != "join":
        raise Rejected("nobody in the room has authorised the join")
    levels = state.power_levels()
    if levels.user(authoriser) < levels.invite:
        raise Rejected("who authorised the join may not invite")


def check_invite(event: Event, target: str, state: AuthState) -> None:
    if "third_party_invite" in event.content:
        _check_third_party_invite(event, target, state)
        return
    # Only a member invites, and only who is neither in nor banned.
    if state.membership(event.sender) != "join":
        raise Rejected("the sender of an invite is not in the room")
    if state.membership(target) in ("join", "ban"):
        raise Rejected("the user is in the room or banned")
    levels = state.power_levels()
    if levels.user(event.sender) < levels.invite:
        raise Rejected("the sender does not have enough power to invite")


def _check_third_party_invite(event: Event, target: str, state: AuthState) -> None:
    if state.membership(target) == "ban":
        raise Rejected("the user is banned")
    invite = event.content["third_party_invite"]
    signed = invite.get("signed") if isinstance(invite, dict) else None
    if not isinstance(signed, dict):
        raise Rejected("third_party_invite has no signed")
    if not isinstance(signed.get("mxid"), str) or not isinstance(signed.get("token"), str):
        raise Rejected("third_party_invite.signed has no mxid or no token")
    if signed["mxid"] != target:
        raise Rejected("the third-party invite is for somebody else")
    original = state.events.get(("m.room.third_party_invite", signed["token"]))
    if original is None:
        raise Rejected("there is no m.room.third_party_invite with this token")
    if original.sender != event.sender:
        raise Rejected("the third-party invite was made by somebody else")
    strict = event.room_version.strict_canonical_json
    if not _is_signed_by_any(signed, _public_keys(original.content), strict=strict):
        raise Rejected("no key of the third-party invite has signed it")


def _public_keys(content: dict[str, Any]) -> list[str]:
    keys = [content.get("public_key")]
    listed = content.get("public_keys")
    if isinstance(listed, list):
        keys += [one.get("public_key") for one in listed if isinstance(one, dict)]
    return [key for key in keys if isinstance(key, str)]


def _is_signed_by_any(signed: dict[str, Any], public_keys: list[str], *, strict: bool) -> bool:
    by_server = signed.get("signatures")
    if not isinstance(by_server, dict):
        return False
    signatures = [
        signature
        for by_key in by_server.values()
        if isinstance(by_key, dict)
        for key_id, signature in by_key.items()
        if key_id.startswith("ed25519:") and isinstance(signature, str)
    ]
    try:
        message = canonical_json.encode(
            {key: value for key, value in signed.items() if key not in ("signatures", "unsigned")},
            strict=strict,
        )
    except Malformed:
        return False
    return any(
        _is_signature(message, signature, key)
        for signature in signatures[:SIGNATURES_MAX]
        for key in public_keys[:SIGNATURES_MAX]
    )


def _is_signature(message: bytes, signature: str, public_key: str) -> bool:
    try:
        key = VerifyKey(decode_base64(public_key))
        key.verify(message, decode_base64(signature))
    except (BadSignatureError, Malformed, ValueError, TypeError):
        return False
    return True


def check_leave(event: Event, target: str, state: AuthState) -> None:
    version = event.room_version
    sender_membership = state.membership(event.sender)
    # To leave, to decline an invite, to take back a knock.
    if event.sender == target:
        if sender_membership in ("invite", "join"):
            return
        if sender_membership == "knock" and version.knock:
            return
        raise Rejected("the user is neither in the room nor invited")

    # To kick takes being in the room; to lift a ban, the ban level as well.
    if sender_membership != "join":
        raise Rejected("the sender of a kick is not in the room")
    levels = state.power_levels()
    sender_level = levels.user(event.sender)
    if state.membership(target) == "ban" and sender_level < levels.ban:
        raise Rejected("the sender does not have enough power to lift a ban")
    if sender_level >= levels.kick and levels.user(target) < sender_level:
        return
    raise Rejected("the sender does not have enough power to kick this user")


def check_ban(event: Event, target: str, state: AuthState) -> None:
    # Only a joined member may ban.
    if state.membership(event.sender) != "join":
        raise Rejected("the sender of a ban is not in the room")
    # It takes the ban level, and more power than the target has.
    levels = state.power_levels()
    sender_level = levels.user(event.sender)
    if sender_level >= levels.ban and levels.user(target) < sender_level:
        return
    raise Rejected("the sender does not have enough power to ban this user")


def check_knock(event: Event, target: str, state: AuthState) -> None:
    # Where the join rule invites to knock.
    join_rule = state.join_rule()
    if join_rule != "knock" and not (
        join_rule == "knock_restricted" and event.room_version.knock_restricted_join
    ):
        raise Rejected("the join rule does not allow knocking")
    # For oneself, and only from outside.
    if event.sender != target:
        raise Rejected("nobody knocks for another")
    if state.membership(target) in ("ban", "invite", "join"):
        raise Rejected("the user is banned, invited or in the room")
