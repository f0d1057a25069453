"""What has hurt people shows its danger in a plan, by the size of the table; what is harmless does
not. The migrations stand in `dangers/`, with what is expected of each at its line."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.commands.running import Project

FOLDER = Path(__file__).parent / "dangers"
CASE = re.compile(r"^-- case: (\w+)(.*)\n", re.MULTILINE)
EXPECTED = re.compile(r"-- expect: (.*)")
SIZES = ("ten", "million")
ROWS = {"ten": 10, "million": 1_000_000}
Size = Literal["ten", "million"]

TABLES = (
    "create table customers (id int primary key, name varchar(50))",
    "create table orders (id int primary key, customer_id int not null, total int, "
    "note varchar(50))",
    "insert into customers values (1, 'a'), (2, 'b')",
)
FIRST = "insert into orders values " + ", ".join(f"({n}, {n % 7}, {n}, 'n')" for n in range(1, 11))
SERIES = "insert into orders select n, n % 7, n, 'n' from generate_series(1, 1000000) n"
DOUBLING = "insert into orders select id + {0}, customer_id, total, note from orders limit {1}"


@dataclass(frozen=True)
class Case:
    """A migration, and its findings: line, code and severity."""

    name: str
    flags: str
    text: str

    def expected(self, size: Size) -> set[tuple[int, str, str]]:
        """Those for a table of this size; the text stands behind the marker's line."""
        found = set()
        for line, text in enumerate(self.text.split("\n"), 2):
            match = EXPECTED.search(text)
            for part in match[1].split(",") if match else ():
                code, grades = part.split()
                grade = grades.split("/")[SIZES.index(size)]
                if grade != "-":
                    found.add((line, code, grade))
        return found


def cases(engine: str, kind: str) -> list[Case]:
    """The migrations of a file, in their order."""
    _, *parts = CASE.split((FOLDER / f"{engine}_{kind}.sql").read_text())
    triples = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return [Case(name, flags, text.strip()) for name, flags, text in triples]


@pytest.fixture(scope="module", params=["postgres", "mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture(scope="module")
def databases(server: Any) -> Iterator[dict[str, str]]:
    """A database whose `orders` has ten rows, and one where it has a million, by these words."""
    made = {size: server.new_database() for size in SIZES}
    for size, name in made.items():
        fill(server, name, ROWS[size])
    yield made
    for name in made.values():
        server.drop_database(name)


def fill(server: Any, database: str, rows: int) -> None:
    """Makes the tables, and counts their rows as a server does from time to time."""
    with server.connect(database) as connection, connection.cursor() as cursor:
        for statement in (*TABLES, *_rows(server.engine, rows)):
            cursor.execute(statement)


def _rows(engine: str, rows: int) -> Iterator[str]:
    if rows == 10:
        yield FIRST
    elif engine == "postgresql":
        yield SERIES
    else:
        yield FIRST
        count = 10
        while count < rows:
            yield DOUBLING.format(count, min(count, rows - count))
            count += min(count, rows - count)
    yield "analyze orders" if engine == "postgresql" else "analyze table orders"


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def planned(project: Project, found: list[Case]) -> list[Any]:
    """The steps of the plan that runs these migrations, each in a transaction of its own."""
    project.configure("transaction: step\npolicy: {non_atomic: allow}\n")
    for number, case in enumerate(found, 1):
        project.write(f"{number:03}_{case.name}.sql", case.text, flags=case.flags)
    result = project.migrate("plan", "--fresh")
    assert result.code == 0, result
    steps = json.loads((project.folder / "plan.json").read_text())["steps"]
    assert len(steps) == len(found)
    return list(steps)


@pytest.fixture
def project(server: Any, databases: dict[str, str], size: str, tmp_path: Path) -> Project:
    return Project(tmp_path, server.url(databases[size]))


def shown(step: Any) -> set[tuple[int, str, str]]:
    return {(one["line"], one["code"], one["severity"]) for one in step["findings"]}


def test_what_is_dangerous_shows_it_by_the_size_of_its_table(project: Project, size: Size) -> None:
    found = cases(project.engine, "dangerous")
    assert len(found) >= 10
    for case, step in zip(found, planned(project, found), strict=True):
        assert shown(step) == case.expected(size), case.name
        for touch in (touch for one in step["statements"] for touch in one["touches"]):
            if touch["table"] == "orders":
                assert 0.7 * ROWS[size] <= touch["rows"] <= 1.3 * ROWS[size], case.name
                assert (touch["bytes"] > 30_000_000) == (size == "million"), case.name


def test_what_is_harmless_has_no_findings(project: Project) -> None:
    found = cases(project.engine, "harmless")
    assert len(found) >= 10
    for case, step in zip(found, planned(project, found), strict=True):
        assert shown(step) == set(), case.name


def test_each_danger_names_its_source() -> None:
    for engine in ("postgresql", "mysql", "mariadb"):
        for case in cases(engine, "dangerous"):
            assert "-- https://" in case.text, (engine, case.name)
            assert case.expected("million"), (engine, case.name)
