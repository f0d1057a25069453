"""What undoes one statement where the server commits DDL by itself, and why nothing better does.

Knows nothing of the statements around it but what these left: `units` knows their order.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.guarantees.loosened_keys import not_counted
from lockgate.planner.guarantees.lost_values import lost_values
from lockgate.planner.guarantees.row_comparison import not_compared
from lockgate.planner.plan.statement import Guarantee
from lockgate.planner.quantities import format_size
from lockgate.planner.reading.mysql.clauses import DEFAULT
from lockgate.planner.reading.reading import Object, Reading
from lockgate.planner.reading.spread import Spread, spread
from lockgate.planner.reading.table import INNODB, Table
from lockgate.planner.reading.tables import Schema
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.value import frozen, replace

SAME_UNIT = "which the same unit makes"
OF_ITS_OWN = "the server commits it by itself; its inverse undoes it"
COPIES = "`copies: {limit: …}`"


@frozen
class Terms:
    """What compensation may rely on. `copy_limit` is in bytes; None: nothing is copied."""

    dialect: Dialect
    database: str
    copy_limit: float | None = None


@frozen
class Promise:
    """A guarantee, and as a clause why it is no better."""

    guarantee: Guarantee
    reason: str = ""
    partial: bool = False
    """When it fails, a part of it may be kept."""
    overwrites: bool = False
    """Undoing it may overwrite what others have written since."""
    warning: str = ""
    """What a reviewer should know besides, as a sentence."""

    @property
    def is_final(self) -> bool:
        """Whether nothing undoes the statement."""
        return self.guarantee == "point-of-no-return"


@frozen
class Chance:
    """What a statement has: `trailing` if only rows change between it and the end of its unit,
    `amid` otherwise. `commits` is true if what was written before it is kept from then on."""

    trailing: Promise
    amid: Promise
    commits: bool = True
    leaves_session: bool = False


TRANSACTIONAL = Promise("transactional")
COMPENSATED = Promise("compensated", OF_ITS_OWN)


def weigh(effect: Reading, schema: Schema, terms: Terms) -> Chance:
    """What undoes a statement that runs on this schema."""
    chance = _weigh(effect, schema, terms)
    amid = chance.amid
    copied = amid.guarantee == "compensated-by-copy"
    told = not_counted(effect, schema, terms.copy_limit, copied=copied)
    if amid.is_final or not told:
        return chance
    warned = replace(amid, warning=f"{amid.warning} {told}".strip())
    return replace(chance, amid=warned, trailing=warned if chance.commits else chance.trailing)


def _weigh(effect: Reading, schema: Schema, terms: Terms) -> Chance:
    if giver := schema.made.rights_go_with(effect):
        return _certain(effect, Promise("compensated", f"the rights go with {giver}, {SAME_UNIT}"))
    if reason := _outside(effect, schema, terms):
        return _certain(effect, _final(reason, effect.partial))
    if missing := schema.missing(effect):
        return _refused(effect, missing)
    if moved := schema.moved(effect):
        reason = f"it moves the sequence {min(moved)}, which no rollback sets back"
        return _certain(effect, _final(reason, partial=True))
    if called := _called(effect, schema):
        return _weigh_call(effect, schema, called)
    if effect.is_neutral:
        commits = "autocommit" in effect.settings
        return Chance(TRANSACTIONAL, TRANSACTIONAL, commits, effect.leaves_session)
    if effect.is_rows_only:
        return _weigh_rows(effect, schema, terms)
    return _certain(effect, _weigh_definition(effect, schema, terms))


def _final(reason: str, partial: bool = False) -> Promise:
    return Promise("point-of-no-return", reason, partial)


def _certain(effect: Reading, promise: Promise) -> Chance:
    return Chance(promise, promise, True, effect.leaves_session)


def _outside(effect: Reading, schema: Schema, terms: Terms) -> str:
    """Why the statement is none that compensation can follow; empty if it is one."""
    if effect.obstacle:
        return effect.obstacle
    if effect.chosen_database not in ("", terms.database):
        return f"it makes {effect.chosen_database} the default database"
    for one in _named(effect):
        if one.schema not in ("", terms.database):
            return f"it changes {one.schema}.{one.name}, in another schema"
    for one in effect.objects:
        if one.kind == "table" and one.name in schema.temporary and effect.verb != "create":
            return f"it names the temporary table {one.name} without saying TEMPORARY"
    return ""


def _refused(effect: Reading, table: str) -> Chance:
    """Of a statement that changes a table which is not there."""
    why = f"there is no table {table}, so the server refuses it and nothing of it is done"
    told = f"There is no table {table}: the plan will fail."
    amid = Promise("compensated", why, warning=told)
    trailing = replace(TRANSACTIONAL, warning=told) if effect.verb == "write" else amid
    return Chance(trailing, amid, trailing is amid, effect.leaves_session)


def _named(effect: Reading) -> Iterator[Object]:
    yield from effect.objects
    yield from effect.tables_written
    for _, new in effect.renames:
        yield new
    if effect.trigger_table:
        yield effect.trigger_table


def _called(effect: Reading, schema: Schema) -> str:
    """A stored function that a statement calls, by itself or through views, and that may change
    more than is seen; empty: none."""
    if not effect.evaluates:
        return ""
    direct = schema.unseen(effect.calls)
    return min(direct or schema.unseen(schema.reach(effect.mentions).calls), default="")


def _weigh_call(effect: Reading, schema: Schema, function: str) -> Chance:
    """Of a statement that calls a stored function: it may write any table, or move a sequence."""
    through = "" if function in effect.calls else "through a view "
    amid = _final(
        f"{through}it calls the function {function}, and what that writes cannot be seen",
        partial=True,
    )
    keeps = not schema.is_all_innodb() or schema.has_sequences
    in_transaction = effect.verb in ("read", "write") and not keeps
    if not in_transaction:
        return _certain(effect, amid)
    return Chance(TRANSACTIONAL, amid, False, effect.leaves_session)


def _weigh_rows(effect: Reading, schema: Schema, terms: Terms) -> Chance:
    written = [one for one in effect.tables_written if one.name not in schema.temporary]
    if not written:
        return Chance(TRANSACTIONAL, TRANSACTIONAL, False, effect.leaves_session)
    reached = spread(effect, schema)
    implied = _implied(effect, written, reached, schema)
    if kept := _kept_rows(reached, schema):
        return _certain(effect, implied or _final(kept, partial=True))
    what = f"it changes rows of {', '.join(reached.tables)}"
    if reached.unseen:
        return Chance(
            TRANSACTIONAL, _final(f"{what}, and {reached.unseen}"), False, effect.leaves_session
        )
    amid = implied or _copied(what, reached.tables, schema, terms, "the rows")
    return Chance(TRANSACTIONAL, amid, False, effect.leaves_session)


def _kept_rows(reached: Spread, schema: Schema) -> str:
    """Why a rollback leaves what is written; empty: it does not."""
    first = reached.tables[0]
    for name in reached.tables:
        table = schema.tables.get(name)
        if table and table.engine != INNODB:
            through = f"through {first} it may write {name}, which" if name != first else name
            return f"{through} is not known to be an InnoDB table, and keeps its rows at once"
    unknown = reached.unseen or any(name not in schema.tables for name in reached.tables)
    if unknown and not schema.is_all_innodb():
        return f"through {first} it may write tables that are not InnoDB"
    if schema.lasting(reached.sequences) or (reached.unseen and schema.has_sequences):
        return f"the triggers of {reached.watched} may move a sequence, which no rollback sets back"
    return ""


def _implied(
    effect: Reading, written: list[Object], reached: Spread, schema: Schema
) -> Promise | None:
    """The promise for rows that go with the tables or columns that the unit has made."""
    tables = [schema.tables.get(name) for name in reached.tables]
    if reached.unseen:
        return None
    if all(table and table.is_new for table in tables):
        return Promise("implied", f"undone with {_list(written)}, which the same unit makes")
    (table, *others), columns = tables, effect.columns_written
    if others or reached.watched or table is None or table.updates_itself or columns is None:
        return None
    names = {column.lower() for column in columns}
    if not names <= table.new_columns:
        return None
    return Promise("implied", f"undone with {', '.join(sorted(columns))}, added by the same unit")


def _copied(
    what: str,
    tables: list[str],
    schema: Schema,
    terms: Terms,
    kept: str,
    *,
    overwrites: bool = True,
) -> Promise:
    """The promise of a copy taken first, or why there is none; what the unit has made needs none.

    `overwrites` says whether others may write what the copy holds before it is put back.
    """
    found = {name: schema.tables.get(name) for name in tables}
    old = {name: table for name, table in found.items() if not (table and table.is_new)}
    for name, table in old.items():
        if reason := _uncopied(name, table):
            return _final(f"{what}, and {reason}")
    if terms.copy_limit is None:
        return _final(f"{what}; with {COPIES} in the environment {kept} would be kept")
    size = sum(table.size or 0 for table in old.values() if table)
    if size > terms.copy_limit:
        return _final(
            f"{what}, and {format_size(size)} are more than the "
            f"{format_size(terms.copy_limit)} that may be copied"
        )
    # It says no size: by another estimate `apply` would find another plan.
    return Promise("compensated-by-copy", f"{what}; {kept} are copied first", overwrites=overwrites)


def _uncopied(name: str, table: Table | None) -> str:
    """Why a table's rows cannot be put back from a copy; empty: they can."""
    if table is None:
        return f"{name} is no table that was there when the plan was made"
    if table.engine != INNODB:
        return f"{name} is not known to be an InnoDB table"
    if table.versioned:
        return f"{name} is system-versioned: its history would show the rows' way back"
    if table.triggers and table.misses_columns:
        return f"the triggers of {name} may name columns that are gone by then"
    if table.size is None:
        return f"the size of {name} is not known before the plan runs"
    return ""


