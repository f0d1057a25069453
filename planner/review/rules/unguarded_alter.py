"""`unguarded-alter`: a large table is altered without saying how much the server may block."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.finding import Finding
from lockgate.planner.reading.sizes import measure
from lockgate.planner.review.section import Subject, report

CODE = "unguarded-alter"


def find(subject: Subject) -> Iterator[Finding]:
    """One finding for each ALTER of a large table without ALGORITHM and LOCK."""
    for statement in subject.statements:
        impact = statement.impact
        if impact.reading.explicit or impact.reading.verb != "alter":  # OPTIMIZE can say neither
            continue
        for hold in impact.holds:
            if not hold.algorithm or hold.is_long:
                continue
            if measure(hold.on, subject.terms.facts, subject.terms.thresholds) == "large":
                yield report(
                    CODE,
                    "info",
                    statement,
                    f"{statement.impact.reading.kind.upper()} of {subject.describe(hold.on)} names "
                    "neither ALGORITHM nor LOCK.",
                    "The server then chooses, and a server of another version may choose to copy.",
                    _guard(hold.algorithm),
                )


def _guard(algorithm: str) -> str:
    lock = "" if algorithm == "instant" else ", LOCK=NONE"
    return f"Add `, ALGORITHM={algorithm.upper()}{lock}`."
