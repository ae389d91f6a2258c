"""soma.support, soma.policy_server, user_directory and presence of the configuration file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from impl.config import Config, ConfigError, load
from impl.config.settings import Contact, Support

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
