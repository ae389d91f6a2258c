"""Registrations of application services: the files in `app_service_config_files`.

Application Service API, "Registration". A bridge writes its file itself, so what is wrong with one
names the file.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import quote

from impl.config.problems import ConfigError
from impl.config.section import Section
from impl.config.yaml_file import read_yaml

KINDS = ("users", "aliases", "rooms")
# Accepted under their later and their unstable names.
_EPHEMERAL = ("receive_ephemeral", "push_ephemeral", "de.sorunome.msc2409.push_ephemeral")
_DEVICE_MANAGEMENT = "io.element.msc4190"
_EXTENSIONS = "org.matrix.msc3202"


@dataclass(frozen=True, slots=True)
class Namespace:
    """The identifiers that a service is interested in, or has to itself."""

    regex: re.Pattern[str]
    exclusive: bool

    def matches(self, identifier: str) -> bool:
        """Whether the identifier lies in the namespace: the pattern holds from its beginning."""
        return self.regex.match(identifier) is not None


@dataclass(frozen=True, slots=True)
class ApplicationService:
    """One registration."""

    id: str
    # None: the service asks us, and is never asked or told anything.
    url: str | None
    as_token: str = field(repr=False)
    hs_token: str = field(repr=False)
    sender_localpart: str
    namespaces: dict[str, tuple[Namespace, ...]]
    rate_limited: bool = True
    protocols: tuple[str, ...] = ()
    receive_ephemeral: bool = False
    device_management: bool = False
    transaction_extensions: bool = False

    def is_interested_in(self, kind: str, identifier: str) -> bool:
        """Whether an identifier of a kind ("users", "aliases", "rooms") is in a namespace."""
        return any(namespace.matches(identifier) for namespace in self.namespaces[kind])

    def owns(self, kind: str, identifier: str) -> bool:
        """Whether nobody else may create the identifier."""
        return any(
            namespace.exclusive and namespace.matches(identifier)
            for namespace in self.namespaces[kind]
        )


def read(root: Section) -> tuple[ApplicationService, ...]:
    services: list[ApplicationService] = []
    warnings = root.warnings
    for place, name in enumerate(root.strings("app_service_config_files") or ()):
        key = f"app_service_config_files[{place}]"
        path = root.resolve(name, "app_service_config_files")
        values = read_yaml(path, key, warnings)
        section = Section(f"{key} ({path})", values, path.parent, warnings)
        service = _read_service(section)
        for other in services:
            if other.id == service.id:
                raise section.error("id", "is also another application service's")
            if other.as_token == service.as_token:
                raise section.error("as_token", "is also another application service's")
        services.append(service)
    return tuple(services)


def _read_service(section: Section) -> ApplicationService:
    url = section.string("url")
    if "url" not in section.present(["url"]):
        raise section.error("url", "is missing; write null if the service is not to be called")
    if url and not url.startswith(("http://", "https://")):
        raise section.error("url", "must begin with http:// or https://")
    sender = section.required_string("sender_localpart")
    if quote(sender, safe="/+=") != sender or sender != sender.lower():
        raise section.error("sender_localpart", "holds characters that a user ID cannot have")
    service = ApplicationService(
        id=section.required_string("id"),
        url=url.rstrip("/") if url else None,
        as_token=section.required_string("as_token"),
        hs_token=section.required_string("hs_token"),
        sender_localpart=sender,
        namespaces=_read_namespaces(section),
        rate_limited=section.boolean("rate_limited", True),
        protocols=tuple(section.strings("protocols") or ()),
        receive_ephemeral=_read_ephemeral(section),
        device_management=section.boolean(_DEVICE_MANAGEMENT, False),
        transaction_extensions=section.boolean(_EXTENSIONS, False),
    )
    if service.as_token == service.hs_token:
        section.warn("hs_token", "is the same as as_token: they should differ")
    section.accept("ip_range_whitelist")
    section.finish()
    return service


def _read_ephemeral(section: Section) -> bool:
    wanted = [section.boolean(key, False) for key in _EPHEMERAL]
    return any(wanted)


def _read_namespaces(section: Section) -> dict[str, tuple[Namespace, ...]]:
    if "namespaces" not in section:
        raise section.error("namespaces", "is missing")
    namespaces = section.section("namespaces")
    found = {
        kind: tuple(_read_namespace(entry) for entry in namespaces.sections(kind)) for kind in KINDS
    }
    namespaces.finish()
    return found


def _read_namespace(entry: Section) -> Namespace:
    pattern = entry.required_string("regex")
    if entry.raw("exclusive") is None:
        raise entry.error("exclusive", "is missing")
    exclusive = entry.boolean("exclusive", False)
    # Once a way to tie a namespace to a group; bridges write it still.
    entry.accept("group_id")
    entry.finish()
    try:
        return Namespace(re.compile(pattern), exclusive)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigError(entry.key("regex"), f"is not a regular expression: {error}") from None
