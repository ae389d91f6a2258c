"""homeserver.yaml -> Config: what is read, what is refused with which key, what is only remarked
on.
"""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest
import yaml

from impl.config import Config, ConfigError, RateLimit, load, synapse_keys
from impl.config.proxy import HttpsProxy

FILES = Path(__file__).parent / "files"
Load = Callable[..., tuple[Config, list[str]]]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """Loads a file of this text; the server's name is added where it is missing."""

    def load_it(text: str) -> tuple[Config, list[str]]:
        if not text.startswith("server_name:"):
            text = "server_name: soma.test\n" + text
        path = tmp_path / "homeserver.yaml"
        path.write_text(text)
        return load(path)

    return load_it


def test_without_a_file_the_server_is_for_this_machine_only() -> None:
    config, warnings = load(None)
    assert warnings == []
    assert config.server_name == "localhost"
    assert config.public_baseurl == "http://localhost:8008/"
    assert [one.bind_addresses for one in config.listeners] == [("127.0.0.1",)]
    assert config.is_embedded
    assert not config.enable_registration
    assert config.default_room_version == "12"


def test_a_pooler_can_be_passed(load_text: Load) -> None:
    database = "database: {name: psycopg2, args: {host: pool, port: 6432, database: soma}}\n"
    assert load_text(database)[0].past_pooler is None
    config, warnings = load_text(database + "soma: {past_pooler: {host: db, port: 5432}}")
    assert warnings == []
    assert config.database is not None
    assert config.database.dsn == "host='pool' port='6432' dbname='soma'"
    assert config.past_pooler == "host='db' port='5432' dbname='soma'"


def test_the_proxy_on_the_way_out_is_read(load_text: Load) -> None:
    assert load_text("")[0].https_proxy is None
    config, warnings = load_text(
        "https_proxy: http://us%40er:p%3Aw@proxy.test:3128/\n"
        "no_proxy_hosts: [lan.test, 10.1.0.0/16, 192.0.2.1]\n"
    )
    assert warnings == []
    networks = (ip_network("10.1.0.0/16"), ip_network("192.0.2.1"))
    assert config.https_proxy == HttpsProxy(
        "proxy.test", 3128, "us@er:p:w", ("lan.test",), networks
    )
    assert "p:w" not in repr(config)
    config, (warning,) = load_text("https_proxy: proxy.test\nhttp_proxy: proxy.test")
    assert config.https_proxy == HttpsProxy("proxy.test", 1080)
    assert warning.startswith("http_proxy is not used")


