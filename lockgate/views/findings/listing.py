"""The findings of `migrate lint`: for people, and as one JSON document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lockgate.planner.finding import Finding, Located, Severity
from lockgate.views.findings.links import page_of
from lockgate.views.json import show_document
from lockgate.views.terminal import say

STYLES = {"danger": "bold red", "warning": "yellow", "info": "cyan"}
COUNTED: tuple[tuple[Severity, str], ...] = (
    ("danger", "dangers"),
    ("warning", "warnings"),
    ("info", "infos"),
)


def show_text(found: Sequence[Located]) -> None:
    """Each finding with its reason and what is safer, then how many there are; on stdout.

    The first of each rule says where the rule is explained.
    """
    explained = set()
    for one in found:
        finding = one.finding
        allowed = finding.allowed is not None
        grade = "allowed" if allowed else finding.severity
        style = "green" if allowed else STYLES[finding.severity]
        say(f"{one.path}:{finding.line}: {grade}: {finding.code}", style)
        for line in _lines(finding):
            say(f"  {line}")
        if finding.code not in explained:
            say(f"  See: {page_of(finding.code)}")
            explained.add(finding.code)
    say(_summary(found), "" if found else "green")


def _lines(finding: Finding) -> list[str]:
    safer = [f"Safer: {finding.safer}"] if finding.safer else []
    if finding.allowed is not None:
        return [finding.message, f"Allowed: {finding.allowed}"]
    return [finding.message, f"Why: {finding.why}", *safer]


def _summary(found: Sequence[Located]) -> str:
    if not found:
        return "No findings."
    counts = Counter(one.finding.severity for one in found if one.finding.allowed is None)
    parts = [
        f"{counts[name]} {name if counts[name] == 1 else several}"
        for name, several in COUNTED
        if counts[name]
    ]
    allowed = sum(one.finding.allowed is not None for one in found)
    parts += [f"{allowed} allowed"] if allowed else []
    return f"{', '.join(parts)}."


def show_json(found: Sequence[Located]) -> None:
    """All findings as one document on stdout."""
    show_document(
        {
            "format": "lockgate-findings",
            "format_version": "1.0",
            "findings": [
                {"file": one.path, "direction": one.direction, **one.finding.model_dump()}
                for one in found
            ],
        }
    )
