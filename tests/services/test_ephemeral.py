"""The batch of short-lived writes: one commit for many, and each has its own outcome."""

from typing import Any

import gevent
import pytest

from impl.app import App
from impl.services import ephemeral
from impl.services.ephemeral import Ephemeral
from impl.storage.database import DatabaseUnavailable
from tests.builders import ALICE, BOB


def transaction_of(into: dict[str, int], name: str) -> ephemeral.Write:
    def write(txn: Any) -> None:
        txn.execute("SELECT txid_current()")
        into[name] = txn.fetchone()[0]

    return write


def test_what_is_asked_for_together_is_one_commit(app: App) -> None:
    seen: dict[str, int] = {}
    writes = [(("test", name), transaction_of(seen, name), 0) for name in (ALICE, BOB)]
    ephemeral.submit_all(app, writes)
    assert seen[ALICE] == seen[BOB]


def test_writes_are_run_in_the_order_of_their_keys_in_every_worker(app: App) -> None:
    order: list[str] = []
    names = [BOB, ALICE]
    writes = [(("test", name), lambda txn, name=name: order.append(name), 0) for name in names]
    ephemeral.submit_all(app, writes)
    assert order == [ALICE, BOB]


def test_what_one_write_meets_is_not_the_others(app: App) -> None:
    def fail(txn: Any) -> None:
        txn.execute("SELECT 1/0")

    seen: dict[str, int] = {}
    part = app.part(Ephemeral, Ephemeral)
    bad = part.add(("test", ALICE), fail, 0)
    good = part.add(("test", BOB), transaction_of(seen, BOB), 0)
    gevent.wait([good, bad], timeout=10)
    assert good.successful()
    assert not bad.successful()
    assert BOB in seen


def test_of_several_with_one_key_the_highest_rank_is_run(app: App) -> None:
    run: list[int] = []
    for rank in (1, 3, 2):
        app.part(Ephemeral, Ephemeral).add(("test",), lambda txn, r=rank: run.append(r), rank)
    ephemeral.submit(app, ("test", "after"), lambda txn: None)
    assert run == [3]


def test_a_database_that_is_away_is_told_to_all_at_once(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def away() -> Any:
        tries.append("try")
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(app.database, "transaction", away)
    part = app.part(Ephemeral, Ephemeral)
    results = [part.add(("test", name), lambda txn: None, 0) for name in (ALICE, BOB)]
    gevent.wait(results, timeout=10)
    assert [type(result.exception) for result in results] == [DatabaseUnavailable] * 2
    assert tries == ["try"]
