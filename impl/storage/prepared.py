"""Statements that the server plans once a connection, and not each time: planning is most of what a
short statement over many tables costs.

Their plans do not know the values (`plan_cache_mode`, Database.connect), and last while the tables
grow. So only what is right by an index whatever the values may be prepared, and a statement says so
to the planner: of `position > $1` it would expect a third of a table, of a range with two ends few
rows.

A pooler that lends its connections for one transaction each (PgBouncer does that) takes them from
under us: what was prepared on one is not there on the next, or was prepared there by another client
of its. So a name stands for one text for ever, and where statements do not last they are sent whole
(`plain`)."""

import logging
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any
from zlib import crc32

# SQLSTATE: there is no such statement, or there is one already.
_TAKEN_AWAY = ("26000", "42P05")

_log = logging.getLogger(__name__)


class Prepared:
    """The parameters are $1, $2, and so on, of these types."""

    def __init__(self, name: str, types: str, sql: str) -> None:
        self.name = f"{name}_{crc32(sql.encode()):08x}"
        self._types = types
        self._sql = sql

    def call(self, cursor: Any) -> str:
        """What runs it on the cursor's connection, with '%s' for each parameter."""
        known = cursor.connection.prepared
        if self.name not in known:
            cursor.execute(f"PREPARE {self.name} ({self._types}) AS {self._sql}")
            known.add(self.name)
        places = ", ".join(["%s"] * (self._types.count(",") + 1))
        return f"EXECUTE {self.name} ({places})"

    def plain(self, parameters: Sequence[object]) -> tuple[str, dict[str, object]]:
        """The same as a statement like any other, and its parameters."""
        return self._plain, {str(number): one for number, one in enumerate(parameters, 1)}

    @cached_property
    def _plain(self) -> str:
        return re.sub(r"\$(\d+)", r"%(\1)s", self._sql.replace("%", "%%"))


def execute(
    run: Callable[..., None], cursor: Any, statement: Prepared, parameters: Sequence[object]
) -> None:
    """Run a statement that is planned once a connection, where connections keep such."""
    connection = cursor.connection
    if not connection.forgets:
        try:
            run(statement.call(cursor), parameters)
            return
        except Exception as error:
            if getattr(error, "pgcode", None) not in _TAKEN_AWAY:
                raise
            _log.info("%s is not prepared: there is a pooler before PostgreSQL", statement.name)
            connection.forgets = True
            if connection.info.transaction_status:
                raise  # What was begun is lost with it.
    run(*statement.plain(parameters))
