"""The configuration once read and checked: what the rest of the server sees.

Names and meanings are those of Synapse's homeserver.yaml, and Soma's own stand in `soma`. Durations
are in milliseconds and sizes in bytes. Secrets are left out of `repr`, so that no log line can hold
them by accident.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from impl.config.application_services import ApplicationService
from impl.config.database import Database
from impl.config.federation import (
    FederationTimes,
    LimitRemoteRooms,
    Networks,
    RcFederation,
    SomaFederation,
)
from impl.config.listeners import Listener
from impl.config.media import Media
from impl.config.proxy import HttpsProxy
from impl.config.rate_limits import RateLimits
from impl.config.retention import Retention
from impl.config.server_keys import OldSigningKey, TrustedKeyServer
from impl.core.presence import Timeouts
from impl.core.signing import SigningKey


@dataclass(frozen=True, slots=True)
class Presence:
    """`presence`."""

    enabled: bool = True
    include_offline_users_on_sync: bool = False
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(frozen=True, slots=True)
class UserDirectory:
    """`user_directory`: who is found by whom."""

    enabled: bool = True
    search_all_users: bool = False
    exclude_remote_users: bool = False
    prefer_local_users: bool = False
    show_locked_users: bool = False


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What a new password must have."""

    enabled: bool = False
    minimum_length: int = 0
    require_digit: bool = False
    require_symbol: bool = False
    require_lowercase: bool = False
    require_uppercase: bool = False


@dataclass(frozen=True, slots=True)
class Passwords:
    """`password_config`. The pepper is appended to passwords before they are hashed."""

    enabled: bool = True
    localdb_enabled: bool = True
    pepper: str = field(default="", repr=False)
    policy: PasswordPolicy = PasswordPolicy()

    @property
    def may_log_in(self) -> bool:
        return self.enabled and self.localdb_enabled


@dataclass(frozen=True, slots=True)
class LoginViaExistingSession:
    """Whether a client may ask for a login token for another."""

    enabled: bool = False
    require_ui_auth: bool = True
    token_timeout: int = 300_000


@dataclass(frozen=True, slots=True)
class TurnServer:
    """The `turn_*` keys: what voip clients are told."""

    uris: tuple[str, ...] = ()
    shared_secret: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    user_lifetime: int = 3_600_000
    allow_guests: bool = True


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who is responsible for the server. C-S API, "getWellknownSupport"."""

    role: str
    matrix_id: str | None = None
    email_address: str | None = None


@dataclass(frozen=True, slots=True)
class Support:
    """`soma.support`: whom users and other servers turn to."""

    contacts: tuple[Contact, ...] = ()
    page: str | None = None


@dataclass(frozen=True, slots=True)
class SomaSettings:
    """`soma`: what Synapse has no key for."""

    data_dir: Path
    workers: int = 1
    log_level: str = "info"
    log_format: str = "text"
    shutdown_timeout: int = 15_000
    # Settings of the embedded PostgreSQL, by their PostgreSQL names.
    postgres: Mapping[str, str] = field(default_factory=dict)
    support: Support = Support()
    # algorithm -> key, for a policy server that has this server's name.
    policy_server_keys: Mapping[str, str] = field(default_factory=dict)
    federation: SomaFederation = field(default_factory=SomaFederation)
    # Options of a connection to PostgreSQL itself, where `database` leads to a pooler.
    past_pooler: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything, read-only."""

    server_name: str
    public_baseurl: str
    listeners: tuple[Listener, ...]
    signing_key_path: Path
    media_store_path: Path
    soma: SomaSettings
    # Where there is none, the embedded PostgreSQL serves.
    database: Database | None = None
    tls_certificate_path: Path | None = None
    tls_private_key_path: Path | None = None

    registration_shared_secret: str | None = field(default=None, repr=False)
    registration_shared_secret_path: Path | None = None
    enable_registration: bool = False
    enable_registration_without_verification: bool = False
    registration_requires_token: bool = False
    allow_guest_access: bool = False
    inhibit_user_in_use_error: bool = False
    enable_set_displayname: bool = True
    enable_set_avatar_url: bool = True

    # Lifetimes; None is "for ever" and, for refreshable tokens, "no refresh tokens".
    session_lifetime: int | None = None
    refreshable_access_token_lifetime: int | None = 300_000
    nonrefreshable_access_token_lifetime: int | None = None
    refresh_token_lifetime: int | None = None
    # How long one user-interactive authentication lasts for further operations; 0: for one only.
    ui_auth_session_timeout: int = 0
    # How long the original of a redacted event is kept; None: for ever.
    redaction_retention_period: int | None = 604_800_000
    retention: Retention = field(default_factory=Retention)
    # With more branches than this a room gets an event of ours on top of them; None: it never does.
    dummy_events_threshold: int | None = 10
    login_via_existing_session: LoginViaExistingSession = LoginViaExistingSession()
    password_config: Passwords = Passwords()

    rate_limits: RateLimits = field(default_factory=RateLimits)
    presence: Presence = Presence()
    user_directory: UserDirectory = UserDirectory()

    default_room_version: str = "12"
    require_auth_for_profile_requests: bool = False
    allow_public_rooms_without_auth: bool = False
    forget_rooms_on_leave: bool = False
    # Only administrators invite, and nobody from other servers.
    block_non_admin_invites: bool = False
    serve_server_wellknown: bool = False
    extra_well_known_client_content: Mapping[str, object] = field(default_factory=dict)
    filter_timeline_limit: int = 100
    max_upload_size: int = 50 << 20
    media: Media = field(default_factory=Media)
    turn: TurnServer = TurnServer()

    # Servers that we talk to; None: all.
    federation_domain_whitelist: frozenset[str] | None = None
    federation_verify_certificates: bool = True
    # Globs of server names whose certificates are not checked.
    federation_certificate_verification_whitelist: tuple[str, ...] = ()
    # Where there are any, only these authorities are trusted.
    federation_custom_ca_list: tuple[Path, ...] = ()
    federation_client_minimum_tls_version: str = "1"
    federation: FederationTimes = field(default_factory=FederationTimes)
    rc_federation: RcFederation = field(default_factory=RcFederation)
    limit_remote_rooms: LimitRemoteRooms = field(default_factory=LimitRemoteRooms)
    allow_profile_lookup_over_federation: bool = True
    allow_device_name_lookup_over_federation: bool = False
    allow_public_rooms_over_federation: bool = False
    trusted_key_servers: tuple[TrustedKeyServer, ...] = (TrustedKeyServer("matrix.org"),)
    old_signing_keys: tuple[OldSigningKey, ...] = ()
    # How long others may rely on a document of our keys.
    key_refresh_interval: int = 86_400_000
    # As a notary we sign with these; where there are none, with those of the server.
    key_server_signing_keys: tuple[SigningKey, ...] = field(default=(), repr=False)
    # Whether our users may ask which servers those are.
    federation_whitelist_endpoint_enabled: bool = False
    ip_range_blacklist: Networks = ()
    # The same, unless the file has a list for federation of its own.
    federation_ip_range_blacklist: Networks = ()
    ip_range_whitelist: Networks = ()
    https_proxy: HttpsProxy | None = None
    application_services: tuple[ApplicationService, ...] = ()

    @property
    def is_embedded(self) -> bool:
        """Whether we run PostgreSQL ourselves."""
        return self.database is None

    @property
    def past_pooler(self) -> str | None:
        """The DSN of the database itself, if a pooler is before it that keeps no sessions."""
        if self.database is None or not self.soma.past_pooler:
            return None
        return Database({**self.database.args, **self.soma.past_pooler}).dsn
