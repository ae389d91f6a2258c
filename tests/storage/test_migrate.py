"""Migrations: applied once, in order, by whoever comes first; never edited; and schema.sql says
what they come to.
"""

import re
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest

from impl.storage import migrate
from tests.conftest import schema_dump

SCHEMA = Path(migrate.__file__).parent / "schema.sql"


def execute(dsn: str, sql: str) -> None:
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
    connection.close()


def test_a_second_run_finds_nothing_to_do(new_database: Callable[[], str]) -> None:
    assert migrate.migrate(new_database()) == []


def test_a_file_that_was_edited_stops_the_start(new_database: Callable[[], str]) -> None:
    dsn = new_database()
    execute(dsn, "UPDATE schema_migrations SET checksum = 'another' WHERE name LIKE '0002%'")
    with pytest.raises(migrate.MigrationError, match="0002_rooms.sql was changed"):
        migrate.migrate(dsn)


def test_a_database_newer_than_the_program_stops_the_start(
    new_database: Callable[[], str],
) -> None:
    dsn = new_database()
    execute(dsn, "INSERT INTO schema_migrations (name, checksum) VALUES ('9999_later.sql', 'x')")
    with pytest.raises(migrate.MigrationError, match="newer"):
        migrate.migrate(dsn)


def test_a_migration_that_fails_leaves_nothing(
    new_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = new_database()
    for path in migrate.MIGRATIONS.glob("*.sql"):
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "9000_half.sql").write_text("CREATE TABLE half (x INT); SELECT nonsense;")
    monkeypatch.setattr(migrate, "MIGRATIONS", tmp_path)
    with pytest.raises(migrate.MigrationError, match=re.escape("9000_half.sql")):
        migrate.migrate(dsn)
    (tmp_path / "9000_half.sql").write_text("CREATE TABLE half (x INT);")
    assert migrate.migrate(dsn) == ["9000_half.sql"]


def test_schema_sql_is_what_the_migrations_come_to(new_database: Callable[[], str]) -> None:
    assert SCHEMA.read_text() == schema_dump(new_database()), "run: python -m tests.schema"
