"""`database`: how PostgreSQL is reached. Without the key, an embedded PostgreSQL serves."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from impl.config.section import Section

# Options of libpq that Synapse's users write, under psycopg2's other name for one of them.
_RENAMED = {"database": "dbname"}
# Options of Synapse's connection pool.
_POOL = "cp_"


@dataclass(frozen=True, slots=True)
class Database:
    """The options of a connection; the password among them is never shown."""

    args: Mapping[str, str] = field(repr=False)

    @property
    def dsn(self) -> str:
        """In libpq's form: key='value' ..."""
        if "dsn" in self.args:
            return self.args["dsn"]
        return " ".join(f"{name}={_quote(value)}" for name, value in self.args.items())

    @property
    def where(self) -> str:
        """Which database this is, for people."""
        shown = [
            f"{name}={self.args[name]}" for name in ("host", "port", "dbname") if name in self.args
        ]
        return " ".join(shown) or "libpq's defaults"


def read(root: Section) -> Database | None:
    if "databases" in root:
        raise root.error("databases", "is not supported: one holds everything, use `database`")
    if "database" not in root:
        root.accept("database", "databases")
        return None
    section = root.section("database")
    name = section.required_string("name")
    if name == "sqlite3":
        raise section.error(
            "name",
            "is sqlite3, which Soma does not use: give a PostgreSQL (name: psycopg2), or leave"
            " `database` out for the embedded one",
        )
    if name not in ("psycopg2", "psycopg"):
        raise section.error("name", f"must be psycopg2, not {name!r}")
    section.accept("txn_limit", "allow_unsafe_locale", "statement_timeout")
    database = Database(_read_args(section))
    section.finish()
    return database


def read_past_pooler(root: Section, soma: Section) -> dict[str, str]:
    """`soma.past_pooler`: what of `database.args` is another where no pooler is in between."""
    key = "past_pooler"
    args = _read_options(soma, key)
    if args and "database" not in root:
        raise soma.error(key, "is given, and database is not")
    given = root.section("database").mapping("args")
    if args and ("dsn" in args) != ("dsn" in given):
        raise soma.error(key, "must be a dsn if database.args is one, and else must not")
    return args


def _read_args(section: Section) -> dict[str, str]:
    return _read_options(section, "args")


def _read_options(section: Section, name: str) -> dict[str, str]:
    args: dict[str, str] = {}
    for key, value in section.mapping(name).items():
        if key.startswith(_POOL):
            continue
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise section.error(f"{name}.{key}", "must be a string or a whole number")
        if "\0" in str(value):
            raise section.error(f"{name}.{key}", "must not contain a NUL character")
        args[_RENAMED.get(key, key)] = str(value)
    if "dsn" in args and len(args) > 1:
        raise section.error(f"{name}.dsn", "stands for all options: leave the others out")
    return args


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
