"""Findings as workflow commands, which GitHub shows as annotations beside the changed lines.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lockgate.planner.finding import Finding, Located
from lockgate.views.findings.links import page_of
from lockgate.views.terminal import clean, print_line

LEVELS = {"danger": "error", "warning": "warning", "info": "notice"}
# In this order: the first one's replacement holds the sign that the others begin with.
ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
PROPERTY_ESCAPES = {**ESCAPES, ":": "%3A", ",": "%2C"}


def show_annotations(found: Sequence[Located]) -> None:
    """A line for each finding on stdout; one that is waived is a notice."""
    for one in found:
        print_line(render_annotation(one), sys.stdout)


def render_annotation(one: Located) -> str:
    """The command that makes an annotation."""
    finding = one.finding
    level = LEVELS[finding.severity] if finding.allowed is None else "notice"
    place = f"file={_escape(one.path, PROPERTY_ESCAPES)},line={finding.line}"
    place += f",endLine={one.end},title={finding.code}"
    return f"::{level} {place}::{_escape(_text(finding), ESCAPES)}"


def _text(finding: Finding) -> str:
    if finding.allowed is not None:
        return f"{finding.message}\nAllowed: {finding.allowed}"
    said = (finding.message, finding.why, finding.safer)
    return "\n".join(part for part in (*said, page_of(finding.code)) if part)


def _escape(text: str, escapes: dict[str, str]) -> str:
    cleaned = "\n".join(clean(line) for line in text.split("\n"))
    for sign, escape in escapes.items():
        cleaned = cleaned.replace(sign, escape)
    return cleaned
