"""Everyday migrations on MySQL and MariaDB: few are refused, and one that fails leaves nothing."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import lockgate
from lockgate.planner.environments.folder import EnvironmentsFolder
from lockgate.planner.errors import LockgateError, StatementFailed
from lockgate.plans.making import Request, make_plan, observe
from lockgate.workspace import load_environment, open_workspace
from tests.commands.conftest import opened
from tests.commands.running import Project
from tests.faults.difference import show_difference
from tests.faults.family_state import FamilyState

FIXTURE = Path(__file__).parent / "everyday" / "family.sql"
CASE = re.compile(r"^-- case (\d+): (.+)\n(?:-- refused: (.+)\n)?", re.MULTILINE)
FAILURE = "create table users (id int);"
MOST = 6
"""Refused, at most."""


@dataclass(frozen=True)
class Everyday:
    """A migration by what it does, and in which words it is refused; empty: it is not. Those of
    one run can follow each other."""

    run: str
    name: str
    refusal: str
    sql: str


def read_cases() -> tuple[str, list[Everyday]]:
    """The statements of the setup, and the cases."""
    setup, *parts = CASE.split(FIXTURE.read_text())
    fields = [iter(parts)] * 4
    cases = zip(*fields, strict=True)
    return setup, [Everyday(run, name, no or "", sql.strip()) for run, name, no, sql in cases]


SETUP, CASES = read_cases()


class Shown(FamilyState):
    """A database that others have made, as SHOW CREATE and its rows tell it."""

    def __init__(self, server: Any, database: str) -> None:
        super().__init__(server)
        self.database = database


@pytest.fixture
def shop(tmp_path: Path, family_server: Any, family_database: str) -> Iterator[Project]:
    """A project on a database with the tables of the setup."""
    statements = re.split(r";\n", SETUP.split("-- setup\n")[1])
    with family_server.connect(family_database) as connection, connection.cursor() as cursor:
        for statement in filter(str.strip, statements):
            cursor.execute(statement)
    yield from opened(Project(tmp_path, family_server.url(family_database)))


@pytest.fixture
def database(shop: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The project's database, opened once, with an empty ledger."""
    monkeypatch.setenv("TEST_URL", shop.url)
    shop.write("001_case.sql", FAILURE)
    assert shop.migrate("up", "--fresh").code == 9
    with lockgate.open("test", environments=shop.folder / "environments") as opened_once:
        yield opened_once


def test_few_everyday_migrations_are_refused_and_those_that_fail_leave_nothing(
    shop: Project, database: Any, family_server: Any
) -> None:
    state = Shown(family_server, shop.database)
    before = state.look()
    answers = _refusals(shop, CASES)
    sys.stdout.write("".join(f"{answer or 'ok'}: {name}\n" for name, answer in answers.items()))
    wrong = [case.name for case in CASES if case.refusal not in answers[case.name]]
    assert not wrong
    assert {name for name, answer in answers.items() if answer} == {
        case.name for case in CASES if case.refusal
    }
    assert len(answers) >= 52
    assert len([answer for answer in answers.values() if answer]) <= MOST
    passing = [case for case in CASES if not case.refusal]
    for run in sorted({case.run for case in passing}):
        error = _fail_at_the_end(shop, database, [case for case in passing if case.run == run])
        assert "999_fails.sql" in str(error), error
        assert isinstance(error, StatementFailed), error
        assert not show_difference(before, state.look())


def _refusals(shop: Project, cases: list[Everyday]) -> dict[str, str]:
    """In which words the environment denies each migration, planned alone on what the database
    says once; empty: it does not."""
    folder = EnvironmentsFolder(shop.folder / "environments", shop.folder)
    environment = load_environment("test", folder)
    answers: dict[str, str] = {}
    request = Request()
    with open_workspace(environment) as work:
        seen = observe(work, work.engine.store.read_ledger(), request)
    for case in cases:
        shop.write("001_case.sql", case.sql)
        decisions = make_plan(environment, seen, request).decisions
        answers[case.name] = "; ".join(one.reason for one in decisions if one.answer == "deny")
    return answers


def _fail_at_the_end(shop: Project, database: Any, cases: list[Everyday]) -> LockgateError | None:
    """How a run of these migrations ends of which the last one fails."""
    names = [f"{number:03}_case.sql" for number in range(1, len(cases) + 1)]
    for name, case in zip(names, cases, strict=True):
        shop.write(name, case.sql)
    shop.write("999_fails.sql", FAILURE)
    try:
        database.up()
    except LockgateError as error:
        return error
    finally:
        for name in (*names, "999_fails.sql"):
            (shop.folder / "migrations" / name).unlink()
    return None
