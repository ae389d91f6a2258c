"""A process that runs an embedded PostgreSQL: `-m tests.supervisor.postgres_process DIRECTORY
[UID]`.

Prints one line of JSON when the server answers, and stops it when its standard input ends.
"""

import json
import os
import sys
import time
from pathlib import Path

from impl.supervisor.embedded_postgres import EmbeddedPostgres
from impl.supervisor.postgres_binaries import PostgresError


def main() -> None:
    if len(sys.argv) > 2:
        os.setgroups([])
        os.setgid(int(sys.argv[2]))
        os.setuid(int(sys.argv[2]))
    started = time.monotonic()
    server = EmbeddedPostgres(Path(sys.argv[1]))
    try:
        server.start(timeout_s=60)
    except PostgresError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    facts = {
        "dsn": server.dsn,
        "is_ours": server.is_ours,
        "seconds": time.monotonic() - started,
        "pid": server.process.pid if server.process else None,
    }
    print(json.dumps(facts), flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
