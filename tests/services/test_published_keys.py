"""Published keys are kept in each worker's memory: nobody is told of old ones."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl.app import App
from impl.services import accounts, cross_signing, devices, published_keys, sessions
from impl.storage import key_queries
from impl.storage.database import Transaction
from tests.builders import ALICE, BOB, a_requester
from tests.keyring import Device, Identity, Json
from tests.services.keys_client import publish, publish_identity, query
from tests.to_device import a_person

PHONE, LAPTOP = Device(ALICE, "PHONE"), Device(ALICE, "LAPTOP")
OURS, THEIRS = Identity(ALICE), Identity(BOB)
SERVICE = a_requester(ALICE, appservice_id="bridge")


@pytest.fixture
def workers(new_app: Callable[..., App]) -> list[App]:
    """Two, both of which have told Bob of Alice's keys."""
    one = new_app()
    a_person(one, "alice", "PHONE", "LAPTOP")
    a_person(one, "bob", "DEVICE")
    publish(one, PHONE)
    publish_identity(one, OURS)
    publish_identity(one, THEIRS)
    both = [one, new_app(one.database.dsn)]
    for app in both:
        query(app, BOB, alice=[])
    return both


def vouch(app: App, by: Identity, of: Identity) -> None:
    signed = by.sign(of.object("master"), "user_signing")
    asker = a_requester(by.user_id)
    assert cross_signing.sign(app, asker, {of.user_id: {of.public("master"): signed}}) == {}


def of_alice(app: App) -> Json:
    found = query(app, BOB, alice=[])
    return {name: found[name].get(ALICE) for name in found if name != "failures"}


def rename(app: App) -> None:
    devices.put(app, a_requester(ALICE, device_id="PHONE"), "PHONE", "a telephone")


def sign_device(app: App) -> None:
    signed = OURS.sign(PHONE.keys(), "self_signing")
    assert cross_signing.sign(app, a_requester(ALICE), {ALICE: {"PHONE": signed}}) == {}


def sign_master(app: App) -> None:
    signed = PHONE.sign(OURS.object("master"))
    asker = a_requester(ALICE)
    assert cross_signing.sign(app, asker, {ALICE: {OURS.public("master"): signed}}) == {}


CHANGES: dict[str, Callable[[App], object]] = {
    "a new device": lambda app: publish(app, LAPTOP),
    "other keys": lambda app: publish(app, PHONE, identity=PHONE.keys(algorithms=[])),
    "another name": rename,
    "a device logged out": lambda app: sessions.log_out(app, a_requester(ALICE, device_id="PHONE")),
    "a signed device": sign_device,
    "a signed master key": sign_master,
    "another identity": lambda app: cross_signing.upload(app, SERVICE, Identity(ALICE, 2).upload()),
    "a vouched user": lambda app: vouch(app, THEIRS, OURS),
    "the end": lambda app: accounts.deactivate(app, a_requester(ALICE), erase=False),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_one_worker_answered_for_all_tell(workers: list[App], what: str) -> None:
    before = of_alice(workers[1])
    CHANGES[what](workers[0])
    after = of_alice(workers[1])
    assert after != before
    assert after == of_alice(workers[0])


def test_the_identity_of_who_has_no_device_goes_as_well(workers: list[App]) -> None:
    assert of_alice(workers[1])["master_keys"] is not None
    sessions.log_out_all(workers[0], a_requester(ALICE, device_id="PHONE"))
    assert of_alice(workers[1])["master_keys"] is not None
    accounts.deactivate(workers[0], a_requester(ALICE), erase=False)
    assert of_alice(workers[1])["master_keys"] is None


def test_whom_one_worker_told_of_a_change_finds_it_at_another(workers: list[App]) -> None:
    one, two = workers
    # Neither hears of anything by itself.
    gevent.killall(one.news._greenlets + two.news._greenlets)
    # What was committed is heard of before the worker that did it has written it into the page.
    one.database.on_allotted = lambda position: None
    publish(one, LAPTOP)
    assert of_alice(two)["device_keys"].keys() == {"PHONE"}
    one.news.catch_up()
    assert of_alice(two)["device_keys"].keys() == {"PHONE", "LAPTOP"}


def test_what_was_read_while_it_changed_is_not_kept(
    workers: list[App], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = workers
    publish(one, PHONE, identity=PHONE.keys(algorithms=[]))
    find = key_queries.find

    def find_too_early(txn: Any, user_ids: Any) -> Any:
        rows = find(txn, user_ids)
        monkeypatch.setattr(key_queries, "find", find)
        publish(one, LAPTOP)
        two.news.catch_up()
        return rows

    monkeypatch.setattr(key_queries, "find", find_too_early)
    assert of_alice(two)["device_keys"].keys() == {"PHONE"}
    assert of_alice(two)["device_keys"].keys() == {"PHONE", "LAPTOP"}


def test_what_is_kept_is_not_read_again_until_rows_were_skipped(
    workers: list[App], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = workers[0]
    told = query(app, ALICE, alice=[], bob=[], nobody=[])
    seen: list[str] = []
    execute = Transaction.execute

    def noting(self: Transaction, sql: str, *rest: Any) -> None:
        seen.append(sql)
        execute(self, sql, *rest)

    monkeypatch.setattr(Transaction, "execute", noting)
    assert query(app, ALICE, alice=[], bob=[], nobody=[]) == told
    assert [sql for sql in seen if "cross_signing_keys" in sql] == []
    app.news._forget_all(app.news.position)
    assert query(app, ALICE, alice=[], bob=[], nobody=[]) == told
    assert len([sql for sql in seen if "cross_signing_keys" in sql]) == 1


def test_what_is_kept_is_bounded(workers: list[App], monkeypatch: pytest.MonkeyPatch) -> None:
    app = workers[0]
    told = [query(app, BOB, alice=[]), query(app, BOB, bob=[])]
    kept = published_keys.of(app)
    size = kept._size
    assert size == sum(one.size for one in kept._users.values()) > 1000
    monkeypatch.setattr(published_keys, "KEPT_BYTES_MAX", size - 1)
    query(app, BOB, **{f"nobody{n}": [] for n in range(100)})
    assert kept._size == sum(one.size for one in kept._users.values()) < size
    assert [query(app, BOB, alice=[]), query(app, BOB, bob=[])] == told


def test_a_signature_of_a_master_key_that_was_replaced_is_not_shown(workers: list[App]) -> None:
    vouch(workers[0], THEIRS, OURS)
    for app in workers:
        assert BOB in query(app, BOB, alice=[])["master_keys"][ALICE]["signatures"]
    cross_signing.upload(workers[0], SERVICE, Identity(ALICE, 2).upload())
    for app in workers:
        assert BOB not in query(app, BOB, alice=[])["master_keys"][ALICE].get("signatures", {})


def test_a_signature_stands_beside_those_of_the_owner(workers: list[App]) -> None:
    sign_master(workers[0])
    vouch(workers[0], THEIRS, OURS)
    for app in workers:
        signatures = query(app, BOB, alice=[])["master_keys"][ALICE]["signatures"]
        assert signatures == {
            **PHONE.sign(OURS.object("master"))["signatures"],
            **THEIRS.sign(OURS.object("master"), "user_signing")["signatures"],
        }
        seen = query(app, ALICE, alice=[])["master_keys"][ALICE]["signatures"]
        assert seen.keys() == {ALICE}
