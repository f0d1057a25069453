"""Flyway: a row for each run of a script, in order, with who ran it and a CRC32.

https://github.com/flyway/flyway/blob/main/flyway-core/src/main/java/org/flywaydb/core/internal/resolver/ChecksumCalculator.java
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lockgate.planner.adoption.noting import NOW, Expression, Noting, for_each
from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    Testimony,
    as_moment,
    is_true,
    text_of,
    words,
)
from lockgate.planner.adoption.variants import up_text
from lockgate.planner.database.occupancy import TableRow
from lockgate.planner.versions import version_key

if TYPE_CHECKING:
    from lockgate.planner.migrations.migration import Migration

UNDONE = ("UNDO_SQL", "UNDO_JDBC", "UNDO_SCRIPT", "DELETE")
MARKERS = ("SCHEMA", "BASELINE", *UNDONE)


def crc32(texts: Iterable[str]) -> int:
    """The checksum of one resource, signed: over its lines without what ends them.

    >>> crc32(["create table t (id int);\\n"]) == crc32(["create table t (id int);\\r\\n"])
    True
    """
    value = 0
    for text in texts:
        lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        value = zlib.crc32("".join(lines).encode("utf-8"), value)
    return value - (1 << 32) if value >= 1 << 31 else value


def _read(rows: Sequence[TableRow]) -> Testimony:
    """What its table says: a version that was undone or deleted is not applied, and a repeatable
    one counts by its newest row."""
    applied: dict[str, AppliedThere] = {}
    up_to, troubles = "", []
    for row in sorted(rows, key=lambda row: int(row["installed_rank"])):
        version, kind = text_of(row["version"]), text_of(row["type"]).upper()
        if not is_true(row["success"]):
            troubles.append(_failed(row))
        elif kind in ("BASELINE", "SQL_BASELINE", "JDBC_BASELINE"):
            up_to = version
        elif kind in UNDONE:
            applied.pop(_key(row), None)
        elif kind != "SCHEMA":
            applied[_key(row)] = _applied(row)
    ordered = sorted(applied.values(), key=lambda one: version_key(one.version))
    return Testimony(tuple(ordered), up_to, tuple(troubles))


def _key(row: TableRow) -> str:
    return text_of(row["version"]) or f"R {text_of(row['description'])}"


def _applied(row: TableRow) -> AppliedThere:
    return AppliedThere(
        version=text_of(row["version"]) or f"R__{text_of(row['description']).replace(' ', '_')}",
        name=text_of(row["script"]).rpartition("/")[2],
        at=as_moment(row["installed_on"]),
        by=text_of(row["installed_by"]),
        checksum=text_of(row["checksum"]),
    )


def _failed(row: TableRow) -> str:
    return (
        f"Flyway's run of {text_of(row['script'])} failed. See what it has left, finish or undo it "
        "by hand, then run `flyway repair`, which takes its row out."
    )


def _verify(
    migration: Migration, applied: AppliedThere, others: Sequence[Migration]
) -> bool | None:
    """By the CRC32 of its text; a script's configuration is no part of it."""
    if not applied.checksum:
        return None
    return str(crc32([up_text(migration)])) == applied.checksum


def _described(migration: Migration) -> dict[str, str | None]:
    """How its rows name a migration: a repeatable one has no version."""
    if migration.repeatable:
        return {"version": None, "description": migration.name.replace("_", " ")}
    return {"version": migration.version}


def _note(noting: Noting, migration: Migration) -> str:
    return noting.insert_next(
        "installed_rank",
        **_described(migration) | {"description": migration.name.replace("_", " ")},
        type="SQL",
        script=migration.filename,
        checksum=crc32([up_text(migration)]),
        installed_by=Expression("current_user"),
        installed_on=NOW,
        execution_time=0,
        success=True,
    )


def _forget(noting: Noting, migration: Migration) -> str:
    return noting.delete(**_described(migration))


TOOL = MigrationTool(
    name="Flyway",
    tables=words("flyway_schema_history schema_version"),
    columns=words(
        "installed_rank version description type script checksum installed_by installed_on success"
    ),
    read=_read,
    verify=_verify,
    renoting="`flyway repair`",
    note=for_each(_note),
    forget=for_each(_forget),
)
