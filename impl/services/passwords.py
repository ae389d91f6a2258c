"""Password hashes: argon2id, made and checked in threads, so that the other requests of the worker go on."""

import argon2
import gevent
from argon2.exceptions import InvalidHashError, VerificationError

from impl.app import App

PASSWORD_BYTES_MAX = 512

# RFC 9106, "Parameter Choice", the second recommended option, with one lane: a worker has one core.
_hasher = argon2.PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
# What is checked where there is no password: to say no must take as long.
_NOBODY = _hasher.hash("nobody's password")


def hash_password(app: App, password: str) -> str:
    return _in_thread(_hasher.hash, password + app.config.password_config.pepper)


def is_right(app: App, password: str, password_hash: str | None) -> bool:
    """Whether a password is the one; takes as long where there is none."""
    if len(password.encode(errors="surrogatepass")) > PASSWORD_BYTES_MAX:
        return False
    return _in_thread(
        _verify, password_hash or _NOBODY, password + app.config.password_config.pepper
    ) and bool(password_hash)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _in_thread(function, *arguments):  # type: ignore[no-untyped-def]
    return gevent.get_hub().threadpool.apply(function, arguments)
