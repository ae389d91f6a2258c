"""Files of media that may lie on the disk without a row of theirs. Table: media_loose_files.

What is noted here has no row in `media`, and what has a row is not noted here: both change in one
transaction. So what a killed process leaves is found without a look at the disk."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class LooseFile(NamedTuple):
    """Where it lies: media_files.py."""

    origin: str
    file_id: str


def insert(txn: Any, file: LooseFile, now_ms: int) -> None:
    """A file will be there soon. Nobody waits for the disk to have the note: what may be lost with
    the machine's power is an hour's disk space, not a file that is known. Both statements go
    together, and are one transaction where there is none.
    """
    txn.execute(
        """
        SET LOCAL synchronous_commit = off;
        INSERT INTO media_loose_files (origin, file_id, since_ts, is_doomed)
             VALUES (%s, %s, %s, FALSE)
        """,
        (*file, now_ms),
    )


def delete(txn: Any, file: LooseFile) -> bool:
    """The file has a row now. False: it may not have one any more."""
    txn.execute(
        """
        DELETE FROM media_loose_files
              WHERE origin = %s AND file_id = %s AND NOT is_doomed
        """,
        file,
    )
    return bool(txn.rowcount == 1)


def doom(txn: Any, files: Sequence[LooseFile], now_ms: int) -> None:
    """The files had rows, or should have had them, and are to be deleted."""
    txn.execute_values(
        """
        INSERT INTO media_loose_files (origin, file_id, since_ts, is_doomed) VALUES %s
            ON CONFLICT (origin, file_id) DO UPDATE SET is_doomed = TRUE
        """,
        [(*file, now_ms, True) for file in files],
    )


def doom_old(txn: Any, before_ts: int) -> None:
    """Who noted these has been gone for long."""
    txn.execute(
        "UPDATE media_loose_files SET is_doomed = TRUE WHERE since_ts < %s AND NOT is_doomed",
        (before_ts,),
    )


def list_doomed(txn: Any, after: LooseFile, limit: int) -> list[LooseFile]:
    """Those to be deleted, in their order."""
    txn.execute(
        """
        SELECT origin, file_id
          FROM media_loose_files
         WHERE is_doomed AND (origin, file_id) > (%s, %s)
         ORDER BY origin, file_id
         LIMIT %s
        """,
        (*after, limit),
    )
    return [LooseFile(*row) for row in txn.fetchall()]


def delete_doomed(txn: Any, files: Sequence[LooseFile]) -> None:
    """They are gone."""
    txn.execute_values(
        """
        DELETE FROM media_loose_files l
              USING (VALUES %s) AS v (origin, file_id)
              WHERE l.origin = v.origin AND l.file_id = v.file_id AND is_doomed
        """,
        files,
    )
