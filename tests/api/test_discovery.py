"""versions.yaml, wellknown.yaml, support.yaml, capabilities.yaml,
policy_server.yaml and voip.yaml of client-server.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from impl.app import App
from impl.config.settings import Contact, Support, TurnServer
from tests.api.api_client import Api, User, register

VOIP = "/_matrix/client/v3/voip/turnServer"


def test_versions_are_told_to_anybody_and_with_any_token(api: Api) -> None:
    for token in (None, "nonsense"):
        answer = api.get("/_matrix/client/versions", token)
        assert answer.status == 200
        assert {"v1.1", "v1.11", "v1.19"} <= set(answer.json["versions"])
        assert answer.json["unstable_features"] == {"uk.tcpip.msc4133.stable": True}


def test_the_well_known_names_the_server(api: Api) -> None:
    answer = api.get("/.well-known/matrix/client")
    assert answer.json == {"m.homeserver": {"base_url": "https://soma.test/"}}
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("name", ["support", "policy_server"])
def test_nobody_is_named_for_what_is_not_configured(api: Api, name: str) -> None:
    answer = api.get(f"/.well-known/matrix/{name}")
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_whom_the_configuration_names_is_told_to_anybody(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    app = new_app()
    soma = replace(
        app.config.soma,
        support=Support((Contact("m.role.admin", "@admin:soma.test"),), "https://soma.test/help"),
        policy_server_keys={"ed25519": "6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s"},
    )
    app.config = replace(app.config, soma=soma)
    api = api_of(app)
    assert api.get("/.well-known/matrix/support").json == {
        "contacts": [{"role": "m.role.admin", "matrix_id": "@admin:soma.test"}],
        "support_page": "https://soma.test/help",
    }
    assert api.get("/.well-known/matrix/policy_server").json == {
        "public_keys": {"ed25519": "6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s"}
    }


def test_capabilities_need_a_token_and_name_the_room_versions(api: Api, alice: User) -> None:
    assert api.get("/_matrix/client/v3/capabilities").status == 401
    capabilities = alice.get("/_matrix/client/v3/capabilities").json["capabilities"]
    versions = capabilities["m.room_versions"]
    assert versions["default"] == "12"
    assert versions["available"][versions["default"]] == "stable"
    assert capabilities["m.change_password"] == {"enabled": True}


def test_the_default_room_version_is_among_the_stable_ones(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    alice = register(api_of(new_app(default_room_version="9")), "alice")
    capabilities = alice.get("/_matrix/client/v3/capabilities").json["capabilities"]
    assert capabilities["m.room_versions"]["available"]["9"] == "stable"


def test_turn_credentials_are_made_from_the_shared_secret(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    turn = TurnServer(uris=("turn:turn.soma.test",), shared_secret="s", user_lifetime=60_000)
    app = new_app(turn=turn)
    app.now_ms = lambda: 1_000_000_000_000
    alice = register(api_of(app), "alice")
    assert alice.get(VOIP).json == {
        "username": "1000000060:@alice:soma.test",
        "password": "Ml3FypO5Up4OLUm0YPDVKZb2/nU=",
        "ttl": 60,
        "uris": ["turn:turn.soma.test"],
    }


def test_without_a_turn_server_there_are_no_credentials(alice: User) -> None:
    answer = alice.get(VOIP)
    assert (answer.status, answer.body) == (200, b"{}")
