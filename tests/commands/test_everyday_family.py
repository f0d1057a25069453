"""Everyday migrations on MySQL and MariaDB: few are refused, and one that fails leaves nothing."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import lockgate
from lockgate.planner.errors import Denied, LockgateError, StatementFailed
from tests.commands.conftest import opened
from tests.commands.running import Project
from tests.faults.difference import show_difference
from tests.faults.family_state import FamilyState

FIXTURE = Path(__file__).parent / "everyday" / "family.sql"
CASE = re.compile(r"^-- case: (.+)\n(?:-- refused: (.+)\n)?", re.MULTILINE)
FAILURE = "create table users (id int);"
MOST = 6
"""Refused, at most."""


@dataclass(frozen=True)
class Everyday:
    """A migration by what it does, and in which words it is refused; empty: it is not."""

    name: str
    refusal: str
    sql: str


def read_cases() -> tuple[str, list[Everyday]]:
    """The statements of the setup, and the cases."""
    setup, *parts = CASE.split(FIXTURE.read_text())
    fields = iter(parts)
    return setup, [Everyday(n, r or "", s.strip()) for n, r, s in zip(*[fields] * 3, strict=True)]


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


def test_few_everyday_migrations_are_refused_and_one_that_fails_leaves_nothing(
    shop: Project, family_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_URL", shop.url)
    state = Shown(family_server, shop.database)
    answers: dict[str, str] = {}
    wrong = []
    shop.write("001_case.sql", FAILURE)
    assert shop.migrate("up", "--fresh").code == 9  # the ledger's tables are there from now on
    before = state.look()
    for case in CASES:
        shop.write("001_case.sql", case.sql if case.refusal else f"{case.sql}\n{FAILURE}")
        error = _up(shop)
        answers[case.name] = str(error).partition("\n")[0] if isinstance(error, Denied) else "ok"
        difference = show_difference(before, state.look())
        expected = type(error) is (Denied if case.refusal else StatementFailed)
        if difference or not expected or case.refusal not in str(error):
            wrong.append(f"{case.name}: {error!r} {difference}")
    sys.stdout.write("".join(f"{answer}: {name}\n" for name, answer in answers.items()))
    assert not wrong, "\n".join(wrong)
    assert len(answers) >= 52
    assert len([answer for answer in answers.values() if answer != "ok"]) <= MOST


def _up(shop: Project) -> LockgateError | None:
    """How `up` ends in this process, which has begun already: more than a hundred runs take half
    of the time that they take as commands.
    """
    try:
        with lockgate.open("test", environments=shop.folder / "environments") as database:
            database.up()
    except LockgateError as error:
        return error
    return None
