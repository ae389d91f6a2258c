"""soma.support, soma.policy_server, user_directory and presence of the configuration file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from impl.config import Config, ConfigError, load
from impl.config.settings import Contact, Presence, Support, UserDirectory
from impl.core.presence import Timeouts

Load = Callable[[str], tuple[Config, list[str]]]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    def load_it(text: str) -> tuple[Config, list[str]]:
        path = tmp_path / "homeserver.yaml"
        path.write_text("server_name: soma.test\n" + text)
        return load(path)

    return load_it


def test_who_stands_behind_the_server(load_text: Load) -> None:
    config, warnings = load_text(
        """
soma:
  support:
    contacts:
      - matrix_id: "@admin:soma.test"
      - email_address: security@soma.test
        role: m.role.security
    support_page: https://soma.test/help
  policy_server:
    public_keys:
      ed25519: 6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s
"""
    )
    assert warnings == []
    assert config.soma.support == Support(
        (
            Contact("m.role.admin", "@admin:soma.test"),
            Contact("m.role.security", None, "security@soma.test"),
        ),
        "https://soma.test/help",
    )
    assert set(config.soma.policy_server_keys) == {"ed25519"}


def test_presence_and_the_user_directory_are_synapses(load_text: Load) -> None:
    config, warnings = load_text(
        """
presence:
  enabled: true
  include_offline_users_on_sync: true
  sync_online_timeout: 40s
  idle_timeout: 10m
  last_active_granularity: 2m
user_directory:
  enabled: false
  search_all_users: true
  prefer_local_users: true
  exclude_remote_users: true
  show_locked_users: true
"""
    )
    assert warnings == []
    assert config.presence == Presence(True, True, Timeouts(40_000, 600_000, 120_000))
    assert config.user_directory == UserDirectory(False, True, True, True, True)


def test_without_keys_they_are_on(load_text: Load) -> None:
    config, _ = load_text("")
    assert config.presence == Presence(True, False, Timeouts(30_000, 300_000, 60_000))
    assert config.user_directory == UserDirectory(True, False, False, False, False)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("support: {contacts: [{role: m.role.admin}]}", r"soma\.support\.contacts\[0\]\.matrix_id"),
        ("support: {contacts: [{matrix_id: admin}]}", r"soma\.support\.contacts\[0\]\.matrix_id"),
        ("support: {contacts: [{email_address: x}]}", r"contacts\[0\]\.email_address"),
        ("support: {support_page: help}", r"soma\.support\.support_page"),
        ("policy_server: {public_keys: {ed25519: x}}", r"public_keys\.ed25519"),
        ("policy_server: {public_keys: {other: x}}", r"public_keys\.ed25519"),
        ("policy_server: {public_keys: {ed25519: 1}}", r"public_keys\.ed25519"),
    ],
)
def test_what_cannot_be_is_named(load_text: Load, text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        load_text(f"soma: {{{text}}}\n")
