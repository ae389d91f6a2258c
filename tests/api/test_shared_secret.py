"""api-specs/admin/registration.yaml: registration by the shared secret, as tools do it."""

import hashlib
import hmac

from impl.web import matrix_api
from tests.api.api_client import Answer, Api

PATH = "/_synapse/admin/v1/register"
SECRET = b"shared secret"


def mac(nonce: str, username: str, password: str, role: str = "notadmin") -> str:
    fields = "\0".join((nonce, username, password, role))
    return hmac.new(SECRET, fields.encode(), hashlib.sha1).hexdigest()


def register(api: Api, nonce: str, digest: str, **more: object) -> Answer:
    body = {"nonce": nonce, "username": "erin", "password": "secret", "mac": digest, **more}
    return api.post(PATH, body)


def test_the_right_mac_makes_an_account(api: Api) -> None:
    nonce = api.get(PATH).json["nonce"]
    answer = register(api, nonce, mac(nonce, "erin", "secret"))
    assert answer.status == 200
    assert answer.json["user_id"] == "@erin:soma.test"
    whoami = api.get("/_matrix/client/v3/account/whoami", token=answer.json["access_token"])
    assert whoami.status == 200


def test_an_administrator_is_signed_as_one(api: Api) -> None:
    nonce = api.get(PATH).json["nonce"]
    forged = register(api, nonce, mac(nonce, "erin", "secret"), admin=True)
    assert (forged.status, forged.errcode) == (403, "M_FORBIDDEN")
    nonce = api.get(PATH).json["nonce"]
    assert register(api, nonce, mac(nonce, "erin", "secret", "admin"), admin=True).status == 200


def test_a_nonce_is_good_once(api: Api) -> None:
    nonce = api.get(PATH).json["nonce"]
    assert register(api, nonce, "wrong").status == 403
    assert register(api, nonce, mac(nonce, "erin", "secret")).status == 400


def test_a_nonce_ends_after_a_minute(api: Api, app) -> None:
    nonce = api.get(PATH).json["nonce"]
    later = app.now_ms() + 61_000
    app.now_ms = lambda: later
    assert register(api, nonce, mac(nonce, "erin", "secret")).status == 400


def test_a_made_up_nonce_is_refused(api: Api) -> None:
    assert register(api, "made up", mac("made up", "erin", "secret")).status == 400


def test_without_a_secret_it_is_off(new_app) -> None:
    api = Api(matrix_api.build(new_app(registration_shared_secret=None)))
    assert api.get(PATH).status == 400


def test_a_name_that_no_event_can_hold_is_refused(api: Api) -> None:
    nonce = api.get(PATH).json["nonce"]
    answer = register(api, nonce, mac(nonce, "erin", "secret"), displayname="x" * 1001)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
