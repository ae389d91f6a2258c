"""POST /keys/device_signing/upload and /keys/signatures/upload, as clients see them."""

from typing import Any

from tests.api.api_client import Answer, User
from tests.keyring import Device, Identity, Json

V3 = "/_matrix/client/v3"


def upload(user: User, body: Json) -> Answer:
    return user.post(f"{V3}/keys/device_signing/upload", body)


def sign(user: User, signed: Json) -> Answer:
    return user.post(f"{V3}/keys/signatures/upload", signed)


def query(user: User, other: User) -> Json:
    return user.post(f"{V3}/keys/query", {"device_keys": {other.user_id: []}}).json


def by_password(user: User, session: str) -> dict[str, Any]:
    identifier = {"type": "m.id.user", "user": user.user_id}
    proof = {"identifier": identifier, "password": user.password, "session": session}
    return {"type": "m.login.password", **proof}


def refused(answer: Answer, status: int, errcode: str, named: str = "") -> None:
    assert (answer.status, answer.errcode) == (status, errcode), answer
    assert named in answer.json["error"]


def test_an_identity_is_set_up_and_seen(alice: User, bob: User) -> None:
    device, identity = Device(alice.user_id, alice.device_id), Identity(alice.user_id)
    alice.post(f"{V3}/keys/upload", {"device_keys": device.keys()})
    for _ in range(2):
        answer = upload(alice, identity.upload())
        assert (answer.status, answer.json) == (200, {})
    signed = {
        device.device_id: identity.sign(device.keys(), "self_signing"),
        identity.public("master"): device.sign(identity.object("master")),
    }
    answer = sign(alice, {alice.user_id: signed})
    assert (answer.status, answer.json) == (200, {"failures": {}})
    found = query(bob, alice)
    assert found["master_keys"] == {alice.user_id: signed[identity.public("master")]}
    assert found["self_signing_keys"] == {alice.user_id: identity.object("self_signing")}
    assert found["user_signing_keys"] == {}
    told = found["device_keys"][alice.user_id][device.device_id]
    assert told["signatures"] == signed[device.device_id]["signatures"]
    own = query(alice, alice)
    assert own["user_signing_keys"] == {alice.user_id: identity.object("user_signing")}


def test_to_replace_an_identity_one_proves_who_one_is(alice: User, bob: User) -> None:
    upload(alice, Identity(alice.user_id).upload())
    new = Identity(alice.user_id, 2)
    answer = upload(alice, new.upload())
    assert answer.status == 401 and answer.json["flows"] == [{"stages": ["m.login.password"]}]
    auth = by_password(alice, answer.json["session"])
    refused(upload(alice, new.upload() | {"auth": {**auth, "password": "no"}}), 401, "M_FORBIDDEN")
    other = Identity(alice.user_id, 3)
    refused(upload(alice, other.upload() | {"auth": auth}), 403, "M_FORBIDDEN")
    assert upload(alice, new.upload() | {"auth": auth}).status == 200
    assert query(bob, alice)["master_keys"][alice.user_id] == new.object("master")


def test_what_is_wrong_with_keys_is_said(alice: User, bob: User) -> None:
    ours, theirs = Identity(alice.user_id), Identity(bob.user_id)
    refused(upload(alice, {}), 400, "M_MISSING_PARAM", "master_key")
    refused(upload(alice, theirs.upload()), 400, "M_INVALID_PARAM", "user_id")
    unsigned = {**ours.upload(), "self_signing_key": ours.unsigned_object("self_signing")}
    refused(upload(alice, unsigned), 400, "M_INVALID_SIGNATURE", "self_signing_key")
    many = {**ours.object("master"), "keys": {"ed25519:a": "a", "ed25519:b": "b"}}
    refused(upload(alice, {"master_key": many}), 400, "M_INVALID_PARAM", "keys")
    refused(upload(alice, {"master_key": 1}), 400, "M_BAD_JSON", "master_key")


def test_a_key_that_has_the_name_of_a_device_is_refused(alice: User) -> None:
    identity = Identity(alice.user_id)
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": "alice"},
        "password": alice.password,
        "device_id": identity.public("user_signing"),
    }
    assert alice.api.post(f"{V3}/login", body).status == 200
    refused(upload(alice, identity.upload()), 403, "M_FORBIDDEN", "user_signing_key")


def test_one_vouches_for_another_and_sees_it_alone(alice: User, bob: User, charlie: User) -> None:
    ours, theirs = Identity(alice.user_id), Identity(bob.user_id)
    upload(alice, ours.upload())
    upload(bob, theirs.upload())
    signed = ours.sign(theirs.object("master"), "user_signing")
    since = alice.get(f"{V3}/sync").json["next_batch"]
    answer = sign(alice, {bob.user_id: {theirs.public("master"): signed}})
    assert (answer.status, answer.json) == (200, {"failures": {}})
    told = alice.get(f"{V3}/sync", {"since": since}).json["device_lists"]
    assert told == {"changed": [bob.user_id], "left": []}
    assert query(alice, bob)["master_keys"][bob.user_id] == signed
    for viewer in (bob, charlie):
        assert query(viewer, bob)["master_keys"][bob.user_id] == theirs.object("master")


def test_signatures_fail_one_by_one(alice: User, bob: User) -> None:
    device, identity = Device(alice.user_id, alice.device_id), Identity(alice.user_id)
    alice.post(f"{V3}/keys/upload", {"device_keys": device.keys()})
    upload(alice, identity.upload())
    wrong = device.keys()
    wrong["signatures"][alice.user_id][f"ed25519:{identity.public('self_signing')}"] = "A" * 86
    answer = sign(alice, {alice.user_id: {device.device_id: wrong, "NONE": wrong}})
    failures = answer.json["failures"][alice.user_id]
    assert answer.status == 200
    assert failures[device.device_id]["errcode"] == "M_INVALID_SIGNATURE"
    assert failures["NONE"]["errcode"] == "M_NOT_FOUND"
    assert sign(alice, {alice.user_id: {"NONE": 1}}).errcode == "M_BAD_JSON"
    assert sign(alice, {}).json == {"failures": {}}
