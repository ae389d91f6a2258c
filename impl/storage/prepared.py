"""Statements that the server plans once a connection, and not each time: planning is most of what a
short statement over many tables costs.

Their plans do not know the values (`plan_cache_mode`, Database.connect), and last while the tables
grow. So only what is right by an index whatever the values may be prepared, and a statement says so
to the planner: of `position > $1` it would expect a third of a table, of a range with two ends few
rows."""

from typing import Any, NamedTuple


class Prepared(NamedTuple):
    """The parameters are $1, $2, and so on, of these types."""

    name: str
    types: str
    sql: str

    def call(self, cursor: Any) -> str:
        """What runs it on the cursor's connection, with '%s' for each parameter."""
        known = cursor.connection.prepared
        if self.name not in known:
            cursor.execute(f"PREPARE {self.name} ({self.types}) AS {self.sql}")
            known.add(self.name)
        places = ", ".join(["%s"] * (self.types.count(",") + 1))
        return f"EXECUTE {self.name} ({places})"
