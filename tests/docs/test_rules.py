"""Every rule has a page, and the SQL of the pages has, or has not, the finding they are about."""

import re
from pathlib import Path

import pytest

from lockgate.planner.review.lint import lint, rule_codes
from lockgate.views.findings.links import page_of
from tests.planner.review.rules.fixture import Fixture

PAGES = sorted((Path(__file__).parents[2] / "docs/rules").glob("*.md"))
BLOCK = re.compile(
    r"<!-- (found|safe): ([a-z ]+?)(?:; table ([^>]+))? -->\n```sql\n(.*?)\n```", re.DOTALL
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_sql_of_a_page_has_its_finding_or_is_safe(page: Path, tmp_path: Path) -> None:
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert {kind for kind, *_ in blocks} == {"found", "safe"}
    for number, (kind, dialects, table, sql) in enumerate(blocks):
        file = tmp_path / f"{number}.sql"
        marker = "" if "-- migrate:up" in sql else "-- migrate:up\n"
        header = f"-- table: {table}\n" if table else ""
        file.write_text(f"-- dialect: {dialects}\n{header}{marker}{sql}\n", encoding="utf-8")
        fixture = Fixture(file)
        for dialect in fixture.dialects:
            (subject,) = fixture.subjects(dialect, "large" if table else "unknown")
            codes = {one.code for one in lint(subject)}
            assert (page.stem in codes) == (kind == "found"), (dialect.name, sql)


def test_each_rule_of_lockgate_has_a_page() -> None:
    linked = {page_of(code).rpartition("/")[2] for code in rule_codes()}
    assert {page.name for page in PAGES} <= linked


def test_each_rule_has_a_link_that_leads_to_a_page_that_exists() -> None:
    root = Path(__file__).parents[2]
    for code in rule_codes():
        link = page_of(code)
        if "/blob/main/" in link:
            assert (root / link.partition("/blob/main/")[2].partition("#")[0]).is_file(), link
        else:
            assert link == f"https://squawkhq.com/docs/{code}"
