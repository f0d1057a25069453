"""Findings as a Code Quality report, which GitLab shows in the merge request at their lines.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lockgate.planner.finding import Located
from lockgate.views.findings.sarif import fingerprint

LEVELS = {"danger": "blocker", "warning": "major", "info": "info"}


def render_code_quality(found: Sequence[Located]) -> list[dict[str, Any]]:
    """An entry for each finding that is not waived."""
    return [_entry(one) for one in found if one.finding.allowed is None]


def _entry(one: Located) -> dict[str, Any]:
    finding = one.finding
    told = (finding.message, finding.why, finding.safer)
    return {
        "description": " ".join(part for part in told if part),
        "check_name": finding.code,
        "fingerprint": fingerprint(one),
        "severity": LEVELS[finding.severity],
        "location": {"path": one.path, "lines": {"begin": finding.line, "end": one.end}},
    }
