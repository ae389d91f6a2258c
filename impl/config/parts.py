"""The file's top level -> Config, key by key."""

import os
from pathlib import Path

from impl.config import (
    application_services,
    database,
    experimental,
    federation,
    listeners,
    media,
    people,
    proxy,
    rate_limits,
    retention,
    synapse_keys,
)
from impl.config.section import Section
from impl.config.settings import (
    Config,
    LoginViaExistingSession,
    PasswordPolicy,
    Passwords,
    SomaSettings,
    TurnServer,
)
from impl.core.identifiers import is_server_name
from impl.core.room_version import ROOM_VERSIONS

DEFAULT_ROOM_VERSION = "12"
LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("text", "json")


def read(root: Section, data_dir: Path, has_file: bool) -> Config:
    """Everything, checked; what was not read is named in the root's warnings."""
    data_dir = data_dir.absolute()
    server_name = _read_server_name(root)
    found_listeners = listeners.read(root)
    certificate, private_key = _read_tls(root, found_listeners)
    config = Config(
        server_name=server_name,
        public_baseurl=_read_public_baseurl(root, server_name, found_listeners, has_file),
        listeners=found_listeners,
        signing_key_path=_read_signing_key_path(root, server_name, data_dir),
        media_store_path=root.path("media_store_path") or data_dir / "media",
        soma=_read_soma(root, data_dir),
        database=database.read(root),
        tls_certificate_path=certificate,
        tls_private_key_path=private_key,
        password_config=_read_passwords(root),
        login_via_existing_session=_read_login_via_existing_session(root),
        rate_limits=rate_limits.read(root),
        presence=people.read_presence(root),
        user_directory=people.read_user_directory(root),
        retention=retention.read(root),
        media=media.read(root),
        default_room_version=_read_default_room_version(root),
        turn=_read_turn(root),
        https_proxy=proxy.read(root),
        application_services=application_services.read(root),
        **federation.read(root),
        **_read_registration(root),
        **_read_lifetimes(root),
        **_read_upkeep(root),
        **_read_switches(root),
    )
    experimental.read(root)
    _name_what_is_not_read(root)
    root.finish()
    return config


def _read_server_name(root: Section) -> str:
    server_name = root.required_string("server_name")
    if not is_server_name(server_name):
        raise root.error("server_name", f"is not a server name: {server_name!r}")
    if server_name != server_name.lower():
        raise root.error("server_name", "must be written in lower case")
    return server_name


def _read_public_baseurl(
    root: Section, server_name: str, found: tuple[listeners.Listener, ...], has_file: bool
) -> str:
    url = root.string("public_baseurl")
    if url is None:
        # With a file, what the world calls us, through whatever proxy stands before us.
        return f"https://{server_name}/" if has_file else f"http://{server_name}:{found[0].port}/"
    if not url.startswith(("http://", "https://")) or "?" in url or "#" in url:
        raise root.error("public_baseurl", "must be an http or https URL without query or fragment")
    return url if url.endswith("/") else url + "/"


def _read_tls(
    root: Section, found: tuple[listeners.Listener, ...]
) -> tuple[Path | None, Path | None]:
    paths = {}
    for key in ("tls_certificate_path", "tls_private_key_path"):
        paths[key] = root.path(key)
        needed = next((place for place, one in enumerate(found) if one.tls), None)
        if needed is None:
            continue
        if paths[key] is None:
            raise root.error(key, f"is missing, and listeners[{needed}].tls is true")
        _check_readable(root, key, paths[key])
    return paths["tls_certificate_path"], paths["tls_private_key_path"]


def _check_readable(root: Section, key: str, path: Path | None) -> None:
    try:
        if path:
            path.open("rb").close()
    except OSError as error:
        raise root.error(key, f"names {path}, which cannot be read: {error.strerror}") from None


