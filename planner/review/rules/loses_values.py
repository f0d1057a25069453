"""`loses-values`: a column's new definition may not hold its old values."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.reading.mysql.types import cuts, find_column, loses
from lockgate.planner.reading.reading import Definition, Object
from lockgate.planner.reading.sizes import find_table
from lockgate.planner.review.section import Reviewed, Subject, report

CODE = "loses-values"
CUT = "Without strict mode the server changes values that do not fit, and only warns."
REFUSED = "In strict mode the statement fails at the first value that does not fit."
ROUNDED = "In strict mode too, the server rounds what does not fit, and says nothing."
EITHER = f"{CUT} {REFUSED}"
# No type of their family holds more.
WIDEST = frozenset({"bigint", "longtext", "longblob"})
SAFER = "First find and mend the rows that do not fit, then change the column."


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each column that a statement redefines so, on MySQL and MariaDB."""
    if subject.terms.dialect.transactional_ddl:
        return
    for statement in subject.statements:
        effect = statement.impact.reading
        for column, definition in effect.columns_redefined.items():
            if not subject.is_new(effect.objects[0], statement):
                yield from _judge(subject, statement, column, definition)


def _judge(
    subject: Subject, statement: Reviewed, column: str, new: Definition
) -> Iterator[Finding]:
    terms, table = subject.terms, statement.impact.reading.objects[0]
    known = find_table(table, terms.facts)
    old = find_column(known.columns, column) if known else None
    if known is None or old is None:
        yield from _unknown(subject, statement, table, column, new)
        return
    rounds = cuts(old, new, strict=True)
    strict = terms.facts.strict and (rounds or not statement.impact.loses)
    reason = loses(old, new, known.collation, strict, terms.dialect)
    if not reason and old.nullable and not new.nullable:
        reason = "NULL does not fit NOT NULL"
    reason = reason or loses(old, new, known.collation, False, terms.dialect)
    if reason:
        message = f"{table.name}.{column}: {reason}."
        severity = subject.grade(table) if strict and not rounds else "danger"
        why = ROUNDED if strict and rounds else REFUSED if strict else CUT
        yield report(CODE, severity, statement, message, why, SAFER)


def _unknown(
    subject: Subject, statement: Reviewed, table: Object, column: str, new: Definition
) -> Iterator[Finding]:
    if not new.nullable:
        message = f"{table.name}.{column} becomes NOT NULL; if it holds NULL, that does not fit."
        yield report(CODE, "warning", statement, message, EITHER, SAFER)
    elif new.type not in WIDEST:
        message = f"Whether every value of {table.name}.{column} fits {new.text} is not known."
        yield report(CODE, "warning", statement, message, EITHER, SAFER)
