"""What a plan changes in the schema, object by object: what its rehearsal saw, else its SQL.

Derived from the statements themselves, so that no claim has to be believed; decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from lockgate.planner.building.readings import full_reading
from lockgate.planner.database.catalogue import ObjectChange
from lockgate.planner.plan.plan import Plan, Step
from lockgate.planner.plan.statement import PlannedStatement, TakenAlong
from lockgate.planner.reading.reading import Clause, Object, Reading
from lockgate.planner.review.losses import known_rows
from lockgate.planner.review.passwords import without_passwords
from lockgate.planner.sql.cursor import read_tokens
from lockgate.planner.sql.dialect import Dialect
from lockgate.planner.value import frozen, replace

# A reading may say by the columns' own names what these do.
ON_COLUMNS = frozenset({"add column", "drop column", "redefine column", "rename"})
RIGHTS = "rights"
ASKED = ("algorithm", "lock")
"""How MySQL is to carry it out."""
MAY_FAIL = {"set not null": "(fails if a row has NULL)"}
SHORT = 120
"""Characters of a statement."""
ROWS = "rows in"
DEFINES = frozenset({"create", "alter", "drop", "rename"})
SIGNS = {"add": "+", "attach": "+", "drop": "-", "detach": "-", "name": "+", "build": "+"}


@frozen
class SchemaChange:
    """An object that is not the same after the plan. `object` is its kind and name, as in `table
    users`; `lines` begin with `+`, `-`, or `~` for what is altered; empty: not known.

    `seen` says that a rehearsal has measured it; else it is what the SQL says.
    """

    object: str
    change: ObjectChange
    lines: tuple[str, ...] = ()
    seen: bool = False


def find_schema_changes(plan: Plan) -> tuple[SchemaChange, ...]:
    """What was rehearsed, in the order of names, then what the SQL says besides, in the order in
    which it runs; an object that the plan makes and drops is not among them.

    >>> from lockgate.planner.reading.reader import read_section
    >>> from lockgate.planner.sql.dialect import POSTGRESQL
    >>> sql = ["create table t (a int)", "alter table t add b int", "alter table u drop c"]
    >>> for one in _merged(_told(reading) for reading in read_section(sql, POSTGRESQL)):
    ...     print(one.object, one.change, *one.lines)
    table t added + a int4 + column b: int4
    table u changed - column c
    """
    dialect = plan.target.dialect
    seen = plan.rehearsal.changes if plan.rehearsal else ()
    rehearsed = tuple(SchemaChange(one.object, one.change, one.lines, seen=True) for one in seen)
    if dialect is None:
        return rehearsed
    known = {_last_name(one.object) for one in rehearsed} | _parts(rehearsed)
    read = _merged(_read(plan.steps, dialect))
    left = [one for one in read if _is_rows(one) or _last_name(one.object) not in known]
    return (*rehearsed, *_merged((left, _taken_along(plan, known))))


def _is_rows(change: SchemaChange) -> bool:
    return change.object.startswith(f"{ROWS} ")


def _read(steps: Iterable[Step], dialect: Dialect) -> Iterator[list[SchemaChange]]:
    for step in steps:
        for statement in step.statements:
            reading = _of_what_is_there(full_reading(statement, dialect), statement)
            # Of a trigger those before it say whether its function was read.
            opaque = statement.reading.opaque if statement.reading else reading.opaque
            text = _in_short(statement.sql, dialect) if reading.changes_rights else ""
            told = _told(replace(reading, opaque=opaque), text)
            yield [_with_old_type(one, statement.loses) for one in told]
            yield _rows(statement, reading)


def _in_short(sql: str, dialect: Dialect) -> str:
    """The statement on one line, without passwords, and cut."""
    text = without_passwords(read_tokens(sql, dialect).text(), dialect)
    line = " ".join(text.split())
    return line if len(line) <= SHORT else f"{line[: SHORT - 1]}…"


def _with_old_type(change: SchemaChange, lost: Iterable[str]) -> SchemaChange:
    """The change with the old type of a column too, where its values are cut."""
    known = {}
    for noun in lost:
        column, _, types = noun.partition(": ")
        known[f"~ {column.rpartition('.')[2]}: type {types.rpartition(' → ')[2]}"] = types
    lines = (f"{line.partition(': ')[0]}: {known[line]}" if line in known else line
             for line in change.lines)  # fmt: skip
    return replace(change, lines=tuple(lines))


def _taken_along(plan: Plan, known: Collection[str]) -> list[SchemaChange]:
    """What goes with what is dropped, without what a rehearsal has seen go."""
    taken = (one for step in plan.steps for statement in step.statements for one in statement.takes)
    return [_gone_along(one) for one in taken if one.name.rpartition(".")[2] not in known]


def _gone_along(one: TakenAlong) -> SchemaChange:
    if not one.table:
        return SchemaChange(f"{one.kind} {one.name}", "removed")
    of = "on " if one.kind == "rights" else ""
    return SchemaChange(f"table {one.table}", "changed", (f"- {one.kind} {of}{one.name}",))


def _rows(statement: PlannedStatement, reading: Reading) -> list[SchemaChange]:
    """The rows that a statement writes, a line a table."""
    if reading.verb != "write" or reading.temporary:
        return []
    counted = known_rows(statement)
    return [
        SchemaChange(f"{ROWS} {one.name}", "changed", (f"~ {_how(reading)}{_of(counted, one)}",))
        for one in reading.tables_written
    ]


def _how(reading: Reading) -> str:
    words = f"{reading.kind} of every row" if reading.every_row else reading.kind
    return words or "write"


def _of(counted: Mapping[str, int], table: Object) -> str:
    rows = counted.get(table.name)
    return "" if rows is None else f" (of about {rows:,} rows)"


def _of_what_is_there(reading: Reading, statement: PlannedStatement) -> Reading:
    absent = statement.reading.absent if statement.reading else ()
    gone = {(one.kind, one.qualifier, one.name) for one in absent}
    left = tuple(one for one in reading.objects if (one.kind, one.schema, one.name) not in gone)
    return replace(reading, objects=left) if absent else reading


def _parts(changes: Iterable[SchemaChange]) -> set[str]:
    """What rehearsed objects hold under names of their own, such as the indexes of a table."""
    parts = (line[1:].partition(":")[0].split() for one in changes for line in one.lines)
    return {words[-1] for words in parts if len(words) > 1}


def _told(reading: Reading, text: str = "") -> list[SchemaChange]:
    """What one statement changes, by its reading; `text` is one that changes rights in short."""
    if reading.opaque or reading.unread:
        code = SchemaChange("code that was not read", "changed", (f"~ {reading.kind}",))
        return [code, *_told(replace(reading, opaque=False, unread=""), text)]
    if reading.changes_rights:
        rights = SchemaChange(RIGHTS, "changed", (f"~ {text or reading.kind}",))
        return [rights, *_told(replace(reading, changes_rights=False))]
    if reading.temporary or reading.verb not in DEFINES:
        return []
    changes: dict[str, ObjectChange] = {"create": "added", "drop": "removed"}
    change = changes.get("alter" if reading.replaces else reading.verb, "changed")
    is_whole = change != "changed" or reading.replaces
    lines = reading.outline if is_whole else tuple(_lines(reading)) or (f"~ {reading.kind}",)
    return [SchemaChange(_spell(one), change, lines) for one in reading.objects if one.name]


def _lines(reading: Reading) -> Iterator[str]:
    """What an object's change consists of."""
    known = dict(_described(reading.clauses))
    clauses = [one for one in reading.clauses if _says_more(one)]
    named = {one.name for one in clauses if one.action in ("add column", "drop column")}
    added = (name for name in reading.columns_added if name not in named)
    yield from (f"+ column {known.get(name, name)}" for name in added)
    yield from (f"- column {name}" for name in reading.columns_dropped if name not in named)
    yield from (f"~ column {old} renamed to {new}" for old, new in reading.columns_renamed)
    for name, definition in reading.columns_redefined.items():
        yield f"~ column {name}: {definition.text or definition.type}"
    yield from (_clause(one) for one in clauses if one.name not in reading.columns_redefined)
    yield from (f"~ renamed to {new.name}" for _, new in reading.renames)


