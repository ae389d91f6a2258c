"""Leases: one holder at a time, and none who has lost the connection."""

from collections.abc import Callable, Iterator

import pytest

from impl.storage.database import Database, DatabaseUnavailable
from impl.storage.lease import Lease

Databases = list[Database]


@pytest.fixture
def databases(new_database: Callable[[], str]) -> Iterator[Databases]:
    """Two processes' ways to one database."""
    dsn = new_database()
    both = [Database(dsn), Database(dsn)]
    yield both
    for one in both:
        one.close()


def end_connections(database: Database, holding: str) -> int:
    with database.read() as txn:
        txn.execute(
            """
            SELECT count(pg_terminate_backend(a.pid))
              FROM pg_stat_activity a
              JOIN pg_locks l USING (pid)
             WHERE l.locktype = 'advisory'
               AND l.objid::int8 = hashtext(%s)::int8 & 4294967295
               AND a.datname = current_database()
            """,
            (holding,),
        )
        return txn.fetchone()[0]


def test_one_has_it_until_it_lets_go(databases: Databases) -> None:
    one, other = (Lease(database, "work") for database in databases)
    assert one.hold() and one.hold()
    assert not other.hold()
    one.release()
    assert other.hold()
    assert not one.hold()
    other.release()


def test_leases_of_different_names_are_apart(databases: Databases) -> None:
    one, other = Lease(databases[0], "work"), Lease(databases[1], "other work")
    assert one.hold() and other.hold()
    one.release()
    other.release()


def test_it_is_lost_with_its_connection_and_the_holder_is_told(databases: Databases) -> None:
    one, other = (Lease(database, "work") for database in databases)
    assert one.hold()
    assert end_connections(databases[1], "work") == 1
    with pytest.raises(DatabaseUnavailable, match="'work' is lost"):
        one.hold()
    assert other.hold()
    assert not one.hold()
    other.release()
    assert one.hold()
    one.release()
