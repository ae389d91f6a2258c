"""The data directory: what must be there before the server starts, made where it is missing.

soma.lock                     held by the one `soma serve` of this directory
signing.key                   our signing key, where the configuration names no other
registration_shared_secret    for `soma register`, where there is no configuration
server_name                   whose data this is
postgres/                     the embedded PostgreSQL
run/workers                   the page that the workers share
media/
"""

import fcntl
import os
import secrets
from dataclasses import replace
from pathlib import Path

from impl.config import Config, ConfigError
from impl.core.rejection import Malformed
from impl.core.signing import new_signing_key, read_signing_keys, write_signing_key

_SECRET_BYTES = 32
_KEY_VERSION_BYTES = 3


class AlreadyRunning(Exception):
    """Another `soma serve` has the directory."""


def prepare(config: Config) -> None:
    """Make the directory. Raises ConfigError where that is not possible."""
    directory = config.soma.data_dir
    try:
        # Others may pass, but not look: PostgreSQL runs as another user where we are root.
        directory.mkdir(mode=0o711, parents=True, exist_ok=True)
        (directory / "run").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            "soma.data_dir", f"{directory} cannot be made: {error.strerror}"
        ) from None


def lock(config: Config) -> int:
    """Be the only supervisor. Returns the descriptor that holds the lock."""
    descriptor = os.open(config.soma.data_dir / "soma.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise AlreadyRunning(f"another soma serve uses {config.soma.data_dir}") from None
    return descriptor


def is_locked(config: Config) -> bool:
    """Whether a `soma serve` of this directory runs."""
    try:
        os.close(lock(config))
    except AlreadyRunning:
        return True
    except OSError:
        return False  # There is no such directory, or it is not ours to open.
    return False


def check_server_name(config: Config) -> None:
    """A server's name is in all that it ever signed: another name needs another directory."""
    path = config.soma.data_dir / "server_name"
    if not path.exists():
        _write_private(path, config.server_name + "\n")
        return
    name = path.read_text().strip()
    if name != config.server_name:
        raise ConfigError(
            "server_name",
            f"is {config.server_name!r}, but the data in {config.soma.data_dir} is {name!r}'s;"
            " a server cannot change its name",
        )


def ensure_signing_key(config: Config) -> bool:
    """Have a signing key that can be read; says whether it is new."""
    path = config.signing_key_path
    if not path.exists():
        version = "a_" + secrets.token_hex(_KEY_VERSION_BYTES)
        key = new_signing_key(secrets.token_bytes(_SECRET_BYTES), version)
        try:
            _write_private(path, write_signing_key(key))
        except OSError as error:
            raise ConfigError("signing_key_path", f"{path}: {error.strerror}") from None
        return True
    try:
        read_signing_keys(path.read_text())
    except (OSError, Malformed, UnicodeDecodeError) as error:
        raise ConfigError("signing_key_path", f"{path} holds no signing key: {error}") from None
    return False


def with_shared_secret(config: Config, has_file: bool, may_make: bool = True) -> Config:
    """The configuration with the secret from its file, which is made where it is missing."""
    path = config.registration_shared_secret_path
    if path is None and not has_file:
        path = config.soma.data_dir / "registration_shared_secret"
    if path is None or config.registration_shared_secret:
        return config
    try:
        if not path.exists():
            if not may_make:
                return config
            _write_private(path, secrets.token_urlsafe(_SECRET_BYTES) + "\n")
        secret = path.read_text().strip()
    except OSError as error:
        key = "registration_shared_secret_path"
        raise ConfigError(key, f"{path}: {error.strerror}") from None
    return replace(config, registration_shared_secret=secret or None)


def _write_private(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