def _read_signing_key_path(root: Section, server_name: str, data_dir: Path) -> Path:
    if path := root.path("signing_key_path"):
        return path
    # Synapse keeps it beside its configuration.
    beside = root.resolve(f"{server_name}.signing.key")
    return beside if beside.exists() else data_dir / "signing.key"


def _read_soma(root: Section, data_dir: Path) -> SomaSettings:
    section = root.section("soma")
    section.accept("data_dir")
    postgres = {}
    for name, value in section.mapping("postgres").items():
        if isinstance(value, bool):
            value = "on" if value else "off"
        if not isinstance(value, str | int | float):
            raise section.error(f"postgres.{name}", "must be a string or a number")
        postgres[name] = str(value)
    timeout = section.duration("shutdown_timeout", 15_000)
    settings = SomaSettings(
        data_dir=data_dir,
        workers=section.integer("workers", _cores(), least=1, most=256),
        log_level=section.choice("log_level", "info", LOG_LEVELS),
        log_format=section.choice("log_format", "text", LOG_FORMATS),
        shutdown_timeout=timeout if timeout is not None else 15_000,
        postgres=postgres,
        support=people.read_support(section),
        policy_server_keys=people.read_policy_server_keys(section),
        federation=federation.read_soma(section),
        past_pooler=database.read_past_pooler(root, section),
    )
    section.finish()
    return settings


def _cores() -> int:
    # Those that we may use, which in a container may be fewer than there are.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read_registration(root: Section) -> dict[str, object]:
    secret = root.string("registration_shared_secret")
    secret_path = root.path("registration_shared_secret_path")
    if secret and secret_path:
        raise root.error(
            "registration_shared_secret_path", "is given, and registration_shared_secret as well"
        )
    enabled = root.boolean("enable_registration", False)
    unverified = root.boolean("enable_registration_without_verification", False)
    token = root.boolean("registration_requires_token", False)
    if enabled and not (unverified or token):
        raise root.error(
            "enable_registration",
            "is true, and nothing keeps strangers out: set registration_requires_token, or"
            " enable_registration_without_verification if everybody may register",
        )
    return {
        "registration_shared_secret": secret or None,
        "registration_shared_secret_path": secret_path,
        "enable_registration": enabled,
        "enable_registration_without_verification": unverified,
        "registration_requires_token": token,
    }


def _read_lifetimes(root: Section) -> dict[str, object]:
    session = root.duration("session_lifetime")
    lifetimes = {
        "nonrefreshable_access_token_lifetime": root.duration(
            "nonrefreshable_access_token_lifetime"
        ),
        "refresh_token_lifetime": root.duration("refresh_token_lifetime"),
    }
    key = "refreshable_access_token_lifetime"
    # null is not "absent" here: it turns refresh tokens off.
    is_given = bool(root.present([key]))
    lifetimes[key] = root.duration(key) if is_given else 300_000
    for name, lifetime in lifetimes.items():
        is_default = name == key and not is_given
        if session is not None and lifetime is not None and lifetime > session and not is_default:
            raise root.error(name, "must not be longer than session_lifetime")
    return {
        **lifetimes,
        "session_lifetime": session,
        "ui_auth_session_timeout": _read_ui_auth(root),
    }


def _read_upkeep(root: Section) -> dict[str, object]:
    """What is done to rooms behind the scenes."""
    key = "redaction_retention_period"
    # null is not "absent" here: it keeps what was redacted for ever.
    kept = root.duration(key) if root.present([key]) else 604_800_000
    is_on = root.boolean("cleanup_extremities_with_dummy_events", True)
    threshold = root.integer("dummy_events_threshold", 10, least=1)
    return {key: kept, "dummy_events_threshold": threshold if is_on else None}


def _read_ui_auth(root: Section) -> int:
    section = root.section("ui_auth")
    timeout = section.duration("session_timeout", 0)
    section.finish()
    return timeout or 0


