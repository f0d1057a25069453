"""procrastinate's PostgreSQL migrations: tables, enums, triggers, plpgsql.

It only converts; what it is given was fetched before.
"""

from pathlib import Path

from tests.real.convert import RealMigration, postgres_down, read_original, undone_by


def read_procrastinate(folder: Path) -> list[RealMigration]:
    """Return the set in the order in which procrastinate numbers it."""
    migrations = [read_migration(path) for path in sorted(folder.glob("*.sql"))]
    return undone_by(postgres_down(migrations), migrations)


def read_migration(path: Path) -> RealMigration:
    """Return one migration.

    A new enum value cannot be used in the transaction that adds it, and a later file does:
    https://www.postgresql.org/docs/current/sql-altertype.html
    """
    version, name = version_and_name(path.stem)
    sql = read_original(path)
    return RealMigration(version, name, sql, transactional="ADD VALUE" not in sql)


def version_and_name(stem: str) -> tuple[str, str]:
    """Return the original's number as eight digits, and the rest.

    The release and the number within it are zero-padded, so that digits sort as they do.

    >>> version_and_name("03.00.00_50_post_cancel_notification")
    ('03000050', 'post_cancel_notification')
    """
    release, number, name = stem.split("_", 2)
    return release.replace(".", "") + number, name
