"""The log: one line per record on standard error, as key=value text or as JSON.

Fields that a caller gives with `extra=` follow the message. What looks like a secret is masked, as
a last resort: nobody should log one.

A worker writes its lines some at a time, a second late at most, unless one of them is a warning: a
system call for each request would be a tenth of what the cheap ones cost."""

import contextlib
import functools
import json
import logging
import re
import sys
import time
from typing import TextIO

# What every record has; the rest are the caller's own fields, which are added after these.
_STANDARD_COUNT = len(vars(logging.makeLogRecord({})))
# What other formatters leave on a record.
_LEFT = ("message", "asctime")
_SECRET = re.compile(
    # In JSON the quotes of the message are escaped.
    r"((?:access_token|refresh_token|password|secret|hs_token|as_token)\\*[\"']?\s*[=:]\s*\\*[\"']?"
    r"|Bearer )[^\s&\"',}\\]+",
    re.IGNORECASE,
)
HELD_MAX = 50
_NEEDS_QUOTES = re.compile(r'[\s="\\]|^$')


def set_up(level: str, form: str, stream: TextIO | None = None) -> None:
    """Direct all logging of this process, and of those forked from it."""
    handler = LineHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def hold_lines() -> None:
    """From now on this process writes its lines some at a time; it flushes the handlers itself."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LineHandler):
            handler.held = []


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines at once, or holds back some."""

    # None: at once.
    held: list[str] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self.held is None or record.levelno >= logging.WARNING:
            self.flush()
            super().emit(record)
            return
        try:
            self.held.append(self.format(record))
        except Exception:
            self.handleError(record)
        if len(self.held) >= HELD_MAX:
            self.flush()

    def flush(self) -> None:
        # A log that cannot be written, on a full disk say, fails no request and ends no worker.
        with contextlib.suppress(OSError, ValueError):
            if self.held:
                lines, self.held = self.held, []
                self.stream.write("\n".join(lines) + "\n")
            super().flush()


def masked(text: str) -> str:
    """The text without the values of secrets."""
    # Looked for one by one, in whatever case the first letter is: the pattern costs ten times that.
    if "oken" in text or "assword" in text or "ecret" in text or "earer" in text:
        return _SECRET.sub(r"\1<masked>", text)
    return text


class TextFormatter(logging.Formatter):
    """2026-01-31T12:00:00.123Z INFO impl.web.request_log [812] message key=value"""

    def format(self, record: logging.LogRecord) -> str:
        parts = [
            f"{_instant(record)} {record.levelname} {record.name} [{record.process}]",
            _one_line(record.getMessage()),
        ]
        parts += [f"{name}={_quoted(value)}" for name, value in _fields(record)]
        text = " ".join(parts)
        if record.exc_info and record.exc_info[0] is not None:
            text += "\n" + self.formatException(record.exc_info)
        return masked(text)


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": _instant(record),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        entry.update(_fields(record))
        if record.exc_info and record.exc_info[0] is not None:
            entry["traceback"] = self.formatException(record.exc_info)
        return masked(json.dumps(entry, default=str))


def _fields(record: logging.LogRecord) -> list[tuple[str, object]]:
    added = list(vars(record).items())[_STANDARD_COUNT:]
    return [field for field in added if field[0] not in _LEFT]


@functools.lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _instant(record: logging.LogRecord) -> str:
    return f"{_second(int(record.created))}.{int(record.msecs):03d}Z"


def _one_line(text: str) -> str:
    """Without what would begin another line, or move the cursor of who reads it: names of users and
    events on other servers may hold anything.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def _quoted(value: object) -> str:
    text = str(value)
    if type(value) is int or text.isalnum():
        return text
    return json.dumps(text) if _NEEDS_QUOTES.search(text) else text
