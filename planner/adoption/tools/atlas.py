"""Atlas: a row for each file, with a SHA-256 over it and all files before it.

https://github.com/ariga/atlas/blob/master/sql/migrate/migrate.go
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lockgate.planner.adoption.noting import Noting
from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    Testimony,
    as_moment,
    by_version,
    text_of,
    words,
)
from lockgate.planner.adoption.variants import up_text
from lockgate.planner.database.occupancy import TableRow

if TYPE_CHECKING:
    from lockgate.planner.migrations.migration import Migration

BASELINE, RESOLVED = 1, 4
UNSUMMED = re.compile(r"^-- *atlas:sum +ignore\b", re.MULTILINE)


def chained_sum(files: Iterable[Migration]) -> str:
    """What `atlas.sum` says of the last of these files: over the names and texts of all."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.filename):
        digest.update(file.filename.encode())
        if not UNSUMMED.search(text := up_text(file)):
            digest.update(text.encode())
    return base64.b64encode(digest.digest()).decode()


def _read(rows: Sequence[TableRow]) -> Testimony:
    """What its table says: a baseline includes all up to it, and what has stopped half-way has
    an error, or fewer statements applied than it has."""
    applied, troubles, up_to = [], [], ""
    for row in sorted(rows, key=by_version("version")):
        version, kind = text_of(row["version"]), int(row["type"])
        if kind & BASELINE:
            up_to = version
        elif _is_half_done(row, kind):
            troubles.append(_failed(row))
        elif version:
            applied.append(_applied(row))
    return Testimony(tuple(applied), up_to, tuple(troubles))


def _is_half_done(row: TableRow, kind: int) -> bool:
    is_short = int(row["applied"] or 0) < int(row["total"] or 0)
    return not kind & RESOLVED and (is_short or bool(text_of(row["error"])))


def _failed(row: TableRow) -> str:
    version = text_of(row["version"])
    return (
        f"Atlas stopped in {version}, after {row['applied']} of {row['total']} statements. Finish "
        f"or undo it by hand, then `atlas migrate set {version}`, or the version before it."
    )


def _applied(row: TableRow) -> AppliedThere:
    return AppliedThere(
        version=text_of(row["version"]),
        name=text_of(row["description"]),
        at=as_moment(row["executed_at"]),
        checksum=text_of(row["hash"]).removeprefix("h1:"),
    )


def _verify(
    migration: Migration, applied: AppliedThere, others: Sequence[Migration]
) -> bool | None:
    """By the sum over it and the files before it that Atlas has applied; None without one, or
    where a file was put between them since."""
    if not applied.checksum:
        return None
    before = [one for one in others if one.filename <= migration.filename]
    return chained_sum(before) == applied.checksum


def _set(noting: Noting) -> Sequence[str]:
    if noting.last is None:
        return tuple(noting.delete(version=noting.row(one).version) for one in noting.chosen)
    return (
        "atlas migrate hash --dir file://DIR",  # it refuses a file that its `atlas.sum` lacks
        f"atlas migrate set {noting.last.version} --url URL --dir file://DIR",
    )


TOOL = MigrationTool(
    name="Atlas",
    tables=words("atlas_schema_revisions"),
    own_schemas=words("atlas_schema_revisions"),
    columns=words("version description type applied total executed_at error hash"),
    read=_read,
    verify=_verify,
    note=_set,
    forget=_set,
)
