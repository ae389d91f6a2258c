"""What a client asks first: versions, capabilities, where the server is. C-S API, "API Versions",
"Capabilities negotiation", "Server Discovery".
"""

from typing import Any

from impl import errors
from impl.app import App
from impl.core import server_name
from impl.core.room_version import ROOM_VERSIONS
from impl.requester import Requester
from impl.services import profiles

# A client takes a version for a promise. What is asked for by a name of its own is in
# UNSTABLE_FEATURES.
VERSIONS = tuple(f"v1.{minor}" for minor in range(1, 20))

_HTTPS_PORT = 443

MODERATION = {"lock": True, "suspend": True}


# What is there of later versions, where clients ask for it by such a name: profile fields of any
# name, since v1.16.
UNSTABLE_FEATURES = {"uk.tcpip.msc4133.stable": True}


def versions() -> dict[str, Any]:
    return {"versions": list(VERSIONS), "unstable_features": UNSTABLE_FEATURES}


def client_well_known(app: App) -> dict[str, Any]:
    return {
        **app.config.extra_well_known_client_content,
        "m.homeserver": {"base_url": app.config.public_baseurl},
    }


def server_well_known(app: App) -> dict[str, Any]:
    """Where other servers find us: S-S API, "getWellKnown". Raises NotFound where that is not ours
    to say.
    """
    name = server_name.parse(app.server_name)
    if name is None or not app.config.serve_server_wellknown:
        raise errors.NotFound("this server does not say where it is (serve_server_wellknown)")
    # Who reads this came here by https://<our name>/, and so may everything else.
    host = f"[{name.host}]" if ":" in name.host else name.host
    return {"m.server": f"{host}:{name.port or _HTTPS_PORT}"}


def support_well_known(app: App) -> dict[str, Any]:
    """Whom to turn to. Raises NotFound where the configuration names nobody."""
    support = app.config.soma.support
    if not support.contacts and support.page is None:
        raise errors.NotFound("nobody is named for support")
    known: dict[str, Any] = {}
    if support.contacts:
        known["contacts"] = [
            {
                "role": one.role,
                **({"matrix_id": one.matrix_id} if one.matrix_id else {}),
                **({"email_address": one.email_address} if one.email_address else {}),
            }
            for one in support.contacts
        ]
    if support.page is not None:
        known["support_page"] = support.page
    return known


def policy_well_known(app: App) -> dict[str, Any]:
    """The keys of the policy server of this name. C-S API, "Policy Servers". Raises NotFound where
    there is none.
    """
    keys = app.config.soma.policy_server_keys
    if not keys:
        raise errors.NotFound("this is not a policy server")
    return {"public_keys": dict(keys)}


def capabilities(app: App, requester: Requester) -> dict[str, Any]:
    config = app.config
    fixed = profiles.fixed_fields(app, requester)
    return {
        "m.change_password": {"enabled": config.password_config.may_log_in},
        "m.room_versions": {
            "default": config.default_room_version,
            # Rooms, "Feature matrix": all of them are.
            "available": dict.fromkeys(ROOM_VERSIONS, "stable"),
        },
        "m.set_displayname": {"enabled": "displayname" not in fixed},
        "m.set_avatar_url": {"enabled": "avatar_url" not in fixed},
        "m.3pid_changes": {"enabled": False},
        "m.get_login_token": {"enabled": False},
        "m.forget_forced_upon_leave": {"enabled": config.forget_rooms_on_leave},
        "m.profile_fields": {"enabled": True, **({"disallowed": fixed} if fixed else {})},
        # Left out where both would be false.
        **({"m.account_moderation": MODERATION} if requester.is_admin else {}),
    }
