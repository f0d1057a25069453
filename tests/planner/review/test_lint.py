"""The rules find what the fixtures say, waivers hold, and an outer linter's findings are joined."""

import re
from pathlib import Path

import pytest

from lockgate.planner.database.facts import ConstraintFacts, Facts, KnownNames, Layout, TableFacts
from lockgate.planner.errors import MigrationFileError
from lockgate.planner.finding import Finding
from lockgate.planner.migrations.format import parse_sections
from lockgate.planner.migrations.formats.lockgate import read_migration
from lockgate.planner.migrations.waiver import Waiver
from lockgate.planner.review.lint import lint, rule_codes
from lockgate.planner.review.section import ReviewTerms, Subject, read_subject
from lockgate.planner.sql.dialect import MYSQL, POSTGRESQL, Dialect
from lockgate.planner.sql.statements import split_statements
from tests.planner.review.rules.fixture import SIZES, Fixture, Size, fixtures, found

FIXTURES = fixtures(Path(__file__).parent / "rules")
CASES = [
    pytest.param(fixture, dialect, id=f"{fixture.path.stem}-{dialect.name}")
    for fixture in FIXTURES
    for dialect in fixture.dialects
]


def section(sql: str, dialect: Dialect = MYSQL, facts: Facts | None = None) -> Subject:
    terms = ReviewTerms(dialect, facts or Facts())
    return read_subject(split_statements(sql, dialect), "up", True, terms)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("fixture", "dialect"), CASES)
def test_the_rules_find_what_the_fixture_says(
    fixture: Fixture, dialect: Dialect, size: Size
) -> None:
    findings = [one for subject in fixture.subjects(dialect, size) for one in lint(subject)]
    assert found(findings) == fixture.expected(size)


def test_each_rule_has_a_fixture_of_its_name() -> None:
    own = {
        path.stem for path in (Path(__file__).parents[3] / "planner/review/rules").glob("[!_]*.py")
    }
    assert own <= {fixture.path.stem for fixture in FIXTURES}


def test_each_finding_says_what_why_and_what_is_safer() -> None:
    for fixture in FIXTURES:
        for dialect in fixture.dialects:
            for subject in fixture.subjects(dialect, "large"):
                for one in lint(subject):
                    assert (one.message[-1], one.why[-1]) == (".", "."), one
                    assert one.safer, one
                    assert one.code in rule_codes()


def test_the_page_of_the_rules_has_every_rule_and_no_other() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/lint.md").read_text(encoding="utf-8")
    tables = page.partition("## Rules of every engine")[2].partition("## JSON")[0]
    assert sorted(re.findall(r"^\| \[?`([a-z-]+)`", tables, re.MULTILINE)) == list(rule_codes())


def test_what_is_known_not_to_be_there_is_no_loss_to_tell_of() -> None:
    names = KnownNames(frozenset({("table", "shop", "a")}), ("shop",))
    there = Facts({"a": TableFacts("InnoDB", 0, 0, {})}, names=names)
    sql = "drop table if exists a;\ndrop table if exists b;\ndrop table c;"
    told = [one.statement for one in lint(section(sql, facts=there)) if one.code == "drops-data"]
    assert told == [1, 3]


def test_the_event_triggers_of_the_database_are_named_once() -> None:
    facts = Facts(names=KnownNames(frozenset(), event_triggers=("audit", "watch")))
    found = lint(section("select 1;\ncreate table a (b int);\ndrop table a;", POSTGRESQL, facts))
    told = [(one.statement, one.message) for one in found if one.code == "opaque-code"]
    assert told == [(2, "Event triggers of the database run with DDL: audit, watch.")]


def test_a_waiver_keeps_the_finding_and_shows_its_reason() -> None:
    waiver = Waiver("drops-data", "it is empty", line=1, statement=2)
    kept, waived = lint(section("drop table a;\ndrop table b", POSTGRESQL), [waiver])
    assert (kept.allowed, kept.is_refused) == (None, True)
    assert (waived.allowed, waived.is_refused) == ("it is empty", False)


def test_a_waiver_of_the_file_counts_for_each_statement() -> None:
    waiver = Waiver("drops-data", "all are empty", line=1)
    findings = lint(section("drop table a;\ndrop table b", POSTGRESQL), [waiver])
    assert [one.allowed for one in findings] == ["all are empty"] * 2


