"""Another server, which is known to the one under test and signs what is sent in its name."""

import json
from typing import Any
from urllib.parse import quote

from impl.app import App
from impl.core import canonical_json, event_hash, request_auth, signing
from impl.core.rejection import Malformed
from impl.core.room_version import ROOM_VERSIONS
from impl.core.signing import KEY_VALIDITY_MAX_MS
from impl.core.unpadded_base64 import encode_base64
from impl.storage import server_keys
from impl.storage.server_keys import NewDocument
from tests import builders
from tests.api.api_client import Api

NAME = "another.test"
KEY = signing.new_signing_key(b"\x07" * 32, "key")


def introduce(app: App) -> None:
    """Its key is known from now on."""
    now_ms = app.now_ms()
    until_ts = now_ms + KEY_VALIDITY_MAX_MS
    keys = [(KEY.key_id, KEY.verify_key, until_ts, False)]
    with app.database.transaction() as txn:
        document = NewDocument(NAME, "{}", until_ts, until_ts, keys)
        server_keys.put(txn, [document], now_ms, is_first_hand=True)


def join(api: Api, room_id: str) -> str:
    """A user of it comes into a public room; who that is."""
    user_id = f"@user:{NAME}"
    version = ROOM_VERSIONS["12"]
    place = quote(room_id, safe="")
    made = _ask(api, "GET", f"v1/make_join/{place}/{quote(user_id)}?ver={version.version}")
    pdu = signing.sign_event(made["event"], version, NAME, KEY)
    event_id = quote(event_hash.event_id_of(pdu, version), safe="")
    _ask(api, "PUT", f"v2/send_join/{place}/{event_id}", pdu)
    return user_id


def _ask(api: Api, method: str, path: str, body: object = None) -> Any:
    target = f"/_matrix/federation/{path}"
    data = b"" if body is None else json.dumps(body).encode()
    headers = {"HTTP_AUTHORIZATION": authorization(method, target, data)}
    answer = api.request(method, target, data=data, headers=headers)
    assert answer.status == 200, answer
    return answer.json


def authorization(method: str, target: str, body: bytes) -> str:
    """The header of a request. What has no canonical form it signs as if there was no body."""
    try:
        content = canonical_json.encode(json.loads(body), strict=False)
    except (ValueError, RecursionError, Malformed):
        content = None
    message = request_auth.signed_bytes(method, target, NAME, builders.SERVER_NAME, content)
    signature = encode_base64(KEY.sign(message))
    return request_auth.write(NAME, builders.SERVER_NAME, KEY.key_id, signature)
