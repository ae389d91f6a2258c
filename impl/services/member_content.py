"""The content of m.room.member events. C-S API, "m.room.member", "Events on Change of Profile
Information".
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.requester import Requester
from impl.storage import account_data, profiles

# What of a profile stands in membership events.
PROFILE_FIELDS = ("displayname", "avatar_url")

INVITE_PERMISSION = "m.invite_permission_config"


def make(
    membership: str,
    profile: Mapping[str, Any] | None = None,
    reason: str | None = None,
    *,
    is_direct: bool = False,
) -> dict[str, Any]:
    """The content, without keys for what there is not."""
    content: dict[str, Any] = {"membership": membership}
    if profile:
        content |= profile_part(profile)
    if reason is not None:
        content["reason"] = reason
    if is_direct:
        content["is_direct"] = True
    return content


def profile_part(profile: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a profile that membership events repeat."""
    return {name: profile[name] for name in PROFILE_FIELDS if profile.get(name)}


def profile_of(app: App, txn: Any, user_id: str) -> dict[str, Any]:
    """A user's profile; of other servers' users we say nothing."""
    if identifiers.server_name_of(user_id) != app.server_name:
        return {}
    return profiles.get(txn, user_id)


def profiles_of(app: App, txn: Any, user_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """The profiles of several users, by user id."""
    ours = [one for one in user_ids if identifiers.server_name_of(one) == app.server_name]
    return profiles.get_many(txn, ours)


def check_user_id(user_id: str) -> None:
    """Raises InvalidParam for what is not a user id."""
    if not identifiers.is_user_id(user_id):
        raise errors.InvalidParam("user_id is not a user id")


def check_invites_allowed(
    app: App, txn: Any, requester: Requester | None, user_ids: Collection[str]
) -> None:
    """Refuse to invite those of our users who block invites, and anybody on a server where
    administrators alone may invite. `requester` is None for somebody of another server. C-S API,
    "Invite permission".
    """
    is_admin = requester is not None and requester.is_admin
    # COMPAT(Synapse's block_non_admin_invites): those from other servers are refused as well.
    if user_ids and app.config.block_non_admin_invites and not is_admin:
        raise errors.Forbidden("only administrators of this server may invite")
    ours = [one for one in user_ids if identifiers.server_name_of(one) == app.server_name]
    for user_id in list_blocking(txn, ours):
        raise errors.InviteBlocked(f"{user_id} does not accept invites")


def list_blocking(txn: Any, user_ids: Sequence[str]) -> list[str]:
    """Those of our users who want no invites at all; what is neither that nor understood is as if
    it were not there."""
    if not user_ids:
        return []
    configs = account_data.get_of_users(txn, user_ids, INVITE_PERMISSION)
    return [
        user_id for user_id, config in configs.items() if config.get("default_action") == "block"
    ]
