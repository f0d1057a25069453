"""Findings as SARIF 2.1.0, which code hosts and editors read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from lockgate import __version__
from lockgate.planner.finding import Finding, Located
from lockgate.views.findings.links import page_of

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
LEVELS = {"danger": "error", "warning": "warning", "info": "note"}


def render_sarif(found: Sequence[Located]) -> dict[str, Any]:
    """The findings as one run of lockgate; those that are waived are suppressed results."""
    examples = {one.finding.code: one.finding for one in reversed(found)}
    rules = sorted(examples)
    driver = {
        "name": "lockgate",
        "semanticVersion": __version__,
        "rules": [_rule(examples[code]) for code in rules],
    }
    results = [_result(one, rules.index(one.finding.code)) for one in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(example: Finding) -> dict[str, Any]:
    """A rule by what its first finding says: a code host shows it beside each result."""
    said = [f"**Why:** {example.why}" if example.why else "",
            f"**Safer:** {example.safer}" if example.safer else ""]  # fmt: skip
    text = "\n\n".join(part for part in (example.why, example.safer) if part)
    described = {
        "id": example.code,
        "helpUri": page_of(example.code),
        "shortDescription": {"text": example.code.replace("-", " ")},
        "defaultConfiguration": {"level": LEVELS[example.severity]},
    }
    if text:
        described["help"] = {"text": text, "markdown": "\n\n".join(filter(None, said))}
    return described


def _result(one: Located, rule: int) -> dict[str, Any]:
    finding = one.finding
    result = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": LEVELS[finding.severity],
        "message": {"text": _text(finding)},
        "locations": [_location(one)],
        "partialFingerprints": {"lockgate/v1": fingerprint(one)},
        "properties": {"tool": finding.tool, "section": one.direction},
    }
    if finding.allowed is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": finding.allowed}]
    return result


def _location(one: Located) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(one.path), "uriBaseId": "%SRCROOT%"},
            "region": _region(one),
        }
    }


def _region(one: Located) -> dict[str, int]:
    """From the finding's line to the end of its statement."""
    lines = {"startLine": one.finding.line, "endLine": one.end}
    return lines | {"startColumn": one.column, "endColumn": one.end_column} if one.column else lines


def _text(finding: Finding) -> str:
    return "\n".join(part for part in (finding.message, finding.why, finding.safer) if part)


def fingerprint(one: Located) -> str:
    """Stays the same when lines above it come or go."""
    parts = (one.path, one.direction, one.finding.code, str(one.finding.statement))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