def _read_switches(root: Section) -> dict[str, object]:
    switches = {
        "allow_guest_access": False,
        "inhibit_user_in_use_error": False,
        "enable_set_displayname": True,
        "enable_set_avatar_url": True,
        "require_auth_for_profile_requests": False,
        "allow_public_rooms_without_auth": False,
        "forget_rooms_on_leave": False,
        "block_non_admin_invites": False,
        "serve_server_wellknown": False,
    }
    return {
        **{key: root.boolean(key, default) for key, default in switches.items()},
        "extra_well_known_client_content": root.mapping("extra_well_known_client_content"),
        "filter_timeline_limit": root.integer("filter_timeline_limit", 100, least=-1),
        "max_upload_size": root.size("max_upload_size", 50 << 20),
    }


def _read_passwords(root: Section) -> Passwords:
    section = root.section("password_config")
    # Synapse has a third value: for those who log in already, and not for new sessions.
    enabled = section.raw("enabled")
    if enabled == "only_for_reauth":
        section.warn("enabled", "is only_for_reauth: Soma takes it as false")
    policy = section.section("policy")
    passwords = Passwords(
        enabled=False if enabled == "only_for_reauth" else section.boolean("enabled", True),
        localdb_enabled=section.boolean("localdb_enabled", True),
        pepper=section.string("pepper") or "",
        policy=PasswordPolicy(
            enabled=policy.boolean("enabled", False),
            minimum_length=policy.integer("minimum_length", 0, most=512),
            require_digit=policy.boolean("require_digit", False),
            require_symbol=policy.boolean("require_symbol", False),
            require_lowercase=policy.boolean("require_lowercase", False),
            require_uppercase=policy.boolean("require_uppercase", False),
        ),
    )
    policy.finish()
    section.finish()
    return passwords


def _read_login_via_existing_session(root: Section) -> LoginViaExistingSession:
    section = root.section("login_via_existing_session")
    login = LoginViaExistingSession(
        enabled=section.boolean("enabled", False),
        require_ui_auth=section.boolean("require_ui_auth", True),
        token_timeout=section.duration("token_timeout", 300_000) or 0,
    )
    section.finish()
    if login.enabled:
        root.warn("login_via_existing_session", "is not there yet: it is ignored")
    return login


def _read_default_room_version(root: Section) -> str:
    value = root.raw("default_room_version")
    # Written without quotes it is a number.
    version = str(value) if isinstance(value, int | str) else DEFAULT_ROOM_VERSION
    if version not in ROOM_VERSIONS or isinstance(value, bool):
        raise root.error("default_room_version", f"must be one of {', '.join(ROOM_VERSIONS)}")
    return version


def _read_turn(root: Section) -> TurnServer:
    secret = root.string("turn_shared_secret")
    if path := root.path("turn_shared_secret_path"):
        if secret:
            raise root.error("turn_shared_secret_path", "is given, and turn_shared_secret as well")
        _check_readable(root, "turn_shared_secret_path", path)
        secret = path.read_text(encoding="utf-8").strip()
    return TurnServer(
        uris=tuple(root.strings("turn_uris") or ()),
        shared_secret=secret or None,
        username=root.string("turn_username"),
        password=root.string("turn_password"),
        user_lifetime=root.duration("turn_user_lifetime", 3_600_000) or 0,
        allow_guests=root.boolean("turn_allow_guests", True),
    )


def _name_what_is_not_read(root: Section) -> None:
    if root.raw("log_config"):
        root.warn(
            "log_config", "is not used: Soma writes its log to standard error (soma.log_level)"
        )
    root.accept(*synapse_keys.NOT_NEEDED)
    for key in root.present(synapse_keys.NOT_SUPPORTED):
        root.accept(key)
        root.warn(key, "is a key of Synapse's that Soma does not support yet: it is ignored")
    for key in root.present(synapse_keys.WORKER_KEYS):
        root.accept(key)
        root.warn(key, "configures a worker of Synapse's: Soma's are all alike (soma.workers)")
