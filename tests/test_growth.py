"""Work and memory grow with a project, and no faster: at four times the size, 4.4 times at most.

Each command that reads or makes plans is held to it, along all that a project can have more of.
Nothing is timed: calls and bytes are counted, which no busy machine changes. What is asked of a
live server, `tests/commands/test_round_trips.py` counts.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from lockgate.planner.building.compare import compare, refuse_broken_history, standings
from lockgate.planner.environments.judgement import refuse_start
from lockgate.planner.errors import SplitError
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.planfile import parse_plan, render_plan
from lockgate.planner.plan.start import Start
from lockgate.planner.plan.verify import find_position
from lockgate.planner.reading.mysql import reader as mysql
from lockgate.planner.reading.postgresql import reader as postgresql
from lockgate.planner.review.lint import lint as find_all
from lockgate.planner.review.rereading import refuse_understated
from lockgate.planner.review.section import ReviewTerms, read_subject
from lockgate.planner.sql.dialect import DIALECTS, MYSQL, Dialect
from lockgate.planner.sql.statements import split_statements
from lockgate.plans import linting
from lockgate.plans.linting import lint_environment
from lockgate.plans.making import Request, make_plan
from lockgate.views.database import migrations
from lockgate.views.plan.html import find_usual_of_steps, render_html
from lockgate.views.plan.markdown import render_markdown
from lockgate.views.plan.review import review
from lockgate.views.plan.sql import render_sql
from lockgate.views.plan.text import show_plan
from lockgate.workspace import load_migrations
from tests.growth import (
    Project,
    Size,
    count_calls,
    count_characters,
    make_project,
    measure_peak,
)
from tests.planner.literals import migration, up_plan

FACTOR, AT_MOST = 4, 4.4
SMALL = {
    "migrations": Size(migrations=8, statements=1),
    "statements": Size(migrations=1, statements=16),
    "tables": Size(migrations=2, statements=2, tables=20),
    "rows": Size(migrations=2, statements=2, rows=40),
}
"""Of what grows, from which size on: what does not grow must not be most of the work."""

Work = Callable[[], Any]


def plan(project: Project) -> Work:
    return project.plan


def lint(project: Project) -> Work:
    return lambda: lint_environment(project.environment, None)


def show(project: Project) -> Work:
    made = project.plan()

    def show_all() -> None:
        digested = review(made)
        render_html(digested)
        render_markdown(digested)
        render_sql(made)
        show_plan(made)

    return show_all


def apply(project: Project) -> Work:
    """What `apply` does with a plan but running it."""
    written = render_plan(project.plan()).encode()

    def begin() -> Plan:
        read = parse_plan(written, "plan.json")
        refuse_start(Start(read, read.created_at), project.environment.policy)
        assert find_position(read, project.seen.ledger) == 0
        return read

    return begin


def status(project: Project) -> Work:
    found = project.applied.ledger

    def stand() -> None:
        directory = load_migrations(project.environment)
        comparison = compare(directory.migrations, found)
        refuse_broken_history(comparison)
        migrations.show_text(standings(comparison, found), found, directory.warnings)

    return stand


def down(project: Project) -> Work:
    applied = project.applied
    return lambda: make_plan(project.environment, applied, Request(down_to="0"))


READERS = {"postgresql": postgresql, "mysql": mysql}
COMMANDS = (plan, lint, show, apply, status, down)


@pytest.fixture(autouse=True)
def without_squawk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program's work is not ours, and waiting for it takes as many calls as it likes."""
    monkeypatch.setattr(linting, "OUTER", {})


@pytest.fixture(autouse=True)
def without_what_was_read() -> None:
    """Projects of other tests have the same names: some of their statements are these."""
    for reader in READERS.values():
        reader.read.cache_clear()


@pytest.mark.parametrize("measure", [count_calls, measure_peak])
@pytest.mark.parametrize("axis", SMALL)
@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
@pytest.mark.parametrize("command", COMMANDS)
def test_four_times_the_size_is_at_most_so_much_more(
    command: Callable[[Project], Work],
    engine: str,
    axis: str,
    measure: Callable[[Work], int],
    tmp_path: Path,
) -> None:
    _refuse_growth(command, engine, axis, measure, tmp_path)


@pytest.mark.parametrize("axis", ["statements", "rows"])
@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_text_is_copied_again_and_again(
    command: Callable[[Project], Work], engine: str, axis: str, tmp_path: Path
) -> None:
    _refuse_growth(command, engine, axis, count_characters, tmp_path)


def _refuse_growth(
    command: Callable[[Project], Work],
    engine: str,
    axis: str,
    measure: Callable[[Work], int],
    tmp_path: Path,
) -> None:
    small = SMALL[axis]
    sizes = {"first": Size(), "small": small, "large": small.times(FACTOR, axis)}
    works = [command(make_project(tmp_path / name, engine, sizes[name])) for name in sizes]
    works[0]()  # loads and builds what is made once
    before, after = map(measure, works[1:])
    assert after <= before * AT_MOST, f"{before:,} became {after:,}: {after / before:.1f} times"


