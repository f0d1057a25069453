"""`session-state`: a section leaves its session otherwise than it was."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.reading.reading import Reading
from lockgate.planner.review.section import Reviewed, Subject, report

CODE = "session-state"
WHY = (
    "Later statements run by it too, and lockgate renews the session for the next migration, "
    "which ends the transaction before it."
)


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each setting that is not set back, and for each database that is left."""
    if subject.terms.dialect.transactional_ddl:
        return
    for name, (statement, changes) in _settings(subject).items():
        if changes == 1:
            safer = f"Set it back at the end of the section: SET {name} = DEFAULT;"
            message = f"{name} is set, and not set back."
            yield report(CODE, "warning", statement, message, WHY, safer)
    for statement in subject.statements:
        if chosen := statement.impact.reading.chosen_database:
            message = f"USE makes {chosen} the default database."
            safer = "Name tables with their database, and leave USE out."
            yield report(CODE, "warning", statement, message, WHY, safer)


def _settings(subject: Subject) -> dict[str, tuple[Reviewed, int]]:
    """Each variable with the statement that sets it first, and how often it is set; without those
    that only get back what the section has kept of them, as after SET NAMES."""
    found: dict[str, tuple[Reviewed, int]] = {}
    for statement in subject.statements:
        for name, value in _lasting(statement.impact.reading):
            is_kept = value.startswith("@") and not value.startswith("@@")
            if name in found or not is_kept:
                first, count = found.get(name, (statement, 0))
                found[name] = (first, count + 1)
    return found


def _lasting(effect: Reading) -> Iterator[tuple[str, str]]:
    yield from (one for one in effect.settings.items() if one[0] not in ("autocommit", "timestamp"))
