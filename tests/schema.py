"""python -m tests.schema: write impl/storage/schema.sql, the schema after all migrations, for those
who review.
"""

import tempfile
from pathlib import Path

from impl.storage import migrate
from impl.supervisor.embedded_postgres import EmbeddedPostgres
from tests.conftest import schema_dump


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        server = EmbeddedPostgres(Path(directory))
        server.start()
        try:
            migrate.migrate(server.dsn)
            target = Path(migrate.__file__).parent / "schema.sql"
            target.write_text(schema_dump(server.dsn))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