def test_a_waiver_of_an_outer_rule_counts_for_our_own_that_says_the_same() -> None:
    (one,) = lint(section("drop table a", POSTGRESQL), [Waiver("ban-drop-table", "yes", 1)])
    assert (one.code, one.allowed) == ("drops-data", "yes")


def test_a_waiver_of_no_rule_is_refused_with_its_line() -> None:
    with pytest.raises(MigrationFileError, match="Did you mean `drops-data`") as caught:
        lint(section("select 1"), [Waiver("drop-data", "why", line=3)])
    assert caught.value.line == 3


def test_our_own_finding_gives_way_to_an_outer_one_of_the_same_statement() -> None:
    outer = Finding(code="ban-drop-table", severity="danger", statement=1, line=1, message="a.",
                    why="b.", tool="squawk")  # fmt: skip
    findings = lint(section("drop table a;\ndrop table b", POSTGRESQL), outer=[outer])
    assert [(one.code, one.statement) for one in findings] == [
        ("ban-drop-table", 1),
        ("drops-data", 2),
    ]


def waivers(text: str) -> tuple[Waiver, ...]:
    migration = read_migration("1_a.sql", text.encode(), MYSQL)
    return parse_sections(migration, MYSQL, {}).up.waivers


def test_a_file_waives_for_all_of_it_or_for_the_next_statement() -> None:
    text = """-- migrate:allow drops-data nobody reads it
-- migrate:up
select 1;
-- migrate:allow blocks-table it is small, see #5
select 2;
-- migrate:down
-- migrate:allow session-state wanted
select 3;
"""
    assert waivers(text) == (
        Waiver("drops-data", "nobody reads it", 1),
        Waiver("blocks-table", "it is small, see #5", 4, statement=2),
    )


@pytest.mark.parametrize("place", ["above", "inside"])
@pytest.mark.parametrize(
    ("directive", "what"),
    [
        ("allow drops-data", "`allow drops-data` gives no reason"),
        ("allow", "`allow` names no finding"),
        ("allow Drops why", "`allow` names no finding"),
    ],
)
def test_a_waiver_without_a_reason_is_an_error_with_its_line(
    place: str, directive: str, what: str
) -> None:
    lines = ["-- migrate:up", "select 1;"]
    lines.insert(0 if place == "above" else 1, f"-- migrate:{directive}")
    with pytest.raises(MigrationFileError, match=what) as caught:
        waivers("\n".join(lines))
    assert str(caught.value).startswith(f"1_a.sql:{lines.index(f'-- migrate:{directive}') + 1}: ")


def test_the_facts_of_a_database_overrule_what_a_name_lets_guess() -> None:
    plain = Layout("table", constraints={"orders_pkey": ConstraintFacts("check")})
    facts = Facts({"orders": TableFacts("", 9, 9, {}, schema="public", layout=plain)})
    sql = [
        "alter table orders drop constraint orders_pkey;",
        "alter table orders disable trigger all;",
        "create index concurrently if not exists orders_total on orders (total);",
    ]
    own = {"drops-key", "foreign-keys-off", "index-by-name"}

    def codes(facts: Facts) -> set[str]:
        found = (lint(section(one, POSTGRESQL, facts)) for one in sql)
        return {each.code for findings in found for each in findings} & own

    assert (codes(Facts()), codes(facts)) == (own, set())


PROVING = [
    "alter table o add constraint c check (a is not null) not valid;",
    "alter table o validate constraint c;",
    "alter table o alter a set not null;",
]


def test_a_check_that_the_section_makes_and_validates_proves_a_not_null() -> None:
    assert "blocks-table" not in of_not_null(PROVING)


@pytest.mark.parametrize(
    "between",
    [
        "alter table o drop constraint c;",
        "alter table o drop column a, add column a int;",
        "alter table o rename to p; alter table q rename to o;",
        "set local search_path = archive;",
        "do $$ begin perform 1; end $$;",
    ],
)
def test_what_is_undone_proves_nothing(between: str) -> None:
    assert "blocks-table" in of_not_null([*PROVING[:2], between, PROVING[2]])
    assert "blocks-table" in of_not_null([PROVING[0], PROVING[2]])


def of_not_null(statements: list[str]) -> set[str]:
    found = lint(section("".join(statements), POSTGRESQL))
    place = max(one.statement for one in found) if found else 0
    return {one.code for one in found if one.statement == place}