def test_what_is_usual_in_a_unit_is_found_once_for_all_its_steps(tmp_path: Path) -> None:
    small = Size(migrations=10, statements=1, rows=1)
    sizes = {"small": small, "large": small.times(FACTOR, "migrations")}
    made = [make_project(tmp_path / name, "postgresql", sizes[name]).plan() for name in sizes]
    before, after = (count_calls(partial(find_usual_of_steps, review(one))) for one in made)
    assert after <= before * AT_MOST


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
def test_a_process_reads_a_statement_once(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it is, and however many ask what it does."""
    project = make_project(tmp_path / engine, engine, Size(rows=2_000))
    reader = READERS[engine]
    cut: list[str] = []
    monkeypatch.setattr(reader, "read_reaching", lambda sql, *_: cut.append(sql) or ())
    made = project.plan()
    refuse_understated(made, made.target.dialect or MYSQL)
    written = [one for step in made.steps for one in (*step.statements, *(step.rollback or ()))]
    assert sorted(cut) == sorted({one.sql for one in written})


HEADS = ("", "select ", "alter table t ", "create table t (", "insert into t values ", "grant ",
         "update t set ", "create procedure p() begin ", "do $$ ", "delimiter x\n")  # fmt: skip
# What a stranger may write a megabyte of: each kind of token, what clauses and bodies begin with.
FORMS = """
a 1 1. .a . @ @@ @a $ $a$ ' '' " "" ` `` E' '\\' \\N ( ) () [ ] [] { } , ; : := = <=> + - -- -a
# * / /* */ /**/ /*!1*/ /*!1 /*!99999*/ /*M! % ^ & | || ! ~ ? ,a 1, ,( (1), (1, *a -1 a.b +1
select_ begin_ end_ case_ if_ loop_ then_ do_ for_ not_ atomic_ as_ or_ join_ union_ values_ in_(
into_@x references_a_cascade_ engine= partition_ default_ grant_ copy_ language_ set_ ,add_a_int
,drop_a ,modify_a_int ,rename_to_b 'a'| --| #a| |--_migrate:allow_x| with_a_as_(
"""
CALLS_PER_CHARACTER = 40
"""So many are no growth: some work begins only where a text is longer."""


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_four_times_as_much_text_is_at_most_so_much_more_work(dialect: Dialect, head: str) -> None:
    for form in FORMS.split():
        unit = spelled(form)
        refuse_growth(head + unit * 100, head + unit * 100 * FACTOR, dialect)


PAIRS = int(os.environ.get("LOCKGATE_PAIRS_OF_FORMS", "40"))
"""So many of 9,700 pairs are tried with each dialect; `make test-growth` tries more."""


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_so_is_that_of_pairs_of_forms(dialect: Dialect) -> None:
    """Both in turn, and one after the other."""
    random, forms = Random(dialect.name), [spelled(form) for form in FORMS.split()]
    pairs = [("$", "[]"), *(tuple(random.sample(forms, 2)) for _ in range(PAIRS))]
    for one, other in pairs:
        head = random.choice(HEADS) if (one, other) != pairs[0] else "alter table t "
        for few, many in (
            ((one + other) * 60, (one + other) * 60 * FACTOR),
            (one * 60 + other * 60, (one * 60) * FACTOR + (other * 60) * FACTOR),
        ):
            refuse_growth(head + few, head + many, dialect)


def spelled(form: str) -> str:
    return form.replace("_", " ").replace("|", "\n" if len(form) > 2 else "|")


def refuse_growth(small: str, large: str, dialect: Dialect) -> None:
    review_text(small[: len(small) // 20], dialect)  # builds what is made once
    after = count_calls(partial(review_text, large, dialect))
    if after > CALLS_PER_CHARACTER * len(large):
        before = count_calls(partial(review_text, small, dialect))
        assert after <= before * AT_MOST, f"{small[:60]!r}: {before:,} became {after:,}"


@pytest.mark.parametrize("form", ["`", "<", "&", "_", "|", "a", "|a", "``` "])
def test_showing_four_times_as_much_text_is_at_most_so_much_more_work(form: str) -> None:
    """In a string, which every reader takes."""

    def show(count: int) -> int:
        text = spelled(form) * count
        made = up_plan([migration(1, f"select '{text}';")])
        return count_calls(lambda: (render_html(review(made)), render_markdown(review(made))))

    show(10)
    before, after = show(250), show(250 * FACTOR)
    assert after <= max(before * AT_MOST, CALLS_PER_CHARACTER * 250 * FACTOR * len(form))


def review_text(sql: str, dialect: Dialect) -> None:
    """All that is done with a text before a server is asked."""
    try:
        statements = split_statements(sql, dialect)
    except SplitError:
        return
    find_all(read_subject(statements, "up", True, ReviewTerms(dialect)), (), ())