def _described(clauses: Iterable[Clause]) -> Iterator[tuple[str, str]]:
    """The columns that clauses without a name of their own add, each with its definition."""
    for one in clauses:
        name, _, definition = one.definition.partition(": ")
        if definition and not one.name and one.action.startswith("add "):
            yield name, one.definition


def _says_more(clause: Clause) -> bool:
    """Whether it says more of what it does than the columns' names do, and not only how."""
    is_described = bool(dict(_described([clause])))
    is_named = bool(clause.name) or clause.action not in ON_COLUMNS
    return is_named and not is_described and clause.action not in ASKED


def _clause(clause: Clause) -> str:
    """
    >>> users = Object("table", "users")
    >>> _clause(Clause("add column", users, "age", type="int4"))
    '+ column age: int4'
    >>> _clause(Clause("set not null", users, "age"))
    '~ age: set not null (fails if a row has NULL)'
    """
    verb, _, rest = clause.action.partition(" ")
    sign, kind = SIGNS.get(verb, "~"), rest or verb
    others = ", ".join(one.name for one in clause.others)
    columns = f"({', '.join(filter(None, clause.columns))})" if any(clause.columns) else ""
    words = " ".join(sorted(clause.words - {"serial", "any zone"}))
    about = clause.definition or " ".join(filter(None, (clause.type, words, columns, others)))
    head = f"{kind} {clause.name}".strip() if sign != "~" else clause.name
    if sign == "~":
        action = "" if clause.definition else clause.action.removeprefix("alter column ")
        about = " ".join(filter(None, (action, about, MAY_FAIL.get(clause.action, ""))))
    joint = " " if about.startswith("(") else ": "
    return f"{sign} {joint.join(filter(None, (head, about)))}"


def _merged(told: Iterable[list[SchemaChange]]) -> tuple[SchemaChange, ...]:
    """The changes, one an object, in the order of the first of each."""
    found: dict[str, SchemaChange] = {}
    for change in (one for each in told for one in each):
        before = found.pop(change.object, None)
        if before is None:
            found[change.object] = change
        elif not (before.change == "added" and change.change == "removed"):
            found[change.object] = _joined(before, change)
    return tuple(found.values())


def _joined(before: SchemaChange, after: SchemaChange) -> SchemaChange:
    if after.change == "removed":
        return after
    kept = before.lines if before.change != "removed" else ()
    is_new = before.change == "added"
    come = [f"+{one[1:]}" if is_new and one.startswith("~") else one for one in after.lines]
    change: ObjectChange = "added" if is_new else "changed"
    return replace(before, change=change, lines=tuple(dict.fromkeys((*kept, *come))))


def _spell(one: Object) -> str:
    return f"{one.kind} {one.schema}.{one.name}" if one.schema else f"{one.kind} {one.name}"


def _last_name(spelled: str) -> str:
    """The object's own name, without kind and schema.

    >>> _last_name("table audit.users"), _last_name("function f(integer)")
    ('users', 'f')
    """
    return spelled.partition(" ")[2].split("(")[0].rpartition(".")[2].rpartition(" ")[2]
