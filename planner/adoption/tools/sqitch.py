"""Sqitch: a row for each deployed change, with the SHA-1 of its deploy script.

Its registry is a schema of its own, and on MySQL a database of its own: there it can be taken over
only where `--registry` has put it into the database itself.
https://github.com/sqitchers/sqitch/blob/develop/lib/App/Sqitch/Engine/pg.sql
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lockgate.planner.adoption.noting import Noting
from lockgate.planner.adoption.tool import (
    AppliedThere,
    Beside,
    MigrationTool,
    Testimony,
    as_moment,
    text_of,
    words,
)
from lockgate.planner.adoption.variants import spellings
from lockgate.planner.database.occupancy import TableRow

if TYPE_CHECKING:
    from lockgate.planner.migrations.migration import Migration


def _read(rows: Sequence[TableRow]) -> Testimony:
    """What its table says. A change that was reworked has a row for each time: `users~2`."""
    projects = sorted({text_of(row["project"]) for row in rows})
    if len(projects) > 1:
        trouble = (
            f"Sqitch's registry holds several projects, {', '.join(projects)}: which of their "
            "changes are of this folder cannot be told. Say up to which change the database has "
            "them: `migrate adopt --baseline CHANGE`."
        )
        return Testimony(troubles=(trouble,))
    seen: Counter[str] = Counter()
    applied = []
    for row in sorted(rows, key=lambda row: row["committed_at"]):
        name = text_of(row["change"])
        seen[name] += 1
        applied.append(_applied(row, f"{name}~{seen[name]}" if seen[name] > 1 else name))
    return Testimony(tuple(applied))


def _applied(row: TableRow, version: str) -> AppliedThere:
    by = f"{text_of(row['committer_name'])} <{text_of(row['committer_email'])}>"
    digest = text_of(row["script_hash"])
    return AppliedThere(
        version,
        at=as_moment(row["committed_at"]),
        by=by,
        checksum="" if digest == text_of(row["change_id"]) else digest,  # of a first registry
    )


def _verify(
    migration: Migration, applied: AppliedThere, others: Sequence[Migration]
) -> bool | None:
    """By the SHA-1 of its deploy script, however its lines end."""
    if not applied.checksum:
        return None
    return applied.checksum in {
        hashlib.sha1(data, usedforsecurity=False).hexdigest() for data in spellings(migration)
    }


def _failed(rows: Sequence[TableRow]) -> Sequence[str]:
    """A sentence on the last thing that Sqitch did, where that failed."""
    last = max(rows, key=lambda row: row["committed_at"], default=None)
    if last is None or text_of(last["event"]) != "fail":
        return ()
    return (
        f"Sqitch's last deployment, of {text_of(last['change'])}, failed. See what it has left, "
        "finish or undo it by hand, then take the row `fail` out of Sqitch's table events; or "
        "deploy it with Sqitch.",
    )


def _note(noting: Noting) -> Sequence[str]:
    return (f"sqitch deploy --log-only --to-change {noting.chosen[-1].version} TARGET",)


def _forget(noting: Noting) -> Sequence[str]:
    to = f" --to-change {noting.last.version}" if noting.last else ""
    return (f"sqitch revert -y --log-only{to} TARGET",)


OF_MYSQL = frozenset({
    "function checkit", "trigger ck_insert_dependency", "trigger ck_update_dependency",
})  # fmt: skip
"""What its registry has there in place of checks."""

TOOL = MigrationTool(
    name="Sqitch",
    tables=words("changes"),
    own_schemas=words("sqitch"),
    columns=words(
        "change_id script_hash change project committed_at committer_name committer_email"
    ),
    beside=words("events dependencies"),
    companions=words("events dependencies projects releases tags") | OF_MYSQL,
    asked=(Beside("events", words("event change committed_at"), _failed),),
    read=_read,
    verify=_verify,
    elsewhere="On MySQL and MariaDB Sqitch keeps its registry in a database of its own, where it "
    "cannot be taken over. Name the last change that `sqitch status` says is deployed: `migrate "
    "plan --baseline CHANGE`.",
    renoting="`sqitch revert --log-only` to the change before them, and `sqitch deploy --log-only`",
    note=_note,
    forget=_forget,
)
