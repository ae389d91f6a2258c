"""The keys about other servers: Synapse's defaults, what is read, what is refused."""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest
import trustme

from impl.config import Config, ConfigError, load
from impl.config.federation import FederationTimes, LimitRemoteRooms, RcFederation, SomaFederation
from impl.config.server_keys import OldSigningKey, TrustedKeyServer
from impl.core.signing import new_signing_key, write_signing_key
from impl.core.unpadded_base64 import encode_base64

Load = Callable[[str], tuple[Config, list[str]]]
KEY = encode_base64(b"\x05" * 32)


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    def load_it(text: str) -> tuple[Config, list[str]]:
        path = tmp_path / "homeserver.yaml"
        path.write_text("server_name: soma.test\n" + text)
        return load(path)

    return load_it


def test_the_defaults_are_synapses(load_text: Load) -> None:
    config, warnings = load_text("")
    assert warnings == []
    assert config.federation_domain_whitelist is None
    assert config.federation_verify_certificates
    assert config.federation_certificate_verification_whitelist == ()
    assert config.federation_custom_ca_list == ()
    assert config.federation_client_minimum_tls_version == "1"
    assert config.federation == FederationTimes(
        client_timeout=60_000,
        max_long_retry_delay=60_000,
        max_long_retries=3,
        destination_min_retry_interval=600_000,
        destination_retry_multiplier=2,
        destination_max_retry_interval=7 * 86_400_000,
    )
    assert config.rc_federation == RcFederation(1000, 10, 500, 50, 3)
    assert not config.limit_remote_rooms.enabled
    assert config.limit_remote_rooms.complexity == 1
    assert config.allow_profile_lookup_over_federation
    assert not config.allow_device_name_lookup_over_federation
    assert not config.allow_public_rooms_over_federation
    assert config.trusted_key_servers == (TrustedKeyServer("matrix.org"),)
    assert config.old_signing_keys == ()
    assert config.key_refresh_interval == 86_400_000
    assert config.key_server_signing_keys == ()
    assert not config.federation_whitelist_endpoint_enabled
    assert config.federation_ip_range_blacklist == config.ip_range_blacklist
    assert config.ip_range_whitelist == ()
    assert config.soma.federation == SomaFederation(dns_servers=(), sender_shards=4)


