"""The configuration -> what reaches other servers: which addresses and certificates are good.

Made once in a process, since it keeps connections and what it found out.
"""

from impl.config import Config
from impl.outbound.dns import Resolver
from impl.outbound.guard import Guard
from impl.outbound.https_wire import HttpsWire
from impl.outbound.proxy import Proxy
from impl.outbound.tls import Tls
from impl.outbound.well_known import WellKnownClient
from impl.services import software
from impl.services.federation_check import Instruments


def wire_of(config: Config) -> HttpsWire:
    wire = HttpsWire(
        Resolver(config.soma.federation.dns_servers),
        tls_of(config),
        guard_of(config),
        software.user_agent(),
        proxy=proxy_of(config),
    )
    # Files may be served by anybody on the web. COMPAT(Synapse): what the configuration says of the
    # certificates of servers is not said of these.
    wire.url_tls = Tls()
    return wire


def instruments_of(config: Config) -> Instruments:
    """To look at servers as others see them: no certificate is exempt."""
    resolver = Resolver(config.soma.federation.dns_servers)
    authorities, proxy = config.federation_custom_ca_list, proxy_of(config)
    agent = software.user_agent()
    return Instruments(
        resolver,
        WellKnownClient(resolver, Tls(authorities), guard_of(config), agent, proxy=proxy),
        guard_of(config),
        authorities,
        proxy,
    )


def tls_of(config: Config) -> Tls:
    return Tls(
        config.federation_custom_ca_list,
        verifies=config.federation_verify_certificates,
        unverified=config.federation_certificate_verification_whitelist,
        minimum_version=config.federation_client_minimum_tls_version,
    )


def guard_of(config: Config) -> Guard:
    return Guard(config.federation_ip_range_blacklist, config.ip_range_whitelist)


def proxy_of(config: Config) -> Proxy | None:
    """The way out, where there is no straight one."""
    proxy = config.https_proxy
    if proxy is None:
        return None
    return Proxy(
        proxy.host, proxy.port, proxy.credentials, proxy.exempt_names, proxy.exempt_networks
    )
