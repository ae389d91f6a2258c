"""The log's two forms, and what it hides."""

import errno
import io
import json
import logging
from collections.abc import Iterator

import pytest

from impl.supervisor import logs


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def written(form: str, *arguments: object, **options: object) -> str:
    stream = io.StringIO()
    logs.set_up("info", form, stream)
    logging.getLogger("test").info(*arguments, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def test_text_has_the_fields_after_the_message() -> None:
    line = written("text", "served %s", "it", extra={"status": 200, "path": "/a b", "empty": ""})
    assert line.endswith('served it status=200 path="/a b" empty=""\n')
    assert " INFO test [" in line


def test_no_message_begins_another_line() -> None:
    line = written("text", "from %s: é\u202e", "@a\r\n2026 INFO x\x1b[2J\u2028\x85:b")
    assert line.count("\n") == 1
    assert line.endswith("from @a\\r\\n2026 INFO x\\x1b[2J\\u2028\\x85:b: é\\u202e\n")


def test_json_is_one_object_per_line() -> None:
    entry = json.loads(written("json", "two\nlines", extra={"status": 200}))
    assert (entry["message"], entry["status"], entry["level"]) == ("two\nlines", 200, "INFO")


def test_a_traceback_follows() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        assert "ValueError: why" in written("text", "failed", exc_info=True)


@pytest.mark.parametrize(
    "text",
    [
        "GET /sync?access_token=hush&since=1",
        "Authorization: Bearer hush",
        '{"password": "hush"}',
        "registration_shared_secret: hush",
        "Refresh_Token=hush",
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_are_masked(text: str, form: str) -> None:
    assert "hush" not in written(form, text)


def test_held_lines_come_in_their_order_and_before_a_warning() -> None:
    stream = io.StringIO()
    logs.set_up("info", "text", stream)
    logs.hold_lines()
    log = logging.getLogger("test")
    log.info("one")
    log.info("two")
    assert stream.getvalue() == ""
    log.warning("three")
    assert [line.split()[-1] for line in stream.getvalue().splitlines()] == ["one", "two", "three"]


def test_held_lines_are_written_when_there_are_many_or_on_a_flush() -> None:
    stream = io.StringIO()
    logs.set_up("info", "text", stream)
    logs.hold_lines()
    for number in range(logs.HELD_MAX + 1):
        logging.getLogger("test").info("%d", number)
    assert len(stream.getvalue().splitlines()) == logs.HELD_MAX
    logging.getLogger().handlers[0].flush()
    assert len(stream.getvalue().splitlines()) == logs.HELD_MAX + 1


class _FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "no space left")


@pytest.mark.parametrize("number", [logs.HELD_MAX, 1])
def test_a_log_that_cannot_be_written_raises_nothing(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logs.set_up("info", "text", _FullDisk())
    logs.hold_lines()
    for _ in range(number):
        logging.getLogger("test").info("one")
    logging.getLogger("test").warning("two")
    logging.getLogger().handlers[0].flush()
    assert logging.getLogger().handlers[0].held == []  # type: ignore[attr-defined]
