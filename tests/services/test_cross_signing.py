"""Cross-signing on a real database: who may replace what, whose signatures are kept, who sees
them."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.services import accounts, cross_signing, device_keys, sessions
from tests.builders import ALICE, BOB, CHARLIE, a_requester
from tests.keyring import Device, Identity
from tests.services.keys_client import publish, publish_identity, query
from tests.to_device import a_person

PASSWORD = "correct horse"
PHONE, LAPTOP = Device(ALICE, "DEVICE"), Device(ALICE, "LAPTOP")
OURS, THEIRS = Identity(ALICE), Identity(BOB)
NEW = Identity(ALICE, 2)


@pytest.fixture
def people(app: App) -> App:
    accounts.register_user(app, "alice", PASSWORD)
    for device in (PHONE, LAPTOP):
        sessions.begin(app, ALICE, sessions.DeviceWish(device.device_id))
        publish(app, device)
    a_person(app, "bob", "DEVICE")
    a_person(app, "charlie", "DEVICE")
    return app


def upload(app: App, body: dict[str, Any], **requester: Any) -> None:
    cross_signing.upload(app, a_requester(ALICE, **requester), body)


def prove(session: str) -> dict[str, Any]:
    return {"type": "m.login.password", "password": PASSWORD, "session": session}


def sign(app: App, user_id: str, signed: dict[str, Any]) -> dict[str, Any]:
    return cross_signing.sign(app, a_requester(user_id), signed)


def errcodes(failures: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {
        user_id: {name: error["errcode"] for name, error in keys.items()}
        for user_id, keys in failures.items()
    }


def test_the_first_keys_are_free_and_the_same_again(people: App) -> None:
    for _ in range(2):
        publish_identity(people, OURS)
    upload(people, OURS.upload("master", "user_signing"))
    found = query(people, ALICE, alice=[])
    for usage in ("master", "self_signing", "user_signing"):
        stored = found[f"{usage}_keys"][ALICE]
        assert stored["keys"] == OURS.object(usage)["keys"]
    assert found["self_signing_keys"][ALICE] == OURS.object("self_signing")


def test_the_user_signing_key_is_for_its_user(people: App) -> None:
    publish_identity(people, OURS)
    found = query(people, BOB, alice=["NONE"])
    assert found["user_signing_keys"] == {}
    assert found["master_keys"].keys() == found["self_signing_keys"].keys() == {ALICE}


@pytest.mark.parametrize(
    "body", [NEW.upload(), NEW.upload("master"), OURS.upload() | NEW.upload("master")]
)
def test_other_keys_take_a_proof(people: App, body: dict[str, Any]) -> None:
    publish_identity(people, OURS)
    with pytest.raises((errors.UserAuthenticationRequired, errors.InvalidSignature)):
        upload(people, body)
    assert (
        query(people, BOB, alice=[])["master_keys"][ALICE]["keys"] == OURS.object("master")["keys"]
    )


def test_a_new_self_signing_key_takes_a_proof(people: App) -> None:
    publish_identity(people, OURS)
    other = NEW.unsigned_object("self_signing")
    body = {"self_signing_key": OURS.sign(other, "master")}
    with pytest.raises(errors.UserAuthenticationRequired):
        upload(people, body)


@pytest.mark.parametrize("says_it_again", [True, False])
def test_who_proves_it_replaces_the_keys(people: App, says_it_again: bool) -> None:
    publish_identity(people, OURS)
    with pytest.raises(errors.UserAuthenticationRequired) as refused:
        upload(people, NEW.upload())
    session = refused.value.as_json()["session"]
    body = NEW.upload() if says_it_again else {}
    with pytest.raises(errors.UserAuthenticationRequired):
        upload(people, {**body, "auth": {**prove(session), "password": "wrong"}})
    upload(people, {**body, "auth": prove(session)})
    found = query(people, BOB, alice=[])
    assert found["master_keys"][ALICE]["keys"] == NEW.object("master")["keys"]
    assert found["self_signing_keys"][ALICE] == NEW.object("self_signing")


def test_what_the_old_master_key_signed_goes_with_it(people: App) -> None:
    publish_identity(people, OURS)
    with pytest.raises(errors.UserAuthenticationRequired) as refused:
        upload(people, NEW.upload("master"))
    upload(people, {"auth": prove(refused.value.as_json()["session"])})
    found = query(people, ALICE, alice=[])
    assert found["self_signing_keys"] == found["user_signing_keys"] == {}


def test_an_application_service_needs_no_proof(people: App) -> None:
    publish_identity(people, OURS)
    upload(people, NEW.upload(), appservice_id="bridge")
    assert (
        query(people, BOB, alice=[])["master_keys"][ALICE]["keys"] == NEW.object("master")["keys"]
    )


def test_a_key_needs_a_master_key(people: App) -> None:
    with pytest.raises(errors.MissingParam):
        upload(people, OURS.upload("self_signing"))
    with pytest.raises(errors.MissingParam):
        upload(people, {})


@pytest.mark.parametrize("usage", ["self_signing", "user_signing"])
def test_a_key_that_the_master_key_did_not_sign_is_refused(people: App, usage: str) -> None:
    wrong = {**OURS.upload(), f"{usage}_key": NEW.object(usage)}
    bare = {**OURS.upload(), f"{usage}_key": OURS.unsigned_object(usage)}
    for body in (wrong, bare):
        with pytest.raises(errors.InvalidSignature):
            upload(people, body)
    assert query(people, ALICE, alice=[])["master_keys"] == {}


def test_what_is_no_key_is_refused(people: App) -> None:
    twice = {**OURS.upload(), "user_signing_key": OURS.object("self_signing")}
    same = OURS.object("master") | {"usage": ["master", "self_signing"]}
    for body in (
        {"master_key": THEIRS.object("master")},
        {"master_key": OURS.object("self_signing")},
        {"master_key": {}},
        {"master_key": {**OURS.object("master"), "n": 1.5}},
        {"master_key": same, "self_signing_key": OURS.sign(same, "master")},
        twice,
    ):
        with pytest.raises(errors.InvalidParam):
            upload(people, body)


def test_a_key_and_a_device_cannot_have_one_name(people: App) -> None:
    name = OURS.public("self_signing")
    sessions.begin(people, ALICE, sessions.DeviceWish(name))
    with pytest.raises(errors.Forbidden):
        publish_identity(people, OURS)
    sessions.log_out(people, a_requester(ALICE, device_id=name))
    publish_identity(people, OURS)
    with pytest.raises(errors.Forbidden):
        sessions.begin(people, ALICE, sessions.DeviceWish(name))
    sessions.begin(people, BOB, sessions.DeviceWish(name))


def test_a_master_key_may_come_signed_by_devices(people: App) -> None:
    master = PHONE.sign(OURS.object("master"))
    unknown = Device(ALICE, "UNKNOWN").sign(master)
    upload(people, {"master_key": THEIRS.sign(unknown, "user_signing")})
    signatures = query(people, BOB, alice=[])["master_keys"][ALICE]["signatures"]
    assert signatures == unknown["signatures"]
    # No word of what Bob has signed.
    assert signatures.keys() == {ALICE}


def test_a_master_key_with_a_wrong_signature_is_refused(people: App) -> None:
    other = PHONE.sign({**OURS.object("master"), "more": 1})["signatures"]
    with pytest.raises(errors.InvalidSignature):
        upload(people, {"master_key": {**OURS.object("master"), "signatures": other}})


def test_devices_are_signed_and_everybody_sees_it(people: App) -> None:
    publish_identity(people, OURS)
    signed = OURS.sign(PHONE.keys(), "self_signing")
    assert sign(people, ALICE, {ALICE: {"DEVICE": signed}}) == {}
    for viewer in (ALICE, BOB):
        found = query(people, viewer, alice=[])["device_keys"][ALICE]["DEVICE"]
        assert found == {**signed, "unsigned": {}}
    # The device uploads its keys again, and does not know of the signature.
    publish(people, PHONE)
    found = query(people, BOB, alice=[])["device_keys"][ALICE]["DEVICE"]
    assert found["signatures"] == signed["signatures"]
    # Other keys are not signed.
    publish(people, PHONE, identity=PHONE.keys(algorithms=[]))
    found = query(people, BOB, alice=[])["device_keys"][ALICE]["DEVICE"]
    assert found["signatures"] == PHONE.keys(algorithms=[])["signatures"]


def test_devices_sign_their_master_key(people: App) -> None:
    publish_identity(people, OURS)
    master = OURS.public("master")
    for device in (PHONE, LAPTOP):
        signed = device.sign(OURS.object("master"))
        assert sign(people, ALICE, {ALICE: {master: signed}}) == {}
    found = query(people, BOB, alice=[])["master_keys"][ALICE]
    assert found["signatures"][ALICE].keys() == {PHONE.key_id, LAPTOP.key_id}
    # A device that goes takes its signature along.
    sessions.log_out(people, a_requester(ALICE, device_id="LAPTOP"))
    found = query(people, BOB, alice=[])["master_keys"][ALICE]
    assert found["signatures"][ALICE].keys() == {PHONE.key_id}


def test_only_who_signed_another_sees_it(people: App) -> None:
    publish_identity(people, OURS)
    publish_identity(people, THEIRS)
    signed = OURS.sign(THEIRS.object("master"), "user_signing")
    assert sign(people, ALICE, {BOB: {THEIRS.public("master"): signed}}) == {}
    assert query(people, ALICE, bob=[])["master_keys"][BOB] == signed
    for viewer in (BOB, CHARLIE):
        found = query(people, viewer, bob=[], alice=[])["master_keys"][BOB]
        assert ALICE not in found.get("signatures", {})


def test_a_signature_is_void_once_one_of_the_keys_is_replaced(people: App) -> None:
    publish_identity(people, OURS)
    publish_identity(people, THEIRS)
    signed = OURS.sign(THEIRS.object("master"), "user_signing")
    sign(people, ALICE, {BOB: {THEIRS.public("master"): signed}})
    upload(people, NEW.upload(), appservice_id="bridge")
    assert ALICE not in query(people, ALICE, bob=[])["master_keys"][BOB].get("signatures", {})
    signed = NEW.sign(THEIRS.object("master"), "user_signing")
    assert sign(people, ALICE, {BOB: {THEIRS.public("master"): signed}}) == {}
    found = query(people, ALICE, bob=[])["master_keys"][BOB]["signatures"]
    assert found[ALICE].keys() == {f"ed25519:{NEW.public('user_signing')}"}


def test_each_signature_fails_by_itself(people: App) -> None:
    publish_identity(people, OURS)
    publish_identity(people, THEIRS)
    good = OURS.sign(PHONE.keys(), "self_signing")
    laptop = LAPTOP.keys()
    wrong = {**laptop, "signatures": {ALICE: good["signatures"][ALICE]}}
    failures = sign(
        people,
        ALICE,
        {
            ALICE: {
                "DEVICE": good,
                "LAPTOP": wrong,
                "NONE": good,
                "\0": good,
                OURS.public("self_signing"): OURS.object("self_signing"),
            },
            BOB: {
                "DEVICE": good,
                THEIRS.public("master"): OURS.sign(THEIRS.object("master"), "self_signing"),
            },
            CHARLIE: {"KEY": {}},
            "@x:elsewhere.test": {"KEY": {"signatures": 1}},
            "nobody\0": {"KEY": {}},
        },
    )
    assert errcodes(failures) == {
        ALICE: {
            "LAPTOP": "M_INVALID_SIGNATURE",
            "NONE": "M_NOT_FOUND",
            "\0": "M_NOT_FOUND",
            OURS.public("self_signing"): "M_NOT_FOUND",
        },
        BOB: {"DEVICE": "M_NOT_FOUND", THEIRS.public("master"): "M_INVALID_SIGNATURE"},
        CHARLIE: {"KEY": "M_NOT_FOUND"},
        "@x:elsewhere.test": {"KEY": "M_NOT_FOUND"},
        "nobody\0": {"KEY": "M_NOT_FOUND"},
    }
    found = query(people, BOB, alice=[])["device_keys"][ALICE]
    assert found["DEVICE"]["signatures"] == good["signatures"]
    assert found["LAPTOP"]["signatures"] == laptop["signatures"]


@pytest.mark.parametrize("change", [{"algorithms": []}, {"user_id": BOB}, {"signatures": 1}])
def test_what_is_signed_is_what_is_here(people: App, change: dict[str, Any]) -> None:
    publish_identity(people, OURS)
    changed = {**PHONE.keys(), **change}
    if "signatures" not in change:
        changed = OURS.sign(changed, "self_signing")
    failures = sign(people, ALICE, {ALICE: {"DEVICE": changed}})
    assert errcodes(failures) == {ALICE: {"DEVICE": "M_INVALID_PARAM"}}


def test_who_has_no_keys_signs_nothing(people: App) -> None:
    publish_identity(people, THEIRS)
    signed = OURS.sign(PHONE.keys(), "self_signing")
    other = OURS.sign(THEIRS.object("master"), "user_signing")
    failures = sign(
        people, ALICE, {ALICE: {"DEVICE": signed}, BOB: {THEIRS.public("master"): other}}
    )
    assert errcodes(failures) == {
        ALICE: {"DEVICE": "M_NOT_FOUND"},
        BOB: {THEIRS.public("master"): "M_NOT_FOUND"},
    }
    with pytest.raises(errors.InvalidParam):
        sign(people, ALICE, {ALICE: {str(n): {} for n in range(cross_signing.SIGNED_MAX + 1)}})


def test_deactivation_takes_the_keys(people: App) -> None:
    publish_identity(people, OURS)
    accounts.deactivate(people, a_requester(ALICE), erase=False)
    found = query(people, BOB, alice=[])
    assert found["master_keys"] == {} and found["device_keys"][ALICE] == {}


def test_of_two_first_uploads_one_is_free(new_app: Callable[..., App]) -> None:
    one = new_app()
    workers = [one, new_app(one.database.dsn)]
    accounts.register_user(one, "alice", PASSWORD)
    sessions.begin(one, ALICE, sessions.DeviceWish("DEVICE"))
    identities = [Identity(ALICE, generation) for generation in range(6)]

    def first(app: App, identity: Identity) -> bool:
        try:
            publish_identity(app, identity)
        except errors.UserAuthenticationRequired:
            return False
        return True

    jobs = [gevent.spawn(first, workers[n % 2], one) for n, one in enumerate(identities)]
    with gevent.Timeout(60):
        free = [job.get() for job in jobs]
    assert free.count(True) == 1
    found = query(one, ALICE, alice=[])
    winner = identities[free.index(True)]
    assert found["user_signing_keys"][ALICE] == winner.object("user_signing")


def test_signatures_that_come_at_once_are_all_kept(new_app: Callable[..., App]) -> None:
    one = new_app()
    workers = [one, new_app(one.database.dsn)]
    devices = [Device(ALICE, f"D{n}") for n in range(8)]
    a_person(one, "alice", *(device.device_id for device in devices))
    for device in devices:
        publish(one, device)
    publish_identity(one, OURS)
    master = OURS.public("master")

    def vouch(app: App, device: Device) -> None:
        # In both directions, while the device uploads its keys once more.
        signed = {
            device.device_id: OURS.sign(device.keys(), "self_signing"),
            master: device.sign(OURS.object("master")),
        }
        assert sign(app, ALICE, {ALICE: signed}) == {}

    jobs = [gevent.spawn(vouch, workers[n % 2], one) for n, one in enumerate(devices)]
    jobs += [gevent.spawn(publish, workers[n % 2], one) for n, one in enumerate(devices)]
    with gevent.Timeout(60):
        gevent.joinall(jobs, raise_error=True)
    found = query(one, BOB, alice=[])
    signers = found["master_keys"][ALICE]["signatures"][ALICE]
    assert signers.keys() >= {device.key_id for device in devices}
    for keys in found["device_keys"][ALICE].values():
        assert f"ed25519:{OURS.public('self_signing')}" in keys["signatures"][ALICE]
    assert device_keys.upload(one, a_requester(ALICE, device_id="D0"), None, None, None)
