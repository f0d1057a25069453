"""The real squawk finds what the fixtures say, at the lines of the migration's file."""

import os
import sys
from pathlib import Path

import pytest

from lockgate.executors.programs import squawk
from lockgate.executors.programs.squawk import lint_sections
from lockgate.planner.review.lint import lint
from lockgate.planner.review.section import ReviewTerms, Subject, read_subject
from lockgate.planner.review.squawk_rules import RULES
from lockgate.planner.sql.dialect import POSTGRESQL
from lockgate.planner.sql.statements import split_statements
from tests.planner.review.rules.fixture import SIZES, Fixture, Size, fixtures, found

FIXTURES = fixtures(Path(__file__).parent / "squawk")


def section(sql: str, *, transactional: bool = True) -> Subject:
    return read_subject(
        split_statements(sql, POSTGRESQL), "up", transactional, ReviewTerms(POSTGRESQL)
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda one: one.path.stem)
def test_squawk_and_our_own_rules_find_what_the_fixture_says(fixture: Fixture, size: Size) -> None:
    subjects = list(fixture.subjects(POSTGRESQL, size))
    outer = lint_sections(subjects)
    findings = [
        one
        for subject, others in zip(subjects, outer, strict=True)
        for one in lint(subject, outer=others)
    ]
    assert found(findings) == fixture.expected(size)


def test_each_section_gets_its_own_findings_whatever_it_runs_in() -> None:
    subjects = [
        section("drop table a"),
        section("drop index concurrently i", transactional=False),
        section("select 1; create index concurrently i on t (a)"),
        section("alter table t rename to u", transactional=False),
    ]
    codes = [[one.code for one in findings] for findings in lint_sections(subjects)]
    assert codes == [
        ["ban-drop-table"],
        [],
        ["ban-concurrent-index-creation-in-transaction"],
        ["renaming-table"],
    ]


UNTOUCHED = (
    "create table t (id serial primary key, a int not null unique, b int references o (id), "
    "c timestamp default now(), constraint x check (a > 0), foreign key (a) references o (id))",
    "create table p partition of q default",
    "create unlogged table if not exists y as select 1",
    "insert into t select * from u",
    "update t set a = 1",
    "delete from t",
)


