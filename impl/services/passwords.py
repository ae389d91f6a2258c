"""Password hashes: argon2id, made and checked in threads, so that the other requests of the worker
go on. Hashes by bcrypt, which Synapse makes, are read.
"""

import unicodedata
from collections.abc import Callable
from typing import TypeVar

import argon2
import bcrypt
import gevent
from argon2.exceptions import InvalidHashError, VerificationError
from gevent.lock import BoundedSemaphore

from impl.app import App

PASSWORD_BYTES_MAX = 512
# At once in a worker: each takes a core and 19 MiB.
AT_ONCE_MAX = 2

# OWASP, "Password Storage Cheat Sheet": the first of the settings for argon2id with little memory.
_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# What is checked where there is no password: to say no must take as long. Nobody knows of what it
# is the hash.
_NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$c29tYS1zb21hLXNvbWEtcw$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

T = TypeVar("T")


class Turns:
    """Who may hash now."""

    def __init__(self, app: App) -> None:
        self.semaphore = BoundedSemaphore(AT_ONCE_MAX)


def hash_password(app: App, password: str) -> str:
    return _in_thread(app, _hasher.hash, _prepared(app, password))


def is_right(app: App, password: str, password_hash: str | None) -> bool:
    """Whether a password is the one; takes as long where there is none."""
    if len(password.encode(errors="surrogatepass")) > PASSWORD_BYTES_MAX:
        return False
    prepared = _prepared(app, password)
    is_same = _in_thread(app, _verify, password_hash or _NOBODY, prepared)
    return is_same and password_hash is not None


def needs_new_hash(password_hash: str) -> bool:
    """Whether it was made by bcrypt, or with settings of old."""
    return not password_hash.startswith("$argon2id$") or _hasher.check_needs_rehash(password_hash)


def _prepared(app: App, password: str) -> bytes:
    # COMPAT(hashes from Synapse): normalised, then the pepper.
    normalised = unicodedata.normalize("NFKC", password)
    return (normalised + app.config.password_config.pepper).encode(errors="surrogatepass")


def _verify(password_hash: str, prepared: bytes) -> bool:
    try:
        if password_hash.startswith("$2"):
            # bcrypt looks at no more than 72 bytes; its library refuses to be given more.
            return bcrypt.checkpw(prepared[:72], password_hash.encode())
        return _hasher.verify(password_hash, prepared)
    except (VerificationError, InvalidHashError, ValueError):
        return False


def _in_thread(app: App, function: Callable[..., T], *arguments: object) -> T:
    with app.part(Turns, Turns).semaphore:
        return gevent.get_hub().threadpool.apply(function, arguments)
