"""Child processes in which images are made smaller."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent import socket

from impl.core.thumbnails import Form
from impl.services.media import image_process, image_program
from impl.services.media.image_process import ImageProcess, ImageProcesses, ProcessFailed
from tests import hub_stretches
from tests.services.media import pictures
from tests.services.media.processes import computed_s

SCALED = Form(40, 40, "scale")
PIXELS_MAX = 32 << 20


@pytest.fixture
def processes() -> Iterator[ImageProcesses]:
    config = SimpleNamespace(media=SimpleNamespace(max_image_pixels=PIXELS_MAX))
    processes = ImageProcesses(SimpleNamespace(config=config))  # type: ignore[arg-type]
    yield processes
    processes.stop()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(pictures.encoded(pictures.quadrants(200, 100), "PNG"))
    return path


def _ask(process: ImageProcess, path: Path, asked: Form = SCALED) -> tuple[dict[str, Any], bytes]:
    header = process.ask(path, asked, None)
    return header, b"".join(process.content(header.get("size", 0)))


def test_it_answers_one_after_the_other(processes: ImageProcesses, image: Path) -> None:
    pids = set()
    for side in (40, 50):
        with processes.one() as process:
            header, content = _ask(process, image, Form(side, side, "scale"))
            pids.add(process.pid)
        assert header["image"] == [200, 100, "image/png", False]
        assert header["form"] == [side, side // 2, "scale", False]
        assert header["content_type"] == "image/png"
        assert pictures.read(content).size == (side, side // 2)
    assert len(pids) == 1


def test_it_says_why_there_is_none(processes: ImageProcesses, image: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"hello")
    (tmp_path / "large").write_bytes(pictures.encoded(pictures.quadrants(6000, 6000, "1"), "PNG"))
    with processes.one() as process:
        assert _ask(process, tmp_path / "text")[0] == {"error": image_program.NOT_AN_IMAGE}
        assert _ask(process, tmp_path / "large")[0] == {"error": image_program.TOO_MANY_PIXELS}
        assert "error" not in _ask(process, image)[0]


def test_one_that_dies_is_no_loss_for_the_next(processes: ImageProcesses, image: Path) -> None:
    with pytest.raises(ProcessFailed), processes.one() as process:
        os.kill(process.pid, signal.SIGSEGV)
        _ask(process, image)
    with processes.one() as process:
        assert "error" not in _ask(process, image)[0]


def test_one_that_computes_for_too_long_ends(image: Path, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(pictures.encoded(pictures.quadrants(5000, 5000), "PNG", compress_level=1))
    process = ImageProcess(PIXELS_MAX, 0.4)
    try:
        # Each image has that time, and not all of them together.
        began_s = computed_s(process)
        while computed_s(process) < began_s + 0.5:
            assert "error" not in _ask(process, image)[0]
        with pytest.raises(ProcessFailed):
            _ask(process, large, Form(4900, 4900, "scale"))
    finally:
        process.end()


def test_one_that_stands_still_is_ended(
    processes: ImageProcesses, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with processes.one() as process:
        _ask(process, image)
        pid = process.pid
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(image_process, "_ANSWER_S_MAX", 0.05)
    with pytest.raises(ProcessFailed), processes.one() as process:
        assert process.pid == pid
        _ask(process, image)
    _wait_until_gone(pid)


def test_it_has_so_much_memory_and_writes_no_files(image: Path) -> None:
    process = ImageProcess(1000)
    try:
        _ask(process, image)
        limits = Path(f"/proc/{process.pid}/limits").read_text().splitlines()
        named = {line[:26].strip(): line[26:].split()[:2] for line in limits}
        memory = str((512 << 20) + 16_000)
        assert named["Max address space"] == [memory, memory]
        assert named["Max file size"] == ["0", "0"]
        assert named["Max core file size"] == ["0", "0"]
    finally:
        process.end()


def test_it_inherits_neither_passwords_nor_connections(
    processes: ImageProcesses, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMA_SECRET", "a secret")
    with socket.socket() as listener, processes.one() as process:
        listener.bind(("127.0.0.1", 0))
        _ask(process, image)
        proc = Path(f"/proc/{process.pid}")
        assert b"SOMA_SECRET" not in (proc / "environ").read_bytes()
        assert {path.name for path in (proc / "fd").iterdir()} == {"0", "1", "2"}


def test_it_ends_when_its_worker_is_gone(image: Path) -> None:
    process = ImageProcess(PIXELS_MAX)
    _ask(process, image)
    process._file.close()
    process._ours.close()
    _wait_until_gone(process.pid)


def test_a_new_one_comes_after_many_images_and_after_a_pause(
    processes: ImageProcesses, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_process, "IMAGES_MAX", 2)
    pids = []
    for _ in range(3):
        with processes.one() as process:
            _ask(process, image)
            pids.append(process.pid)
    assert pids[0] == pids[1] != pids[2]
    monkeypatch.setattr(image_process, "_IDLE_S_MAX", 0)
    with processes.one() as process:
        assert process.pid != pids[2]


def test_there_are_only_so_many_at_a_time(processes: ImageProcesses, image: Path) -> None:
    under_way, most = 0, 0

    def ask() -> None:
        nonlocal under_way, most
        with processes.one() as process:
            under_way += 1
            most = max(most, under_way)
            _ask(process, image)
            under_way -= 1

    gevent.joinall([gevent.spawn(ask) for _ in range(8)], raise_error=True)
    assert most == image_process.PROCESSES_MAX


def test_others_go_on_while_a_large_image_is_made_smaller(
    processes: ImageProcesses, tmp_path: Path
) -> None:
    path = tmp_path / "large"
    path.write_bytes(pictures.encoded(pictures.quadrants(4000, 4000), "PNG", compress_level=1))
    with hub_stretches.watching() as stretches, processes.one() as process:
        header, _ = _ask(process, path)
    assert header["form"] == [40, 40, "scale", False]
    assert not stretches.longer_than(0.05)


def _wait_until_gone(pid: int) -> None:
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s:
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return
        except ChildProcessError:
            return
        gevent.sleep(0.01)
    raise AssertionError("it goes on")
