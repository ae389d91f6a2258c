"""The registration files of application services."""

from pathlib import Path

import pytest
import yaml

from impl.config import ApplicationService, ConfigError, load

GOOD = {
    "id": "irc",
    "url": "http://localhost:9000/",
    "as_token": "token of the service",
    "hs_token": "token of the server",
    "sender_localpart": "ircbot",
    "rate_limited": False,
    "namespaces": {
        "users": [{"regex": "@irc_.*:soma\\.test", "exclusive": True}],
        "aliases": [{"regex": "#irc_.*", "exclusive": False}],
        "rooms": [],
    },
    "protocols": ["irc"],
    "receive_ephemeral": True,
}


def load_services(tmp_path: Path, *registrations: object) -> tuple[ApplicationService, ...]:
    names = []
    for number, registration in enumerate(registrations):
        names.append(f"service{number}.yaml")
        (tmp_path / names[-1]).write_text(yaml.safe_dump(registration))
    values = {"server_name": "soma.test", "app_service_config_files": names}
    (tmp_path / "homeserver.yaml").write_text(yaml.safe_dump(values))
    return load(tmp_path / "homeserver.yaml")[0].application_services


def test_a_registration_is_read(tmp_path: Path) -> None:
    (service,) = load_services(tmp_path, GOOD)
    assert (service.id, service.url) == ("irc", "http://localhost:9000")
    assert service.owns("users", "@irc_alice:soma.test")
    assert not service.owns("users", "@alice:soma.test")
    assert service.is_interested_in("aliases", "#irc_room:soma.test")
    assert not service.owns("aliases", "#irc_room:soma.test")
    assert not service.rate_limited
    assert service.receive_ephemeral
    assert "token" not in repr(service)


def test_a_url_may_be_null_but_not_missing(tmp_path: Path) -> None:
    (service,) = load_services(tmp_path, {**GOOD, "url": None})
    assert service.url is None
    without = {key: value for key, value in GOOD.items() if key != "url"}
    with pytest.raises(ConfigError, match="url is missing"):
        load_services(tmp_path, without)


WRONG = {
    "id": (5, "id must be a string"),
    "as_token": (None, "as_token is missing"),
    "hs_token": ("", "hs_token must not be empty"),
    "url": ("localhost", "url must begin with"),
    "sender_localpart": ("Ä", "sender_localpart holds characters"),
    "namespaces": (None, "namespaces is missing"),
    "rate_limited": ("yes", "rate_limited must be true or false"),
    "protocols": ("irc", "protocols must be a list"),
}


@pytest.mark.parametrize("key", WRONG)
def test_a_wrong_value_is_refused_by_file_and_key(tmp_path: Path, key: str) -> None:
    value, message = WRONG[key]
    with pytest.raises(ConfigError, match=message) as caught:
        load_services(tmp_path, {**GOOD, key: value})
    assert "service0.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"exclusive": True}, r"users\[0\]\.regex is missing"),
        ({"regex": "@a"}, r"users\[0\]\.exclusive is missing"),
        ({"regex": "(", "exclusive": True}, r"users\[0\]\.regex is not a regular expression"),
    ],
)
def test_a_wrong_namespace_is_refused(tmp_path: Path, entry: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_services(tmp_path, {**GOOD, "namespaces": {"users": [entry]}})


@pytest.mark.parametrize("key", ["id", "as_token"])
def test_two_services_may_not_share(tmp_path: Path, key: str) -> None:
    other = {**GOOD, "id": "other", "as_token": "another", key: GOOD[key]}
    with pytest.raises(ConfigError, match=f"{key} is also another"):
        load_services(tmp_path, GOOD, other)