@pytest.mark.parametrize("transactional", [True, False])
@pytest.mark.parametrize("sql", UNTOUCHED)
def test_what_squawk_is_not_asked_of_it_has_no_rule_for(
    sql: str, transactional: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = section(sql, transactional=transactional)
    monkeypatch.setattr(squawk, "UNTOUCHED", frozenset())
    assert lint_sections([subject]) == ((),)


def test_squawk_does_not_start_for_sections_that_it_has_no_rule_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(squawk, "_run", lambda *_: pytest.fail("it was started"))
    assert lint_sections([section(sql) for sql in UNTOUCHED]) == ((),) * len(UNTOUCHED)


@pytest.mark.parametrize("pair", ["()", "[]"])
def test_a_section_that_squawk_crashes_on_is_a_danger_and_hides_no_other(pair: str) -> None:
    deep = section(f"select {pair[0] * 100_000}1{pair[1] * 100_000}; drop table hidden")
    first, crashed, last = lint_sections([section("drop table a"), deep, section("drop table b")])
    assert [one.code for one in (*first, *last)] == ["ban-drop-table", "ban-drop-table"]
    (finding,) = crashed
    assert (finding.code, finding.severity, finding.line) == ("not-linted", "danger", 1)


SLOW = """#!/bin/sh
for name; do case $name in *.sql) grep -q slow "$name" && exec sleep 1000;; esac; done
echo '[]'
"""


def test_a_section_that_squawk_does_not_end_with_is_a_danger_and_hangs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "squawk"
    program.write_text(SLOW)
    program.chmod(0o700)
    monkeypatch.setattr(squawk, "_program", lambda: str(program))
    monkeypatch.setattr(squawk, "LONGEST", 4.0)
    slow, other = lint_sections([section("drop table slow"), section("drop table b")])
    assert ([one.code for one in slow], other) == (["not-linted"], ())
    monkeypatch.setattr(squawk, "LONGEST", 0.0)
    without_time = lint_sections([section("drop table a"), section("drop table b")])
    assert [one.code for found in without_time for one in found] == ["not-linted"] * 2


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not keep to the limit")
def test_a_section_that_takes_squawk_too_much_memory_is_a_danger_and_hides_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = os.cpu_count() or 1  # each has a stack of 2 MiB
    monkeypatch.setattr(squawk, "MEMORY", 40 + 2 * threads)
    monkeypatch.setattr(squawk, "MEMORY_PER_BYTE", 0)
    large = section("alter table t " + ", ".join(["add column a int"] * 60_000))
    first, too_large = lint_sections([section("drop table a"), large])
    assert [one.code for one in first] == ["ban-drop-table"]
    assert [(one.code, one.severity) for one in too_large] == [("not-linted", "danger")]


SLOW_ALWAYS = "#!/bin/sh\nexec sleep 1000\n"


def test_all_that_a_command_asks_of_squawk_takes_no_longer_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many sections it does not end with, in a transaction and in none."""
    program = tmp_path / "squawk"
    program.write_text(SLOW_ALWAYS)
    program.chmod(0o700)
    given: list[float] = []
    run = squawk._run
    monkeypatch.setattr(squawk, "_program", lambda: str(program))
    monkeypatch.setattr(squawk, "LONGEST", 1.0)
    monkeypatch.setattr(squawk, "_run", lambda *asked: given.append(asked[3]) or run(*asked))
    sections = [section(f"drop table a{n}", transactional=n % 2 == 0) for n in range(8)]
    found = lint_sections(sections)
    assert [one.code for findings in found for one in findings] == ["not-linted"] * 8
    assert sum(given) < 1.1
    assert given == sorted(given, reverse=True)


HUNGRY = """#!{python}
import time
eaten = bytearray(200 << 20)
eaten[::4096] = b"x" * len(eaten[::4096])
time.sleep(1000)
"""


def test_a_program_that_takes_too_much_memory_is_ended_where_no_limit_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "squawk"
    program.write_text(HUNGRY.format(python=sys.executable))
    program.chmod(0o700)
    monkeypatch.setattr(squawk, "_program", lambda: str(program))
    monkeypatch.setattr(squawk, "LIMITED", 'shift; exec "$@"')  # as on macOS
    monkeypatch.setattr(squawk, "LONGEST", 600.0)
    monkeypatch.setattr(squawk, "MEMORY", 100)
    (found,) = lint_sections([section("drop table a")])
    assert [(one.code, one.severity) for one in found] == [("not-linted", "danger")]


def test_nothing_is_run_for_no_sections() -> None:
    assert lint_sections([]) == ()


def test_squawk_knows_every_rule_that_we_name() -> None:
    statements = {
        "adding-serial-primary-key-field": "alter table t add column i serial primary key",
        "ban-drop-database": "drop database d",
        "ban-truncate-cascade": "truncate t cascade",
        "ban-uncommitted-transaction": "begin",
        "constraint-missing-not-valid": "alter table t add constraint c check (a > 0)",
        "require-concurrent-index-deletion": "drop index i",
        "require-concurrent-partition-detach": "alter table t detach partition p",
    }
    known = {
        one.code
        for transactional in (True, False)
        for sql in statements.values()
        for findings in lint_sections([section(sql, transactional=transactional)])
        for one in findings
    }
    fixed = {line for one in FIXTURES for _, line, _ in one.expected("large")}
    elsewhere = {"ban-concurrent-index-creation-in-transaction", "renaming-table"}
    assert known | fixed | elsewhere >= RULES.keys()


def test_the_end_of_a_prepared_transaction_is_no_transaction_of_the_section() -> None:
    ending = section("commit prepared 'x'", transactional=False)
    assert lint_sections([ending]) == ((),)