def test_every_key_is_read(load_text: Load, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    notary_key = new_signing_key(b"\x06" * 32, "notary")
    (tmp_path / "notary.key").write_text(write_signing_key(notary_key))
    config, warnings = load_text(
        f"""
federation_domain_whitelist: [a.test, "b.test:8448"]
federation_verify_certificates: false
federation_certificate_verification_whitelist: ["*.onion", lan.test]
federation_custom_ca_list: [ca.pem]
federation_client_minimum_tls_version: 1.2
federation:
  client_timeout: 20s
  max_short_retries: 0
  max_long_retry_delay: 100s
  max_long_retries: 2
  destination_min_retry_interval: 30s
  destination_retry_multiplier: 5
  destination_max_retry_interval: 12h
rc_federation:
  {{window_size: 5s, sleep_limit: 20, sleep_delay: 100, reject_limit: 9, concurrent: 4}}
limit_remote_rooms: {{enabled: true, complexity: 0.5, complexity_error: no, admins_can_join: true}}
allow_profile_lookup_over_federation: false
allow_device_name_lookup_over_federation: true
allow_public_rooms_over_federation: true
trusted_key_servers:
  - server_name: keys.test
    verify_keys: {{"ed25519:a": "{KEY}"}}
    accept_keys_insecurely: true
suppress_key_server_warning: true
old_signing_keys:
  "ed25519:old": {{key: "{KEY}", expired_ts: 123456789123}}
key_refresh_interval: 2d
key_server_signing_keys_path: notary.key
federation_whitelist_endpoint_enabled: true
ip_range_whitelist: [10.1.0.0/16]
soma: {{federation: {{dns_servers: ["127.0.0.1:5353", "::1", "[::1]:54"], sender_shards: 2}}}}
""".replace("complexity_error: no", 'complexity_error: "no"')
    )
    assert warnings == []
    assert config.federation_domain_whitelist == {"a.test", "b.test:8448"}
    assert not config.federation_verify_certificates
    assert config.federation_certificate_verification_whitelist == ("*.onion", "lan.test")
    assert config.federation_custom_ca_list == (tmp_path / "ca.pem",)
    assert config.federation_client_minimum_tls_version == "1.2"
    assert config.federation == FederationTimes(20_000, 100_000, 2, 30_000, 5, 12 * 3_600_000)
    assert config.rc_federation == RcFederation(5000, 20, 100, 9, 4)
    assert config.limit_remote_rooms == LimitRemoteRooms(True, 0.5, "no", True)
    assert not config.allow_profile_lookup_over_federation
    assert config.allow_device_name_lookup_over_federation
    assert config.allow_public_rooms_over_federation
    assert config.trusted_key_servers == (TrustedKeyServer("keys.test", {"ed25519:a": KEY}, True),)
    assert config.old_signing_keys == (OldSigningKey("ed25519:old", b"\x05" * 32, 123456789123),)
    assert config.key_refresh_interval == 2 * 86_400_000
    assert [one.key_id for one in config.key_server_signing_keys] == [notary_key.key_id]
    assert config.federation_whitelist_endpoint_enabled
    assert config.ip_range_whitelist == (ip_network("10.1.0.0/16"),)
    assert config.soma.federation == SomaFederation(
        (("127.0.0.1", 5353), ("::1", 53), ("::1", 54)), 2
    )


def test_retries_that_soma_does_not_make_are_named(load_text: Load) -> None:
    config, warnings = load_text("federation: {max_short_retries: 2, max_long_retries: 10}")
    assert config.federation.max_long_retries == 3
    long, short = warnings
    assert long.startswith("federation.max_long_retries counts as 3: ")
    assert short.startswith("federation.max_short_retries is not used: ")
    (delay,) = load_text("federation: {max_short_retry_delay: 1s}")[1]
    assert delay.startswith("federation.max_short_retries is not used: ")


def test_a_file_of_authorities_holds_certificates(load_text: Load, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(
        ConfigError, match=r"^federation_custom_ca_list\[0\] names .* no certificate"
    ):
        load_text("federation_custom_ca_list: [ca.pem]")


def test_an_empty_list_of_domains_is_nobody(load_text: Load) -> None:
    assert load_text("federation_domain_whitelist: []")[0].federation_domain_whitelist == set()


def test_no_trusted_key_server_at_all_is_possible(load_text: Load) -> None:
    assert load_text("trusted_key_servers: []")[0].trusted_key_servers == ()


def test_without_certificates_a_notary_has_a_key_or_is_accepted_as_it_is(load_text: Load) -> None:
    begin = "federation_verify_certificates: false\ntrusted_key_servers: [{server_name: a.test"
    for end in (f', verify_keys: {{"ed25519:a": "{KEY}"}}}}]', ", accept_keys_insecurely: true}]"):
        assert load_text(begin + end)[0].trusted_key_servers[0].server_name == "a.test"


def test_the_flat_keys_of_early_files_are_read(load_text: Load) -> None:
    text = "federation_rc_sleep_limit: 7\nfederation_rc_window_size: 2000\n"
    config, warnings = load_text(text)
    assert config.rc_federation == RcFederation(window_size=2000, sleep_limit=7)
    assert warnings == []
    # Where the section is there, it counts.
    config, warnings = load_text(text + "rc_federation: {sleep_limit: 8}")
    assert config.rc_federation == RcFederation(sleep_limit=8)
    assert warnings == []


def test_a_list_of_ranges_for_federation_alone_counts_there(load_text: Load) -> None:
    config, warnings = load_text(
        "federation_ip_range_blacklist: [10.0.0.0/8]\nip_range_blacklist: [192.168.0.0/16]"
    )
    assert warnings == []
    always = {ip_network("0.0.0.0/32"), ip_network("::/128")}
    assert set(config.federation_ip_range_blacklist) == {ip_network("10.0.0.0/8"), *always}
    assert set(config.ip_range_blacklist) == {ip_network("192.168.0.0/16"), *always}
    config, _ = load_text("federation_ip_range_blacklist: null")
    assert config.federation_ip_range_blacklist == config.ip_range_blacklist


@pytest.mark.parametrize(
    ("text", "version"), [("1", "1"), ("1.0", "1"), ("'1.1'", "1.1"), ("1.3", "1.3")]
)
def test_the_tls_version_may_be_a_number(load_text: Load, text: str, version: str) -> None:
    config, _ = load_text(f"federation_client_minimum_tls_version: {text}")
    assert config.federation_client_minimum_tls_version == version


WRONG = {
    "federation_domain_whitelist: ['a b']": "federation_domain_whitelist[0] is not",
    "federation_domain_whitelist: a.test": "federation_domain_whitelist must be a list",
    "federation_verify_certificates: 1": "federation_verify_certificates must be true or false",
    "federation_certificate_verification_whitelist: ['ü.test']": (
        "federation_certificate_verification_whitelist[0] must be written in ASCII"
    ),
    "federation_custom_ca_list: []": "federation_custom_ca_list is given and names no file",
    "federation_client_minimum_tls_version: 1.4": "federation_client_minimum_tls_version must be",
    "federation_client_minimum_tls_version: true": "federation_client_minimum_tls_version must be",
    "federation: 5": "federation must be a mapping",
    "federation: {client_timeout: 0}": "federation.client_timeout must be longer",
    "federation: {client_timeout: soon}": "federation.client_timeout must be a duration",
    "federation: {max_long_retries: -1}": "federation.max_long_retries must be from 0",
    "federation: {destination_retry_multiplier: 0.5}": "federation.destination_retry_multiplier",
    "rc_federation: {concurrent: 0}": "rc_federation.concurrent must be from 1",
    "rc_federation: {window_size: x}": "rc_federation.window_size must be a duration",
    "federation_rc_concurrent: x": "federation_rc_concurrent must be a whole number",
    "limit_remote_rooms: {complexity: x}": "limit_remote_rooms.complexity must be a number",
    "federation_verify_certificates: false": "trusted_key_servers is not given",
    "federation_verify_certificates: false\ntrusted_key_servers: [{server_name: a.test}]": (
        "trusted_key_servers[0].verify_keys is missing"
    ),
    "trusted_key_servers: [{server_name: a.test, verify_keys: {'ed25519:a': 'QUJD'}}]": (
        "trusted_key_servers[0].verify_keys.ed25519:a must be an ed25519 key"
    ),
    f"old_signing_keys: {{'rsa:a': {{key: '{KEY}', expired_ts: 1}}}}": (
        "old_signing_keys.rsa:a must be an ed25519 key"
    ),
    f"old_signing_keys: {{'ed25519:a': {{key: '{KEY}'}}}}": (
        "old_signing_keys.ed25519:a.expired_ts is missing"
    ),
    "old_signing_keys: {'ed25519:a': {expired_ts: 1}}": "old_signing_keys.ed25519:a.key is missing",
    "old_signing_keys: [x]": "old_signing_keys must be a mapping",
    "key_server_signing_keys_path: nowhere": "key_server_signing_keys_path names ",
    "key_server_signing_keys_path: homeserver.yaml": "key_server_signing_keys_path names ",
    "key_refresh_interval: x": "key_refresh_interval must be a duration",
    "federation_ip_range_blacklist: [x]": "federation_ip_range_blacklist[0] is not an IP range",
    "soma: {federation: {dns_servers: [dns.test]}}": "soma.federation.dns_servers[0] must be an IP",
    "soma: {federation: {dns_servers: ['1.1.1.1:x']}}": "soma.federation.dns_servers[0] must be",
    "soma: {federation: {dns_servers: ['1.1.1.1:0']}}": "soma.federation.dns_servers[0] must be",
    "soma: {federation: {dns_servers: ['[::1']}}": "soma.federation.dns_servers[0] must be",
    "soma: {federation: {dns_servers: ['[::1]53']}}": "soma.federation.dns_servers[0] must be",
    "soma: {federation: {sender_shards: 0}}": "soma.federation.sender_shards must be from 1",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items(), ids=WRONG)
def test_a_wrong_value_is_refused_by_its_key(load_text: Load, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "text",
    ["federation: {timeout: 5s}", "rc_federation: {window: 1}", "soma: {federation: {dns: []}}"],
)
def test_an_unknown_key_is_named(load_text: Load, text: str) -> None:
    assert len(load_text(text)[1]) == 1
