"""Liquibase: a row for each changeset, known by its author, id and file together.

Its checksums are of a changeset's own text in a normal form, `8:` or `9:` with MD5.
https://github.com/liquibase/liquibase/blob/master/liquibase-standard/src/main/java/liquibase/sqlgenerator/core/CreateDatabaseChangeLogTableGenerator.java
"""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    Testimony,
    as_moment,
    text_of,
    words,
)
from lockgate.planner.database.occupancy import TableRow

RAN = ("EXECUTED", "RERAN", "MARK_RAN")


def _read(rows: Sequence[TableRow]) -> Testimony:
    """What its table says: a changeset that failed or was skipped is not applied."""
    ordered = sorted(rows, key=lambda row: int(row["orderexecuted"] or 0))
    known = {_key(row): row for row in ordered}
    applied = tuple(
        _applied(row) for row in known.values() if text_of(row["exectype"]).upper() in RAN
    )
    troubles = tuple(
        f"Liquibase's changeset {text_of(row['author'])}:{text_of(row['id'])} failed. Finish or "
        "undo it by hand, then take its row out of the table."
        for row in known.values()
        if text_of(row["exectype"]).upper() == "FAILED"
    )
    return Testimony(applied, troubles=troubles)


def _key(row: TableRow) -> tuple[str, ...]:
    return tuple(text_of(row[name]) for name in ("filename", "author", "id"))


def _applied(row: TableRow) -> AppliedThere:
    return AppliedThere(
        version="::".join(text_of(row[name]) for name in ("filename", "id", "author")),
        name=text_of(row["id"]),
        at=as_moment(row["dateexecuted"]),
        by=text_of(row["author"]),
        checksum=text_of(row["md5sum"]),
    )


TOOL = MigrationTool(
    name="Liquibase",
    tables=words("databasechangelog"),
    columns=words("id author filename dateexecuted orderexecuted exectype md5sum description"),
    companions=words("databasechangeloglock"),
    read=_read,
)
