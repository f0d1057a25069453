"""graphile-worker's PostgreSQL migrations: one schema, row security, plpgsql, comments.

It only converts; what it is given was fetched before.
"""

import re
from pathlib import Path

from tests.real.convert import RealMigration, read_original, undone_by

SCHEMA = "graphile_worker"
PLACEHOLDER = re.compile(r":GRAPHILE_WORKER_SCHEMA\b")


def read_graphile_worker(folder: Path) -> list[RealMigration]:
    """Return the set in its order; the first migration makes the schema.

    graphile-worker makes the schema in its program, before it runs the first file.
    """
    migrations = [read_migration(path) for path in sorted(folder.glob("*.sql"))]
    return undone_by(f"drop schema {SCHEMA} cascade;\n", migrations)


def read_migration(path: Path) -> RealMigration:
    """Return one migration, the schema's name filled in."""
    bootstrap = f"create schema {SCHEMA};\n" if int(path.stem) == 1 else ""
    sql = PLACEHOLDER.sub(SCHEMA, read_original(path))
    return RealMigration(path.stem, SCHEMA, bootstrap + sql)
