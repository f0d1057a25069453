"""Everyday migrations on MySQL and MariaDB: few are refused, and one that fails leaves nothing."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

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
    shop: Project, family_server: Any
) -> None:
    state = Shown(family_server, shop.database)
    answers: dict[str, str] = {}
    wrong = []
    shop.write("001_case.sql", FAILURE)
    assert shop.migrate("up", "--fresh").code == 9  # the ledger's tables are there from now on
    before = state.look()
    for case in CASES:
        shop.write("001_case.sql", case.sql if case.refusal else f"{case.sql}\n{FAILURE}")
        failed = shop.migrate("up")
        answers[case.name] = _reason(failed.all) if failed.code == 3 else "ok"
        difference = show_difference(before, state.look())
        expected = failed.code == (3 if case.refusal else 9) and case.refusal in failed.all
        if difference or not expected:
            wrong.append(f"{case.name}: {failed.code} {failed.all} {difference}")
    sys.stdout.write("".join(f"{answer}: {name}\n" for name, answer in answers.items()))
    assert not wrong, "\n".join(wrong)
    assert len(answers) >= 52
    assert len([answer for answer in answers.values() if answer != "ok"]) <= MOST


def _reason(output: str) -> str:
    return output.partition(": ")[2].partition("\n")[0]
