"""Bring the database to the newest schema.

migrations/NNNN_name.sql are applied in order, each in its own transaction, all under one
advisory lock, so that any number of processes may start at the same time. A file that
begins with "-- no-transaction" runs outside a transaction (for CREATE INDEX CONCURRENTLY):
it holds one statement, since PostgreSQL runs several in one transaction, and must be safe
to run twice.

A released file is never edited: its checksum is stored, and a difference stops the start.
"""

import hashlib
import time
from pathlib import Path

import psycopg2

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_KEY = 0x6D6174726978  # "matrix"


class MigrationError(Exception):
    pass


def migrate(dsn: str) -> list[str]:
    """Apply what is missing and return the names of the files applied."""
    try:
        connection = psycopg2.connect(dsn)
    except psycopg2.OperationalError as error:
        raise MigrationError(f"cannot connect to the database: {error}") from None
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            _lock(cursor)
            applied = _read_applied(cursor)
            missing = _check(_files(), applied)
            for path in missing:
                _apply(cursor, path)
            return [path.name for path in missing]
    finally:
        connection.close()  # Also releases the advisory lock.


def _lock(cursor) -> None:
    # Poll. A blocking pg_advisory_lock() would hold a snapshot while it waits, and the
    # CREATE INDEX CONCURRENTLY of the process that has the lock would wait for that
    # snapshot: PostgreSQL ends this with "deadlock detected".
    while True:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", (LOCK_KEY,))
        if cursor.fetchone()[0]:
            return
        time.sleep(0.2)


def _files() -> list[Path]:
    return sorted(MIGRATIONS.glob("[0-9][0-9][0-9][0-9]_*.sql"))


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_applied(cursor) -> dict[str, str]:
    cursor.execute(
        """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            name       TEXT        NOT NULL PRIMARY KEY,
            checksum   TEXT        NOT NULL,
            applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
        )
        """
    )
    cursor.execute("SELECT name, checksum FROM schema_migrations")
    return dict(cursor.fetchall())


def _check(files: list[Path], applied: dict[str, str]) -> list[Path]:
    names = {path.name for path in files}
    if unknown := sorted(set(applied) - names):
        raise MigrationError(f"the database is newer than this program: {unknown}")
    for path in files:
        if path.name in applied and applied[path.name] != _checksum(path):
            raise MigrationError(f"{path.name} was changed after it was applied")
    return [path for path in files if path.name not in applied]


def _apply(cursor, path: Path) -> None:
    sql = path.read_text()
    in_transaction = not sql.startswith("-- no-transaction")
    if in_transaction:
        cursor.execute("BEGIN")
    try:
        cursor.execute(sql)
        cursor.execute(
            "INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)",
            (path.name, _checksum(path)),
        )
    except psycopg2.Error as error:
        if in_transaction:
            cursor.execute("ROLLBACK")
        raise MigrationError(f"{path.name}: {error}") from error
    if in_transaction:
        cursor.execute("COMMIT")
