"""Which of the ledger's tables exist, and whether they are lockgate's own.

Asks no server: the engines do, in their own SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from lockgate.planner.errors import HistoryError, WrongTarget
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.planner.environments.keys import History
    from lockgate.planner.plan.plan import Plan

SPARE_NAME = "lockgate_migrations"
"""The history table where no name is given and the usual one is another tool's."""
HISTORY_COLUMNS = ("applied_at", "checksum", "name", "version")
OWN_NAMES = {
    "runs": "lockgate_runs",
    "plans": "lockgate_plans",
    "journal": "lockgate_journal",
    "target": "lockgate_target",
    "batches": "lockgate_batches",
}
FLEET_RUN = "lockgate_fleet_run"
FLEET_TARGET = "lockgate_fleet_target"
FLEET_PIECE = "lockgate_fleet_piece"
FLEET_SIGNATURE = "lockgate_fleet_signature"
FLEET = (FLEET_RUN, FLEET_TARGET, FLEET_PIECE, FLEET_SIGNATURE)
OURS = (*OWN_NAMES.values(), *FLEET)
"""Every table of lockgate's but the history: those of a ledger, and a coordinator's of fleets."""
ON_DEMAND = "batches"
"""The part of the ledger that is made for the first plan that needs it."""
ALWAYS_MADE = tuple(name for part, name in OWN_NAMES.items() if part != ON_DEMAND)
ADDED = {"job": "text", "cost": "text", "digests": "{long_text}", "emergency": "text"}
"""Columns of lockgate_runs that older versions did not make, with their types."""
ADD = "alter table {{runs}} add column {} {}"
GRANT = "grant select on {{{}}} to {{ledger.readers}}"


@frozen
class TableFault:
    """What makes a table of the ledger another's: `cure` says what to do, most often in SQL."""

    table: str
    what: str
    cure: str


@frozen
class Tables:
    """What exists. `columns` are the history table's, sorted; empty where there is none.

    `known` are PostgreSQL's own number of each table, and one of what belongs to it. `lacking`
    are those of ADDED that lockgate_runs does not have.
    """

    columns: tuple[str, ...]
    names: frozenset[str]
    faults: tuple[TableFault, ...] = ()
    lacking: tuple[str, ...] = ()
    known: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether lockgate_target exists, which is made last of all."""
        return OWN_NAMES["target"] in self.names

    @property
    def has_batches(self) -> bool:
        """Whether a plan with batches has run here."""
        return OWN_NAMES[ON_DEMAND] in self.names

    @property
    def exist(self) -> bool:
        """Whether there is nothing left to make."""
        made = bool(self.columns) and self.names.issuperset(ALWAYS_MADE)
        return made and not self.lacking

    def suffice(self, plan: Plan | None = None) -> bool:
        """Whether there is nothing left to make before this plan."""
        return self.exist and (self.has_batches or plan is None or not plan.has_batches)

    def missing(
        self, statements: Mapping[str, str], plan: Plan | None = None, *, has_readers: bool = False
    ) -> list[str]:
        """Of the statements that make the tables, by their part in the ledger, those to run before
        this plan; with readers also what lets them read those that are made.

        None of them may pass over a table that has come into being since: it is not ours.
        """
        is_needed = plan is not None and plan.has_batches
        lacking = [
            part
            for part in statements
            if not (self.columns if part == "history" else OWN_NAMES[part] in self.names)
            and (part != ON_DEMAND or is_needed)
        ]
        making = [statements[part] for part in lacking]
        making += [GRANT.format(part) for part in lacking if has_readers]
        is_older = OWN_NAMES["runs"] in self.names
        return making + [ADD.format(name, ADDED[name]) for name in self.lacking if is_older]

    def refuse_foreign(self, history: str) -> None:
        """Raises HistoryError when a table is not lockgate's own, or has others' code on it."""
        if self.faults:
            raise _not_ours(self.faults)
        if self.columns not in ((), HISTORY_COLUMNS):
            raise HistoryError(
                f"The table {history} has the columns {', '.join(self.columns)}, and lockgate's "
                f"has {', '.join(HISTORY_COLUMNS)}.",
                why="It is another tool's, and the environment names it as lockgate's own.",
                do="Leave `history: {table: …}` away in the environment: lockgate takes a table of "
                "its own beside it. What the other tool has applied, `migrate adopt` takes over.",
            )

    def refuse_renamed(self, schema: str, history: str) -> None:
        """Raises WrongTarget when there is a ledger, and its history has another name."""
        if self.complete and not self.columns:
            raise WrongTarget(
                f"The ledger in {schema} has no history {history}: it was begun under another "
                "name, or by another project.",
                why="In an empty history every migration would be pending, and run a second time.",
                do="Name the table that it was begun with under `history: {table: …}` in the "
                "environment, or for a project of its own another schema: `history: {schema: …}`.",
            )


def _not_ours(faults: Iterable[TableFault]) -> HistoryError:
    listed = [f"- {fault.table} {fault.what}" for fault in faults]
    cures = dict.fromkeys(fault.cure for fault in faults)
    return HistoryError(
        "The ledger is not kept in lockgate's own tables:\n" + "\n".join(listed),
        why="Code of others would run with this role's rights, or what was applied could be hidden "
        "or changed. Nothing was read or run.",
        do="If the table is not lockgate's, drop it or name another schema under "
        "`history: {schema: …}` in the environment. If it is: " + ", ".join(cures),
    )


def history_name(history: History, columns: Iterable[tuple[str, str]]) -> str:
    """What the history table is called: as the environment says, and where it does not, by the
    spare name if the usual one is another tool's, or the spare one was used before.

    `columns` are those of tables of both names in the ledger's schema, by table and column.
    """
    if "table" in history.model_fields_set:
        return history.table
    found: dict[str, set[str]] = {}
    for table, column in columns:
        found.setdefault(table.lower(), set()).add(column.lower())
    usual = found.get(history.table)
    is_ours = usual == set(HISTORY_COLUMNS)
    return SPARE_NAME if not is_ours and (usual or SPARE_NAME in found) else history.table
