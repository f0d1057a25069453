"""The result of many faults as a table and a list of violations, as text."""

from collections import Counter
from collections.abc import Iterable, Sequence

from tests.faults.fault import KINDS
from tests.faults.judgement import Verdict

STATES = ("before", "after", "between")
HEAD = ("engine", "fault", "injected", *STATES, "violations")
WIDTHS = (12, 10, 9, 9, 9, 9, 11)


def draw_table(verdicts: Sequence[Verdict]) -> str:
    """Engines and kinds of fault; how many were injected, in which state each had left the
    database at once, before the plan was applied again, and how many violations there were."""
    engines = sorted({verdict.fault.variant.engine for verdict in verdicts})
    rows = [
        (engine, kind, *_count(verdicts, engine, kind))
        for engine in engines
        for kind in KINDS
        if any(_is(verdict, engine, kind) for verdict in verdicts)
    ]
    total = ("all", "", *_sum(verdicts))
    return "\n".join(_line(row) for row in (HEAD, *rows, total))


def list_violations(verdicts: Iterable[Verdict]) -> str:
    """Each violation under the name of its fault, by which it can be done again."""
    return "\n".join(tell_violation(verdict) for verdict in verdicts if verdict.violations)


def tell_violation(verdict: Verdict) -> str:
    """One fault, where it struck, and what was wrong."""
    where = f" at `{verdict.struck}`" if verdict.struck else ""
    return "\n".join([f"{verdict.fault}{where}", *verdict.violations, ""])


def _is(verdict: Verdict, engine: str, kind: str) -> bool:
    return verdict.fault.variant.engine == engine and verdict.fault.kind == kind


def _count(verdicts: Sequence[Verdict], engine: str, kind: str) -> tuple[int, ...]:
    return _sum([verdict for verdict in verdicts if _is(verdict, engine, kind)])


def _sum(verdicts: Sequence[Verdict]) -> tuple[int, ...]:
    found = Counter(verdict.found for verdict in verdicts)
    wrong = sum(bool(verdict.violations) for verdict in verdicts)
    return len(verdicts), *(found[state] for state in STATES), wrong


def _line(cells: Sequence[object]) -> str:
    texts = [f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells]
    padded = (
        text.ljust(width) if place < 2 else text.rjust(width)
        for place, (text, width) in enumerate(zip(texts, WIDTHS, strict=True))
    )
    return " ".join(padded).rstrip()
