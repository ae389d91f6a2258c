"""How PostgreSQL would do what a function of storage/ asks of it."""

from typing import Any


class Explained:
    """A transaction that is only asked how it would do it: `plan`. No table is so small that it
    would rather be read from end to end."""

    rowcount = 0
    plan = ""

    def __init__(self, txn: Any) -> None:
        self._txn = txn
        txn.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")

    def execute(self, sql: str, parameters: Any) -> None:
        self._txn.execute("EXPLAIN " + sql, parameters)
        self.plan = "\n".join(row[0] for row in self._txn.fetchall())

    def fetchall(self) -> list[Any]:
        return []