def test_the_environment_says_what_the_file_does_not_of_the_proxy(
    load_text: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://far.test:3128")
    monkeypatch.setenv("no_proxy", "lan.test, 10.1.0.0/16,")
    networks = (ip_network("10.1.0.0/16"),)
    far = HttpsProxy("far.test", 3128, "", ("lan.test",), networks)
    assert load_text("")[0].https_proxy == far
    assert load(None)[0].https_proxy == far
    config, _ = load_text("https_proxy: near.test\nno_proxy_hosts: []")
    assert config.https_proxy == HttpsProxy("near.test", 1080)
    assert load_text("https_proxy: ''")[0].https_proxy is None
    monkeypatch.setenv("HTTPS_PROXY", "socks5://far.test")
    with pytest.raises(ConfigError, match="https_proxy in the environment must begin with http:"):
        load_text("")
    monkeypatch.setenv("no_proxy", "*")
    assert load_text("")[0].https_proxy is None


def test_a_file_of_synapse_loads_but_for_its_sqlite() -> None:
    with pytest.raises(ConfigError, match=r"^database\.name is sqlite3"):
        load(FILES / "synapse_1_163.yaml")


def test_a_file_of_synapse_with_postgresql_loads(tmp_path: Path) -> None:
    values = yaml.safe_load((FILES / "synapse_1_163.yaml").read_text())
    values["database"] = {
        "name": "psycopg2",
        "args": {
            "user": "synapse_user",
            "password": "it's \\ secret",
            "dbname": "synapse",
            "host": "localhost",
            "port": 5432,
            "cp_min": 5,
            "cp_max": 10,
        },
    }
    path = tmp_path / "homeserver.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    config, warnings = load(path)
    assert [warning.partition(" ")[0] for warning in warnings] == ["log_config"]
    assert config.database is not None
    assert config.database.dsn == (
        "user='synapse_user' password='it\\'s \\\\ secret' dbname='synapse' host='localhost'"
        " port='5432'"
    )
    assert config.listeners[0].bind_addresses == ("::1", "127.0.0.1")
    assert config.listeners[0].x_forwarded
    assert {"client", "federation", "media", "keys"} <= config.listeners[0].resources
    assert config.signing_key_path == Path("/data/example.org.signing.key")
    assert config.public_baseurl == "https://example.org/"


def test_no_secret_is_in_the_configurations_text(load_text: Load) -> None:
    config, _ = load_text(
        "registration_shared_secret: hush\nturn_shared_secret: hush\n"
        "password_config: {pepper: hush}\n"
        "database: {name: psycopg2, args: {password: hush}}\n"
    )
    assert config.registration_shared_secret == "hush"
    assert "hush" not in repr(config)


def test_relative_paths_are_relative_to_the_file(load_text: Load, tmp_path: Path) -> None:
    config, _ = load_text("media_store_path: media\nsoma: {data_dir: here}\n")
    assert config.media_store_path == tmp_path / "media"
    assert config.soma.data_dir == tmp_path / "here"
    assert config.signing_key_path == tmp_path / "here" / "signing.key"


def test_the_signing_key_beside_the_file_is_found_as_synapse_finds_it(
    load_text: Load, tmp_path: Path
) -> None:
    key = tmp_path / "soma.test.signing.key"
    key.touch()
    assert load_text("")[0].signing_key_path == key


def test_of_several_files_the_last_counts_and_paths_stay_with_their_file(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "a.yaml").write_text("server_name: a.test\nmedia_store_path: media\n")
    (tmp_path / "conf.d" / "b.yaml").write_text("server_name: b.test\nsigning_key_path: key\n")
    config, _ = load([tmp_path / "a.yaml", tmp_path / "conf.d"])
    assert config.server_name == "b.test"
    assert config.media_store_path == tmp_path / "media"
    assert config.signing_key_path == tmp_path / "conf.d" / "key"


def test_limits_have_synapses_defaults_and_take_half_of_a_limit(load_text: Load) -> None:
    limits = load_text("rc_login: {address: {per_second: 7}}\nrc_admin_redaction: {}\n")[
        0
    ].rate_limits
    assert limits.rc_login_address == RateLimit(7, 5)
    assert limits.rc_login_account == RateLimit(0.003, 5)
    assert limits.rc_message == RateLimit(0.2, 10)
    assert limits.rc_admin_redaction == RateLimit(0.17, 3)
    assert limits.rc_third_party_invite == RateLimit(0.0025, 5)
    assert limits.rc_profile == RateLimit(1, 500)


def test_the_old_flat_keys_of_the_message_limit_are_read(load_text: Load) -> None:
    config, warnings = load_text("rc_messages_per_second: 3\nrc_message_burst_count: 4\n")
    assert config.rate_limits.rc_message == RateLimit(3, 4)
    assert warnings == []


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("5m", 300_000), ("7d", 604_800_000), ("1y", 31_536_000_000), ('"90"', 90), ("1500", 1500)],
)
def test_durations_are_written_as_in_synapse(load_text: Load, text: str, milliseconds: int) -> None:
    assert load_text(f"session_lifetime: {text}")[0].session_lifetime == milliseconds


def test_null_turns_refresh_tokens_off(load_text: Load) -> None:
    key = "refreshable_access_token_lifetime"
    assert getattr(load_text("")[0], key) == 300_000
    assert getattr(load_text(f"{key}: null")[0], key) is None


def test_what_was_redacted_is_kept_for_a_week_or_for_ever(load_text: Load) -> None:
    key = "redaction_retention_period"
    assert getattr(load_text("")[0], key) == 7 * 86_400_000
    assert getattr(load_text(f"{key}: 30d")[0], key) == 30 * 86_400_000
    assert getattr(load_text(f"{key}: null")[0], key) is None


def test_dummy_events_have_a_threshold_and_can_be_switched_off(load_text: Load) -> None:
    config, warnings = load_text("dummy_events_threshold: 3")
    assert config.dummy_events_threshold == 3 and warnings == []
    assert load_text("")[0].dummy_events_threshold == 10
    config, warnings = load_text("cleanup_extremities_with_dummy_events: false")
    assert config.dummy_events_threshold is None and warnings == []


@pytest.mark.parametrize(("text", "size"), [("50M", 50 << 20), ("1024", 1024), ("2KiB", 2048)])
def test_sizes_are_written_as_in_synapse(load_text: Load, text: str, size: int) -> None:
    assert load_text(f"max_upload_size: {text}")[0].max_upload_size == size


