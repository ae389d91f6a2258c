"""The rc_* keys: how often is too often. Each limit is a leaky bucket of (per_second, burst_count).

The defaults are Synapse's. The tables say which keys there are; `read` makes of each an attribute
of the same name, and of a nested one (`rc_login.address`) one with an underscore.
"""

from dataclasses import dataclass

from impl.config.section import Section


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A bucket that holds `burst_count` and empties by `per_second`."""

    per_second: float
    burst_count: float


@dataclass(frozen=True, slots=True)
class RateLimits:
    """All limits, with Synapse's defaults."""

    rc_message: RateLimit = RateLimit(0.2, 10)
    rc_registration: RateLimit = RateLimit(0.17, 3)
    rc_registration_token_validity: RateLimit = RateLimit(0.1, 5)
    rc_login_address: RateLimit = RateLimit(0.003, 5)
    rc_login_account: RateLimit = RateLimit(0.003, 5)
    rc_login_failed_attempts: RateLimit = RateLimit(0.17, 3)
    # Without a limit of its own an administrator's redaction counts as a message.
    rc_admin_redaction: RateLimit | None = None
    rc_joins_local: RateLimit = RateLimit(0.1, 10)
    rc_joins_remote: RateLimit = RateLimit(0.01, 10)
    rc_joins_per_room: RateLimit = RateLimit(1, 10)
    rc_3pid_validation: RateLimit = RateLimit(0.003, 5)
    rc_invites_per_room: RateLimit = RateLimit(0.3, 10)
    rc_invites_per_user: RateLimit = RateLimit(0.003, 5)
    rc_invites_per_issuer: RateLimit = RateLimit(0.3, 10)
    rc_third_party_invite: RateLimit = RateLimit(0.0025, 5)
    rc_key_requests: RateLimit = RateLimit(20, 100)
    rc_media_create: RateLimit = RateLimit(10, 50)
    rc_presence_per_user: RateLimit = RateLimit(0.1, 1)
    rc_delayed_event_mgmt: RateLimit = RateLimit(1, 5)
    rc_reports: RateLimit = RateLimit(1, 5)
    rc_room_creation: RateLimit = RateLimit(0.016, 10)
    rc_user_directory: RateLimit = RateLimit(0.016, 200)
    rc_profile: RateLimit = RateLimit(1, 500)


PLAIN = (
    "rc_message",
    "rc_registration",
    "rc_registration_token_validity",
    "rc_admin_redaction",
    "rc_joins_per_room",
    "rc_3pid_validation",
    "rc_third_party_invite",
    "rc_key_requests",
    "rc_media_create",
    "rc_delayed_event_mgmt",
    "rc_reports",
    "rc_room_creation",
    "rc_user_directory",
    "rc_profile",
)
NESTED = {
    "rc_login": ("address", "account", "failed_attempts"),
    "rc_joins": ("local", "remote"),
    "rc_invites": ("per_room", "per_user", "per_issuer"),
    "rc_presence": ("per_user",),
}
# What stands in a limit that is given without its other half, where there is no default of its own.
_HALF = RateLimit(0.17, 3)


def read(root: Section) -> RateLimits:
    defaults = RateLimits()
    limits: dict[str, RateLimit | None] = {}
    for key in PLAIN:
        limits[key] = _read_one(root, key, getattr(defaults, key))
    for key, names in NESTED.items():
        section = root.section(key)
        for name in names:
            attribute = f"{key}_{name}"
            limits[attribute] = _read_one(section, name, getattr(defaults, attribute))
        section.finish()
    root.accept("rc_messages_per_second", "rc_message_burst_count")
    if "rc_message" not in root:
        # The flat keys of early configurations; Synapse reads them still.
        limits["rc_message"] = RateLimit(
            root.number("rc_messages_per_second", defaults.rc_message.per_second),
            root.number("rc_message_burst_count", defaults.rc_message.burst_count),
        )
    return RateLimits(**limits)  # type: ignore[arg-type]


def _read_one(section: Section, key: str, default: RateLimit | None) -> RateLimit | None:
    if section.raw(key) is None:
        return default
    values = section.section(key)
    half = default or _HALF
    limit = RateLimit(
        values.number("per_second", half.per_second),
        values.number("burst_count", half.burst_count),
    )
    values.finish()
    return limit
