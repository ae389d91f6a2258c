"""The memory page of a machine's workers."""

from pathlib import Path

import pytest

from impl.storage.worker_page import WorkerPage


@pytest.fixture
def path(tmp_path: Path) -> Path:
    WorkerPage.create(tmp_path / "workers", 4)
    return tmp_path / "workers"


def test_what_one_worker_writes_all_see(path: Path) -> None:
    one, other = WorkerPage(path, 0), WorkerPage(path, 3)
    one.advance(7)
    assert other.newest() == 7
    other.advance(9)
    assert one.newest() == 9


def test_a_position_never_goes_back(path: Path) -> None:
    page = WorkerPage(path, 1)
    page.advance(9)
    page.advance(7)
    assert page.newest() == 9


def test_a_worker_that_takes_over_a_slot_goes_on_from_there(path: Path) -> None:
    WorkerPage(path, 2).advance(11)
    WorkerPage(path, 2).revoke()
    successor = WorkerPage(path, 2)
    assert (successor.newest(), successor.revocations()) == (11, 1)


def test_each_revocation_moves_the_count(path: Path) -> None:
    one, other = WorkerPage(path, 0), WorkerPage(path, 1)
    one.revoke()
    other.revoke()
    assert one.revocations() == other.revocations() == 2


def test_rates_are_shared(path: Path) -> None:
    WorkerPage(path, 0).rate_slots[65_535] = 1.5
    assert WorkerPage(path, 1).rate_slots[65_535] == 1.5


@pytest.mark.parametrize("slot", [-1, 4])
def test_a_slot_that_is_not_there_is_refused(path: Path, slot: int) -> None:
    with pytest.raises(ValueError, match="slot"):
        WorkerPage(path, slot)


def test_a_file_that_is_not_a_page_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"\0" * 4096)
    with pytest.raises(ValueError, match="not a worker page"):
        WorkerPage(tmp_path / "other", 0)
