"""api-specs/server-server/keys_server.yaml. S-S API, "Publishing Keys"."""

from collections.abc import Callable

from impl.app import App
from impl.config.server_keys import OldSigningKey
from impl.core import server_keys, signing
from impl.core.unpadded_base64 import encode_base64
from tests import builders
from tests.api.api_client import Api

PATH = "/_matrix/key/v2/server"
DAY_MS = 86_400_000
OLD = signing.new_signing_key(b"\x02" * 32, "old")
SECOND = signing.new_signing_key(b"\x03" * 32, "second")


def test_the_keys_are_published_to_anybody_and_signed(app: App, api: Api) -> None:
    answer = api.get(PATH)
    key = builders.a_signing_key()
    assert answer.status == 200
    assert answer.json["server_name"] == "soma.test"
    assert answer.json["verify_keys"] == {key.key_id: {"key": encode_base64(key.verify_key)}}
    assert answer.json["old_verify_keys"] == {}
    signing.verify_json(answer.json, "soma.test", key.key_id, key.verify_key)
    assert server_keys.read(answer.json, app.now_ms()).keys.keys() == {key.key_id}


def test_all_current_keys_sign_and_old_ones_do_not(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    app = new_app(old_signing_keys=(OldSigningKey(OLD.key_id, OLD.verify_key, 1234),))
    app.signing_keys = (app.signing_key, SECOND)
    document = api_of(app).get(PATH).json
    assert document["verify_keys"].keys() == {app.signing_key.key_id, SECOND.key_id}
    assert document["old_verify_keys"] == {
        OLD.key_id: {"key": encode_base64(OLD.verify_key), "expired_ts": 1234}
    }
    assert document["signatures"]["soma.test"].keys() == document["verify_keys"].keys()
    for key in app.signing_keys:
        signing.verify_json(document, "soma.test", key.key_id, key.verify_key)


def test_servers_of_old_name_the_key_that_they_want(api: Api) -> None:
    for end in ("/", "/ed25519:test", "/ed25519%3Aanother"):
        answer = api.get(PATH + end)
        assert (answer.status, answer.json) == (200, api.get(PATH).json)
    assert api.get(PATH + "/a/b").errcode == "M_UNRECOGNIZED"


def test_a_key_that_is_in_use_again_is_not_old(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    key = builders.a_signing_key()
    app = new_app(old_signing_keys=(OldSigningKey(key.key_id, key.verify_key, 1234),))
    document = api_of(app).get(PATH).json
    assert document["old_verify_keys"] == {} and key.key_id in document["verify_keys"]


def test_what_is_published_is_good_for_half_of_the_interval_at_least(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    app = new_app(key_refresh_interval=DAY_MS)
    clock = [1_000_000]
    app.now_ms = lambda: clock[0]
    api = api_of(app)
    first = api.get(PATH).json
    assert first["valid_until_ts"] == 1_000_000 + DAY_MS
    clock[0] += DAY_MS // 2
    assert api.get(PATH).json == first
    clock[0] += 1
    assert api.get(PATH).json["valid_until_ts"] == clock[0] + DAY_MS
