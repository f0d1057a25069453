"""Intents: what is written to the journal before a statement, from which it can be undone.

Reads the database through the guard's session, which no section has touched; changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.table.definition import read_table
from lockgate.executors.mysql.table.references import orphans, parent_of
from lockgate.executors.mysql.undo.images import (
    ABSENT,
    Image,
    Query,
    Stored,
    read_triggers,
    take_image,
)
from lockgate.planner.quoting import backquoted
from lockgate.planner.reading.reading import Object, Reading
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.executors.mysql.undo.graveyard import Graveyard
    from lockgate.planner.guarantees.loosened_keys import Key
    from lockgate.planner.plan.statement import PlannedStatement

COUNTING = """
select table_name from information_schema.columns
where table_schema = %s and extra like '%%auto_increment%%'
"""
# By what a statement may run code that is not in its text: functions, wherever they are, and views
# that call some.
CODE = """
select lower(routine_name) from information_schema.routines where routine_type = 'FUNCTION'
union select lower(table_name) from information_schema.tables
where table_schema = %s and table_type = 'VIEW'
"""

SEE_PARENTS = "Let the role read both tables of the foreign key {0}: {1}."


@frozen
class Reached:
    """The tables whose rows a statement may change; or of ALTER TABLE the columns whose values it
    loses, and the table whose rows are compared when it is undone."""

    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    compared: str = ""
    keys: tuple[Key, ...] = ()
    """The foreign keys that hold no rows for a while."""


NOTHING = Reached()


class Copy(Stored):
    """Rows of a table in the graveyard: the `columns` beside the primary key, or all of it."""

    table: str
    name: str
    columns: tuple[str, ...] = ()
    key: tuple[str, ...] = ()


class RowDigests(Stored):
    """Digests of the rows of a table, before a statement and as it left them. `differ` says that
    they were other ones after it was undone, and that no other session was seen to write there."""

    table: str
    before: str
    after: str = ""
    differ: bool = False


class Reference(Stored):
    """A foreign key, and how many rows had no parent by it before a statement."""

    table: str
    name: str
    orphans: int


class Intent(Stored):
    """What the database was, of all that one statement may change.

    `columns` are renamed ones, new name -> old name. `graves` are the tables that it drops ->
    their names in the graveyard. `writes_rows` says that its outcome is in its transaction.
    `after` are the tables as it left them, by name: they show if others have changed one since.
    """

    verb: str
    images: tuple[Image, ...] = ()
    renames: tuple[tuple[str, str], ...] = ()
    columns: Mapping[str, str] = Field(default_factory=dict)
    graves: Mapping[str, str] = Field(default_factory=dict)
    copies: tuple[Copy, ...] = ()
    witness: str = ""
    writes_rows: bool = False
    after: Mapping[str, str] = Field(default_factory=dict)
    rows: RowDigests | None = None
    references: tuple[Reference, ...] = ()

    def create(self, kind: str, name: str) -> str:
        """The definition that an object of the statement had; empty when there was none."""
        return next((image.create for image in self.images if image.key == (kind, name)), "")

    @property
    def aids(self) -> tuple[str, ...]:
        """The tables in the graveyard that were made to undo it by, or to see if it happened."""
        witness = (self.witness, moved(self.witness)) if self.witness else ()
        return (*(copy.name for copy in self.copies), *witness)

    @property
    def leftovers(self) -> tuple[str, ...]:
        """The tables in the graveyard that may exist because of it."""
        return (*self.graves.values(), *self.aids)


class Before(Stored):
    """What a unit found: the digests of all objects, and the counters of the tables it touches."""

    catalogue: Mapping[str, str]
    counters: Mapping[str, int]


def moved(witness: str) -> str:
    """The name that the witness of a RENAME TABLE has after it."""
    return f"{witness}_moved"


def prepare_intent(
    query: Query,
    graveyard: Graveyard,
    effect: Reading,
    statement: PlannedStatement,
    label: str,
    reached: Reached = NOTHING,
) -> Intent:
    """The intent of a statement that is about to run; `label` is unique in the graveyard.

    `reached` is what it may change beside what it names.

    Raises:
        ServerError: the role may not see a definition.
    """
    copied = statement.guarantee == "compensated-by-copy"
    copies = plan_copies(query, graveyard.database, effect, label, reached) if copied else ()
    found = [
        *_images(query, graveyard.database, effect),
        *(image for copy in copies for image in _silenced(query, graveyard.database, copy)),
    ]
    images = {image.key: image for image in found}
    buried = _tables(effect) if statement.guarantee == "deferred" else ()
    renames = tuple((old.name, new.name) for old, new in effect.renames)
    return Intent(
        verb=effect.verb,
        images=tuple(images.values()),
        renames=renames,
        columns={new: old for old, new in effect.columns_renamed},
        graves={table: f"{label}_{place}" for place, table in enumerate(buried)},
        copies=copies,
        witness=f"{label}_witness" if is_permutation(renames) else "",
        writes_rows=effect.verb == "write",
        rows=_rows(query, graveyard.database, reached.compared) if reached.compared else None,
        references=tuple(_references(query, graveyard.database, reached.keys)),
    )


def is_quick(statement: PlannedStatement, effect: Reading, reached: Reached) -> bool:
    """Whether what is done around a statement takes no time, and a look at the one object that it
    makes or changes tells if it has happened: so its end may be noted with what comes next."""
    return (
        statement.guarantee == "compensated"
        and effect.verb in ("create", "alter")
        and len(effect.objects) == 1
        and not (effect.renames or effect.columns_redefined or reached.compared)
    )


def with_result(query: Query, database: str, intent: Intent) -> Intent:
    """The intent of a statement that is done, with the tables as it left them."""
    names = {image.name for image in intent.images if image.kind == "table"}
    after = {name: take_image(query, database, Object("table", name)).create for name in names}
    found: dict[str, object] = {"after": {name: text for name, text in after.items() if text}}
    if intent.rows:
        name = dict(intent.renames).get(intent.rows.table, intent.rows.table)
        left = read_digest(query, database, name)
        found["rows"] = intent.rows.model_copy(update={"after": left})
    return intent.model_copy(update=found)


def read_digest(query: Query, database: str, table: str) -> str:
    """A digest of a table's rows, in whatever order: equal for equal rows of one definition.

    InnoDB reads them without a lock, as they are at one moment.
    https://dev.mysql.com/doc/refman/9.7/en/checksum-table.html
    """
    ((_, digest),) = query(f"checksum table {backquoted(database)}.{backquoted(table)}", ())
    return str(digest)


def _rows(query: Query, database: str, table: str) -> RowDigests:
    return RowDigests(table=table, before=read_digest(query, database, table))


def _references(query: Query, database: str, keys: Iterable[Key]) -> Iterator[Reference]:
    for table, named in keys:
        create = take_image(query, database, Object("table", table)).create
        for name in [named] if named else read_table(create).foreign_keys if create else ():
            found = count_orphans(query, database, table, name)
            if found is not None:
                yield Reference(table=table, name=name, orphans=found)


def count_orphans(query: Query, database: str, table: str, name: str) -> int | None:
    """How many rows of a table have no parent by a foreign key, read without a lock; None: there
    is no such key, or no such parent in the database."""
    create = take_image(query, database, Object("table", table)).create
    known = read_table(create) if create else None
    if known is None or not (asked := orphans(known, name)):
        return None
    try:
        ((found,),) = query(f"select count(*) from {asked}", ())
    except ServerError as error:
        if error.code in ABSENT:
            return None
        both = dict.fromkeys((backquoted(known.name), parent_of(known, name)))
        grants = "; ".join(f"GRANT SELECT ON {backquoted(database)}.{one} TO …" for one in both)
        raise ServerError(
            error.code, error.message, hint=SEE_PARENTS.format(name, grants)
        ) from error
    return int(found)


def is_permutation(renames: Iterable[tuple[str, str]]) -> bool:
    """Whether RENAME TABLE leaves the same names, so that they do not show if it happened.

    >>> is_permutation([("a", "spare"), ("b", "a"), ("spare", "b")])
    True
    """
    place: dict[str, str] = {}  # where each table is now -> where it was
    for old, new in renames:
        place[new] = place.pop(old, old)
    return bool(place) and set(place) == set(place.values())


def _tables(effect: Reading) -> tuple[str, ...]:
    return tuple(target.name for target in effect.objects if target.kind == "table")


def _written(effect: Reading) -> tuple[str, ...]:
    return tuple(target.name for target in effect.tables_written)


def _images(query: Query, database: str, effect: Reading) -> Iterable[Image]:
    """Of the statement's objects; of a table that is dropped, with those of its triggers."""
    for target in effect.objects:
        yield take_image(query, database, target)
        if effect.verb == "drop" and target.kind == "table":
            for trigger in read_triggers(query, database, target.name):
                yield take_image(query, database, Object("trigger", trigger))
    for _, new in effect.renames:
        yield take_image(query, database, new)


