"""`reaches-out`: a statement reaches outside of its database, or changes who may do what there."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.review.section import Subject, report

CODE = "reaches-out"
EVERYONE = {
    "PUBLIC": (
        "It gives rights to PUBLIC, which is every role.",
        "Everyone who can connect has them, roles made later too; REVOKE from one role alone does "
        "not take them back.",
    ),
    "''": (
        "It gives rights to the account without a name.",
        "Everyone who connects by an unknown name has them; those on a database every account has.",
    ),
}


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each statement; good to know where it is about rights alone, and a
    warning where everyone gets them."""
    for statement in subject.statements:
        reading = statement.impact.reading
        if reading.reaches_out:
            yield report(
                CODE,
                "danger",
                statement,
                f"It {' and '.join(reading.reaches_out)}.",
                "What that does is not among the plan's losses and locks, nothing undoes it, and "
                "it may serve its author.",
                "Do it outside of migrations, by a person who has the right to.",
            )
        elif reading.gives_everyone:
            yield report(
                CODE,
                "warning",
                statement,
                *EVERYONE[reading.gives_everyone],
                "Give them to a role, and that role to those who need them.",
            )
        elif reading.changes_rights:
            yield report(
                CODE,
                "info",
                statement,
                "It changes who may do what, or what later sessions begin with.",
                "A reviewer of the schema is asked to decide about rights too.",
                "See that the role, and the right or the setting, is meant.",
            )
