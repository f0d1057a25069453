"""`-- migrate:online` in a file: what its program is given, and what is refused."""

import pytest

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.plan.statement import Online
from lockgate.planner.review.lint import lint
from lockgate.planner.review.section import ReviewTerms, read_subject, written_in
from lockgate.planner.sql.dialect import MARIADB, MYSQL, POSTGRESQL, Dialect
from tests.planner.migrations.test_batch import read

FILE = "-- migrate:up\n-- migrate:online {}\n{};\n"
ALTER = "alter table t modify n bigint, add index (n) -- why"


def online_of(options: str) -> Online | None:
    return read(FILE.format(options, ALTER), MYSQL).online


def test_the_arguments_are_those_of_the_file_and_the_contract() -> None:
    online = online_of("tool=pt-osc max-load=Threads_running=50 chunk-time=0.5")
    assert online is not None
    assert online.table.name == "t"
    assert online.arguments == (
        "--alter=modify n bigint, add index (n)",
        *("--execute", "--no-version-check", "--progress=time,5"),
        "--set-vars=explain_format=TRADITIONAL",
        *("--chunk-time=0.5", "--max-load=Threads_running=50"),
    )


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ("", ("--chunk-time=0.1",)),
        (" sleep=1", ("--chunk-time=0.1", "--sleep=1")),
        (" chunk-size=500", ("--chunk-size=500",)),
    ],
)
def test_a_chunk_locks_its_rows_for_a_short_time(options: str, given: tuple[str, ...]) -> None:
    online = online_of("tool=pt-osc" + options)
    assert online is not None
    assert online.arguments[5:] == given


@pytest.mark.parametrize("dialect", [MARIADB, MYSQL.with_server(80031)])
def test_a_server_that_explains_by_rows_alone_is_not_asked_to(dialect: Dialect) -> None:
    online = read(FILE.format("tool=pt-osc", ALTER), dialect).online
    assert online is not None
    assert not [one for one in online.arguments if one.startswith("--set-vars")]


def test_nobody_waits_for_a_copy() -> None:
    section = read(FILE.format("tool=pt-osc", ALTER), MYSQL)
    assert not section.transactional
    terms = ReviewTerms(MYSQL)
    codes = []
    for statements in (section.statements, written_in(section)):
        subject = read_subject(statements, "up", section.transactional, terms)
        codes.append([one.code for one in lint(subject, (), ())])
    assert codes == [["blocks-table"], ["rebuilds-table"]]


@pytest.mark.parametrize(
    ("options", "statements", "what"),
    [
        ("", ALTER, "names no tool"),
        ("tool=mysqldump", ALTER, "names the tool `mysqldump`"),
        ("tool=gh-ost;id", ALTER, "`tool=gh-ost;id` is not an option"),
        ("tool=pt-osc plugin=evil.pm", ALTER, "`plugin` is not an option of pt-osc"),
        ("tool=pt-osc", "", "above no statement"),
        ("tool=pt-osc", f"{ALTER}\n;{ALTER}", "holds one statement"),
        ("tool=pt-osc", "drop table t", "`drop table` cannot be done by a copy"),
        ("tool=pt-osc", "alter table t rename u", "cannot be done by a copy"),
        ("tool=pt-osc", "alter table `t,p=x` force", "cannot be named to the program"),
        ("tool=pt-osc", "alter table other.t force", "cannot be named to the program"),
        ("tool=pt-osc\n-- migrate:batch key=id", ALTER, "beside `-- migrate:online`"),
        ("tool=pt-osc\n-- migrate:online tool=pt-osc", ALTER, "a second `-- migrate:online`"),
    ],
)
def test_what_is_no_copy_is_refused(options: str, statements: str, what: str) -> None:
    with pytest.raises(MigrationFileError) as refused:
        read(FILE.format(options, statements), MYSQL)
    assert what in refused.value.what


def test_each_program_is_for_its_engines() -> None:
    for dialect in (POSTGRESQL, MARIADB):
        with pytest.raises(MigrationFileError):
            read(FILE.format("tool=gh-ost", ALTER), dialect)