def _silenced(query: Query, database: str, copy: Copy) -> Iterable[Image]:
    """Of the triggers that must not run when a copy is put back: of columns, by an UPDATE."""
    for trigger in read_triggers(query, database, copy.table, "UPDATE" if copy.columns else ""):
        yield take_image(query, database, Object("trigger", trigger))


def plan_copies(
    query: Query, database: str, effect: Reading, label: str, reached: Reached
) -> tuple[Copy, ...]:
    """The copies of rows that a statement needs first; `label` is unique in the graveyard."""
    names = copied_tables(effect, reached)
    if copies_whole_rows(effect):
        found = enumerate(name for name in names if _is_table(query, database, name))
        return tuple(Copy(table=table, name=f"{label}_copy_{n}") for n, table in found)
    (name,) = names
    table = read_table(take_image(query, database, Object("table", name)).create)
    lost = {column.lower() for column in reached.columns}
    columns = tuple(c for c in table.own_columns if c.lower() in lost)
    return (Copy(table=name, name=f"{label}_copy_0", key=table.primary_key, columns=columns),)


def copied_tables(effect: Reading, reached: Reached) -> tuple[str, ...]:
    """Of which tables a statement needs copies; views may be among them, which have no rows."""
    if copies_whole_rows(effect):
        return tuple(dict.fromkeys((*_written(effect), *reached.tables)))
    return _tables(effect)


