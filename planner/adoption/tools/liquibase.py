"""Liquibase: a row for each changeset, known by its author, id and file together.

Its checksums are MD5 over a changeset's SQL in a normal form: `8:` until 4.21, `9:` since 4.22.
https://github.com/liquibase/liquibase/blob/master/liquibase-standard/src/main/java/liquibase/change/AbstractSQLChange.java
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lockgate.planner.adoption.noting import NOW, Noting, for_each
from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    Testimony,
    as_moment,
    by_number,
    lock_of,
    text_of,
    words,
)
from lockgate.planner.database.occupancy import TableRow
from lockgate.planner.migrations.foreign.changesets import Changeset, read_changeset

if TYPE_CHECKING:
    from lockgate.planner.migrations.migration import Migration

RAN = ("EXECUTED", "RERAN", "MARK_RAN")
BLANKS = " \n\r\t"
KNOWN = ("8", "9")
"""The algorithms: what earlier releases have written, a database holds no more after an update."""


def checksum_of(changeset: Changeset, algorithm: str) -> str:
    """The checksum of a changeset with one change, its SQL.

    >>> checksum_of(Changeset("select 1", {}), "9")
    '9:3b78b9910981c62ca27148640fad7bc2'
    """
    text = unicodedata.normalize("NFC", f"{algorithm}:{_md5(_normal(changeset, algorithm))}:")
    return f"{algorithm}:{_md5(text.encode())}"


def _normal(changeset: Changeset, algorithm: str) -> bytes:
    """The SQL as an algorithm reads it: 9 leaves all white space out, and 8 makes one blank of each
    run of it, after the attributes that say how the SQL is cut."""
    text = changeset.text.strip()
    if algorithm == "9":
        return text.translate({ord(one): None for one in BLANKS}).encode()
    told = changeset.attributes
    head = (
        told.get("enddelimiter", "null"),
        told.get("splitstatements", "true").lower(),
        told.get("stripcomments", "true").lower(),
    )
    blank = text.translate({ord(one): " " for one in BLANKS})
    return ":".join((*head, " ".join(one for one in blank.split(" ") if one))).encode()


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _verify(
    migration: Migration, applied: AppliedThere, others: Sequence[Migration]
) -> bool | None:
    """By the MD5 of the algorithm that the row names; None where a parameter, whose value is not
    known here, is part of the text, or the changeset takes any checksum."""
    algorithm = applied.checksum.partition(":")[0]
    changeset = read_changeset(migration)
    if algorithm not in KNOWN or migration.template or "any" in changeset.valid:
        return None
    return applied.checksum in (checksum_of(changeset, algorithm), *changeset.valid)


def _read(rows: Sequence[TableRow]) -> Testimony:
    """What its table says: a changeset that failed or was skipped is not applied."""
    known = {_key(row): row for row in sorted(rows, key=by_number("orderexecuted"))}
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
    """File, id and author; before 4.9 an author in quotes has kept them."""
    return tuple(one.strip('"') for one in _spelled(row))


def _spelled(row: TableRow) -> tuple[str, ...]:
    return tuple(text_of(row[name]) for name in ("filename", "id", "author"))


def _applied(row: TableRow) -> AppliedThere:
    key = _key(row)
    return AppliedThere(
        version="::".join(key),
        name="::".join(_spelled(row)),
        at=as_moment(row["dateexecuted"]),
        by=key[2],
        checksum=text_of(row["md5sum"]),
    )


def _is_of(migration: Migration, applied: AppliedThere) -> bool:
    """Whether a changeset has the same id and author, and a path that ends as the other one does:
    Liquibase's begins at its search path, ours in the migrations directory."""
    path, *ours = migration.version.removeprefix("R__").split("::")
    there, *theirs = applied.version.removeprefix("classpath:").split("::")
    return ours == theirs and (f"/{there}".endswith(f"/{path}") or f"/{path}".endswith(f"/{there}"))


def _note(noting: Noting, migration: Migration) -> str:
    """Liquibase computes a checksum that is null. The path begins as that of other rows, and the
    author is spelled as there."""
    path, number, author = migration.version.removeprefix("R__").split("::")
    others = [row.name.split("::") for row in noting.rows.values()]
    paths = (other for other, _, _ in others if other.endswith(f"/{path}"))
    authors = (other for _, _, other in others if other.strip('"') == author)
    return noting.insert_next(
        "orderexecuted",
        id=number,
        author=next(authors, author),
        filename=next(paths, path),
        dateexecuted=NOW,
        exectype="EXECUTED",
    )


def _forget(noting: Noting, migration: Migration) -> str:
    path, number, author = noting.row(migration).name.split("::")
    return noting.delete(id=number, author=author, filename=path)


TOOL = MigrationTool(
    name="Liquibase",
    tables=words("databasechangelog"),
    columns=words("id author filename dateexecuted orderexecuted exectype md5sum description"),
    companions=words("databasechangeloglock"),
    asked=(lock_of("Liquibase", "databasechangeloglock", "locked", "`liquibase release-locks`"),),
    read=_read,
    verify=_verify,
    renoting="`liquibase clear-checksums`",
    is_of=_is_of,
    left_out="Where their contexts or labels leave them out, say those in the environment too. ",
    note=for_each(_note),
    forget=for_each(_forget),
)