def test_presence_can_be_switched_off_by_its_old_key(load_text: Load) -> None:
    assert load_text("")[0].presence.enabled
    assert not load_text("use_presence: false")[0].presence.enabled
    assert load_text("use_presence: false\npresence: {enabled: true}")[0].presence.enabled


def test_forbidden_ranges_always_hold_the_unroutable_addresses(load_text: Load) -> None:
    config, _ = load_text("ip_range_blacklist: [10.0.0.0/8]")
    assert ip_network("10.0.0.0/8") in config.ip_range_blacklist
    assert ip_network("0.0.0.0/32") in config.ip_range_blacklist
    assert ip_network("127.0.0.0/8") not in config.ip_range_blacklist
    assert ip_network("127.0.0.0/8") in load_text("")[0].ip_range_blacklist


def test_a_listener_without_addresses_takes_all(load_text: Load) -> None:
    config, _ = load_text("listeners: [{port: 80, type: http}]")
    assert config.listeners[0].bind_addresses == ("::", "0.0.0.0")


def test_other_listeners_are_left_out_with_a_warning(load_text: Load) -> None:
    config, warnings = load_text(
        "listeners: [{port: 80, type: http}, {port: 90, type: metrics}, {port: 91, type: manhole}]"
    )
    assert len(config.listeners) == 1
    assert [warning.partition(" ")[0] for warning in warnings] == [
        "listeners[1].type",
        "listeners[2].type",
    ]


WARNINGS = {
    "colour: red": "colour is not a key that Soma knows",
    "soma: {wrokers: 2}": "soma.wrokers is not a key that Soma knows",
    "rc_message: {per_minute: 2}": "rc_message.per_minute is not a key that Soma knows",
    "listeners: [{port: 1, type: http, tsl: true}]": "listeners[0].tsl is not a key",
    "listeners: [{port: 1, type: http, resources: [{name: client}]}]": (
        "listeners[0].resources[0].name is not a key"
    ),
    "email: {smtp_host: x}": "email is a key of Synapse's that Soma does not support yet",
    "login_via_existing_session: {enabled: true}": "login_via_existing_session is not there yet",
    "worker_app: synapse.app.generic_worker": "worker_app configures a worker of Synapse's",
    "log_config: x.yaml": "log_config is not used",
    "password_config: {enabled: only_for_reauth}": "password_config.enabled is only_for_reauth",
    "allow_guest_access: true\nallow_guest_access: false": "allow_guest_access stands twice in",
}


@pytest.mark.parametrize(("text", "warning"), WARNINGS.items(), ids=WARNINGS)
def test_what_is_not_understood_is_named(load_text: Load, text: str, warning: str) -> None:
    _, warnings = load_text(text)
    assert len(warnings) == 1
    assert warnings[0].startswith(warning)


def test_keys_that_change_nothing_are_accepted_in_silence(load_text: Load) -> None:
    text = "bcrypt_rounds: 12\nevent_cache_size: 10K\npid_file: x\nreport_stats: false\n"
    assert load_text(text)[1] == []


def test_a_key_stands_in_one_table_only() -> None:
    assert not synapse_keys.NOT_NEEDED & synapse_keys.NOT_SUPPORTED
    assert not synapse_keys.WORKER_KEYS & (synapse_keys.NOT_NEEDED | synapse_keys.NOT_SUPPORTED)