def _weigh_definition(effect: Reading, schema: Schema, terms: Terms) -> Promise:
    if effect.verb == "maintain":
        return Promise("compensated", "the server commits it by itself; there is nothing to undo")
    if reason := _unfollowed(effect, schema) or _unmakable(effect, schema):
        return _final(reason)
    if effect.verb == "truncate":
        return _weigh_truncate(effect.tables_written[0], schema, terms)
    if effect.objects[0].kind != "table":
        return COMPENSATED
    if effect.verb == "drop":
        return _weigh_drop(effect, schema)
    if effect.verb != "alter":
        return COMPENSATED
    promise = _weigh_alter(effect, schema, terms)
    told = not_compared(effect, schema, terms.dialect, terms.copy_limit)
    return promise if promise.is_final else replace(promise, warning=told)


def _unfollowed(effect: Reading, schema: Schema) -> str:
    """Why a change of tables is not undone, whatever it changes; empty: it may be."""
    for old, _ in effect.renames:
        if old.name in schema.views:
            return f"it renames the view {old.name} like a table"
    for one in (*effect.objects, *effect.tables_written):
        table = schema.find(one) if one.kind == "table" and effect.verb != "create" else None
        if table and table.engine != INNODB and not table.is_new:
            return f"{one.name} is no InnoDB table: a crash can leave such a change half done"
        if table and table.versioned and effect.verb != "rename":
            return f"{one.name} is system-versioned, and lockgate cannot make such a table again"
    if effect.verb == "alter" and effect.storage_engine not in ("", INNODB):
        return f"it changes the storage engine to {effect.storage_engine}"
    return ""


