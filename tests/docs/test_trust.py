"""Each claim of SECURITY.md's page on trust names a test that holds it, and that test exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/concepts/trust.md"
ROWS = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
CLAIMS = [row for row in ROWS if row.count("|") == 3 and not row.startswith("| claim")]
TEST = re.compile(r"\[`(\w+)`\]\(\.\./\.\./(tests/[\w/]+\.py)\)")


def test_there_are_claims() -> None:
    assert len(CLAIMS) >= 25


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_names_tests_that_exist(claim: str) -> None:
    named = TEST.findall(claim)
    assert named, claim
    for name, path in named:
        assert re.search(rf"\bdef {name}\(", (ROOT / path).read_text(encoding="utf-8")), name


def test_the_security_policy_leads_here() -> None:
    assert "docs/concepts/trust.md" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