WRONG = {
    "server_name: 'not a name'": "server_name is not",
    "server_name: [a]": "server_name must be a string",
    "server_name: ''": "server_name must not be empty",
    "server_name: Example.org": "server_name must be written in lower case",
    "public_baseurl: example.org": "public_baseurl must be",
    "listeners: 8008": "listeners must be a list",
    "listeners: []": "listeners must hold at least one listener",
    "listeners: [8008]": "listeners[0] must be a mapping",
    "listeners: [null]": "listeners[0] is empty",
    "listeners: [{port: 8008}]": "listeners[0].type is missing",
    "listeners: [{type: http}]": "listeners[0].port must be given",
    "listeners: [{type: http, port: x}]": "listeners[0].port must be a whole number",
    "listeners: [{type: http, port: 65536}]": "listeners[0].port must be from 1 to 65535",
    "listeners: [{type: http, port: true}]": "listeners[0].port must be a whole number, not true",
    "listeners: [{type: http, port: 1, tls: 1}]": "listeners[0].tls must be true or false",
    "listeners: [{type: http, port: 1, tls: true}]": "tls_certificate_path is missing",
    "listeners: [{type: http, port: 1, bind_addresses: [x]}]": (
        "listeners[0].bind_addresses[0] must be an IP address"
    ),
    "listeners: [{type: http, port: 1, bind_address: x}]": "listeners[0].bind_address must be",
    "listeners: [{type: http, port: 1}, {type: http, port: 1}]": "listeners[1].port is also",
    "listeners: [{type: http, port: 1, resources: [{names: [clint]}]}]": (
        "listeners[0].resources[0].names[0] must be one of"
    ),
    "database: {name: sqlite3}": "database.name is sqlite3",
    "database: {name: mysql}": "database.name must be psycopg2",
    "database: {args: {}}": "database.name is missing",
    "database: {name: psycopg2, args: [x]}": "database.args must be a mapping",
    "database: {name: psycopg2, args: {port: 5.5}}": "database.args.port must be",
    "https_proxy: https://proxy.test:1": "https_proxy must begin with http://, not https://",
    "https_proxy: 'http://:3128'": "https_proxy must be like",
    "https_proxy: 'http://proxy.test:x'": "https_proxy is not the URL of a proxy",
    "no_proxy_hosts: a.test": "no_proxy_hosts must be a list",
    "soma: {past_pooler: {port: 5432}}": "soma.past_pooler is given, and database is not",
    "database: {name: psycopg2, args: {host: a}}\nsoma: {past_pooler: {dsn: x}}": (
        "soma.past_pooler must be a dsn if"
    ),
    "database: {name: psycopg2, args: {host: a}}\nsoma: {past_pooler: {port: 5.5}}": (
        "soma.past_pooler.port must be"
    ),
    "databases: {a: {}}": "databases is not supported",
    "enable_registration: true": "enable_registration is true, and nothing keeps strangers out",
    "enable_registration: 'yes'": "enable_registration must be true or false, not text",
    "registration_shared_secret: 5": "registration_shared_secret must be a string",
    "registration_shared_secret: a\nregistration_shared_secret_path: b": (
        "registration_shared_secret_path is given"
    ),
    "rc_message: 5": "rc_message must be a mapping",
    "rc_message: {per_second: x}": "rc_message.per_second must be a number",
    "rc_login: {address: {burst_count: -1}}": "rc_login.address.burst_count must not be negative",
    "rc_invites: [1]": "rc_invites must be a mapping",
    "presence: {enabled: 1}": "presence.enabled must be true or false",
    "trusted_key_servers: [{}]": "trusted_key_servers[0].server_name is missing",
    "trusted_key_servers: [{server_name: '/'}]": "trusted_key_servers[0].server_name is not",
    "federation_custom_ca_list: [nowhere.pem]": "federation_custom_ca_list[0] names",
    "ip_range_blacklist: [10.0.0.0/99]": "ip_range_blacklist[0] is not an IP range",
    "ip_range_whitelist: x": "ip_range_whitelist must be a list",
    "app_service_config_files: [nowhere.yaml]": "app_service_config_files[0]",
    "default_room_version: 99": "default_room_version must be one of",
    "default_room_version: true": "default_room_version must be one of",
    "max_upload_size: huge": "max_upload_size must be a size",
    "session_lifetime: 5 minutes": "session_lifetime must be a duration",
    "session_lifetime: 1h\nrefresh_token_lifetime: 2h": "refresh_token_lifetime must not be longer",
    "password_config: {policy: {minimum_length: x}}": "password_config.policy.minimum_length must",
    "soma: {workers: 0}": "soma.workers must be from 1",
    "soma: {log_level: loud}": "soma.log_level must be one of",
    "soma: 5": "soma must be a mapping",
    "turn_uris: turn:x": "turn_uris must be a list",
    "turn_uris: [1]": "turn_uris[0] must be a string",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items(), ids=WRONG)
def test_a_wrong_value_is_refused_by_its_key(load_text: Load, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(text)
    assert str(caught.value).startswith(message)


def test_a_misplaced_secret_is_not_repeated(load_text: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text("soma: {workers: hunter2}")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"server_name: [", "line 1: not YAML"),
        (b"a\n b: c: d", "not YAML"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"- a list", "must be a mapping"),
        (b"1: 2", "must be a mapping"),
        (b"", "server_name is missing"),
        (b"[" * 5000, "not YAML"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "homeserver.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        load(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml cannot be read: No such file"):
        load(tmp_path / "nowhere.yaml")