def _unmakable(effect: Reading, schema: Schema) -> str:
    """Why a view that a statement changes could not be made again; empty: it could."""
    if effect.verb == "create" and not effect.replaces:
        return ""
    for one in effect.objects:
        if one.kind == "view" and one.name in schema.broken_views:
            return (
                f"the view {one.name} is broken: the server would not make it again, "
                "as what it reads is missing"
            )
    return ""


def _weigh_drop(effect: Reading, schema: Schema) -> Promise:
    if not schema.checks_foreign_keys and (child := _referring(effect, schema)):
        return _final(f"it drops a table that {child} refers to, while foreign_key_checks is off")
    return Promise("deferred", "the table waits in another schema until the plan is committed")


def _referring(effect: Reading, schema: Schema) -> str:
    """A table whose foreign keys lead to those that are dropped, and that stays; empty: none."""
    going = {one.name.lower() for one in effect.objects}
    for one in effect.objects:
        for key in schema.children(one.name):
            if key.child.lower() not in going and schema.spelled(one.name):
                return key.child
    return ""


def _weigh_truncate(one: Object, schema: Schema, terms: Terms) -> Promise:
    if one.name in schema.temporary:
        return _final(f"it names the temporary table {one.name} without saying TEMPORARY")
    table = schema.find(one)
    if table and table.is_new:
        return Promise("implied", f"undone with {one.name}, which the same unit makes")
    return _copied(f"it empties {one.name}", [one.name], schema, terms, "the rows")


def _weigh_alter(effect: Reading, schema: Schema, terms: Terms) -> Promise:
    target = effect.objects[0]
    table = schema.find(target)
    if table and table.is_new:
        return COMPENSATED
    for clause in effect.clauses if table else ():
        column = table.columns.get(clause.name.lower()) if table else None
        if clause.action == DEFAULT and column and column.generated:
            return _final(
                f"SHOW CREATE TABLE shows no default of {clause.name}, a generated column"
            )
    losses = dict(lost_values(effect, table, schema, terms.dialect))
    if not losses:
        return COMPENSATED
    what = f"it {', '.join(losses.values())}"
    if table and not table.key:
        return _final(f"{what}, and without a primary key of {target.name} no copy can be put back")
    if table and losses.keys() & set(table.key):
        return _final(f"{what}, and by the primary key a copy would be put back")
    gone = {name.lower() for name in effect.columns_dropped}
    overwrites = not losses.keys() <= gone
    return _copied(what, [target.name], schema, terms, "the values", overwrites=overwrites)


def _list(objects: list[Object]) -> str:
    return ", ".join(one.name for one in objects)
