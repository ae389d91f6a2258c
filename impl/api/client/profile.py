"""api-specs/client-server/profile.yaml"""

from typing import Any

from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import profiles


def get_user_profile(app: App, requester: Requester | None, user_id: str) -> dict[str, Any]:
    return profiles.get_profile(app, requester, user_id)


def get_profile_field(
    app: App, requester: Requester | None, user_id: str, key_name: str
) -> dict[str, Any]:
    return {key_name: profiles.get_field(app, requester, user_id, key_name)}


def set_profile_field(
    app: App, requester: Requester, user_id: str, key_name: str, body: dict[str, Any]
) -> dict[str, Any]:
    if key_name not in body:
        raise errors.MissingParam(f"the body has no {key_name}")
    profiles.set_field(app, requester, user_id, key_name, body[key_name])
    return {}


def delete_profile_field(
    app: App, requester: Requester, user_id: str, key_name: str
) -> dict[str, Any]:
    profiles.delete_field(app, requester, user_id, key_name)
    return {}