def copies_whole_rows(effect: Reading) -> bool:
    """Whether the copies are of all columns, which are put back by DELETE and INSERT; else of
    some columns, by UPDATE."""
    return effect.verb in ("write", "truncate")


def _is_table(query: Query, database: str, name: str) -> bool:
    return bool(take_image(query, database, Object("table", name)).create)


def read_moving_counters(
    query: Query, database: str, effects: Sequence[Reading]
) -> Mapping[str, int]:
    """The AUTO_INCREMENT counters that these statements may move, of tables that exist.

    What a trigger, a function or a view that calls one writes is not known, so they may move any.
    """
    written = {name for each in effects for name in _written(each)}
    named = written.union(*(_tables(each) for each in effects))
    if _runs_code(query, database, effects) or any(
        read_triggers(query, database, name) for name in written
    ):
        counting = query(COUNTING, (database,))
    else:
        counting = query(f"{COUNTING} and table_name in %s", (database, named)) if named else []
    names = sorted(name for (name,) in counting)
    images = {name: take_image(query, database, Object("table", name)) for name in names}
    shown = {name: image.create for name, image in images.items() if image.create}
    counters = {name: read_table(text).auto_increment for name, text in shown.items()}
    return {name: counter for name, counter in counters.items() if counter}


def _runs_code(query: Query, database: str, effects: Iterable[Reading]) -> bool:
    mentioned = {name for each in effects if each.evaluates for name in each.mentions.names}
    return bool(mentioned) and any(name in mentioned for (name,) in query(CODE, (database,)))
