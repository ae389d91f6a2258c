"""The keys about people -> settings: who stands behind the server, and who can be found on it.

Synapse has no keys for the well-known documents, so that these stand in `soma`."""

import re
from collections.abc import Mapping

from impl.config.section import Section
from impl.config.settings import Contact, Presence, Support, UserDirectory
from impl.core.identifiers import is_user_id
from impl.core.presence import Timeouts

# An Ed25519 key in unpadded Base64, of either alphabet: Synapse's tools write the first, the
# specification's example the second.
_ED25519 = re.compile(r"[A-Za-z0-9+/]{43}|[A-Za-z0-9_\-]{43}", re.ASCII)


def read_presence(root: Section) -> Presence:
    legacy = root.boolean("use_presence", True)
    section = root.section("presence")
    enabled = section.raw("enabled")
    if enabled == "untracked":
        section.warn("enabled", "is untracked: Soma takes it as false")
    defaults = Timeouts()
    presence = Presence(
        enabled=False if enabled == "untracked" else section.boolean("enabled", legacy),
        include_offline_users_on_sync=section.boolean("include_offline_users_on_sync", False),
        timeouts=Timeouts(
            sync_online=section.duration("sync_online_timeout") or defaults.sync_online,
            idle=section.duration("idle_timeout") or defaults.idle,
            active=section.duration("last_active_granularity") or defaults.active,
        ),
    )
    section.finish()
    return presence


def read_user_directory(root: Section) -> UserDirectory:
    section = root.section("user_directory")
    directory = UserDirectory(
        enabled=section.boolean("enabled", True),
        search_all_users=section.boolean("search_all_users", False),
        exclude_remote_users=section.boolean("exclude_remote_users", False),
        prefer_local_users=section.boolean("prefer_local_users", False),
        show_locked_users=section.boolean("show_locked_users", False),
    )
    section.finish()
    return directory


def read_support(soma: Section) -> Support:
    section = soma.section("support")
    contacts = []
    for one in section.sections("contacts"):
        matrix_id, email = one.string("matrix_id"), one.string("email_address")
        if not matrix_id and not email:
            raise one.error("matrix_id", "is missing, and so is email_address")
        if matrix_id and not is_user_id(matrix_id):
            raise one.error("matrix_id", f"is not a user id: {matrix_id!r}")
        if email and "@" not in email:
            raise one.error("email_address", f"is not an address: {email!r}")
        contacts.append(Contact(one.string("role") or "m.role.admin", matrix_id, email))
        one.finish()
    page = section.string("support_page")
    if page is not None and not page.startswith(("http://", "https://")):
        raise section.error("support_page", f"is not a URL: {page!r}")
    section.finish()
    return Support(tuple(contacts), page)


def read_policy_server_keys(soma: Section) -> Mapping[str, str]:
    section = soma.section("policy_server")
    keys = dict(section.mapping("public_keys"))
    for algorithm, key in keys.items():
        if not isinstance(algorithm, str) or not isinstance(key, str):
            raise section.error(f"public_keys.{algorithm}", "must be a string")
    if keys and not _ED25519.fullmatch(str(keys.get("ed25519", ""))):
        raise section.error("public_keys.ed25519", "must be an Ed25519 key in unpadded Base64")
    section.finish()
    return {str(algorithm): str(key) for algorithm, key in keys.items()}
