"""`default-schema`: later sessions look for names elsewhere, and make tables elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.database.facts import Facts
from lockgate.planner.finding import Finding
from lockgate.planner.reading.reading import Reading
from lockgate.planner.review.section import Subject, report

CODE = "default-schema"
WHY = (
    "Names without a schema lead elsewhere from the next session on, in later migrations and in "
    "applications. lockgate finds its ledger where the first run has made it."
)


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each statement that changes the search_path of sessions to come, or whether
    the schemas are there that it names before the default one."""
    for statement in subject.statements:
        if change := _change(statement.impact.reading, subject.terms.facts):
            yield report(
                CODE,
                "warning",
                statement,
                change,
                WHY,
                "Write names with their schema, in later migrations and in applications.",
            )


def _change(reading: Reading, facts: Facts) -> str:
    """What a statement changes, as a sentence; empty: nothing that is known."""
    if reading.moves_default:
        return "It changes the search_path of sessions that begin after it."
    gone, made = _schemas(reading)
    if facts.default_schema and facts.default_schema in gone:
        return f"It takes the schema {facts.default_schema} away, which is the default one."
    for name in made:
        if name in facts.schemas_before or (not name and facts.schemas_before):
            shown = name or "that it makes"
            return (
                f"The schema {shown} becomes the default one in place of "
                f"{facts.default_schema or 'none'}: the search_path names it first."
            )
    return ""


def _schemas(reading: Reading) -> tuple[list[str], list[str]]:
    """The schemas that are gone after a statement, and those that it makes; an empty name is one
    that the statement does not spell."""
    names = [one.name for one in reading.objects if one.kind == "schema"]
    match reading.verb:
        case "create":
            return [], names
        case "drop":
            return names, []
        case _:  # of ALTER SCHEMA, only RENAME has two
            return (names[:1], names[1:]) if len(names) == 2 else ([], [])
