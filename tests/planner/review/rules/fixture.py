"""Rule fixtures: SQL files in which the expected findings stand on the lines where they are.

    -- dialect: mysql mariadb
    -- table: orders id int, v varchar(50)
    -- migrate:up
    alter table orders drop primary key; -- expect: blocks-table info/warning/danger

The grades are those for 10 rows, for an unknown size and for a million rows; `-` is no finding,
and one grade alone is that of all three. `-- strict: no` is a session without strict mode,
`-- partitioned: events` makes a table a partitioned one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lockgate.planner.database.facts import ColumnFacts, Facts, Layout, TableFacts
from lockgate.planner.finding import Finding
from lockgate.planner.migrations.format import parse_sections
from lockgate.planner.migrations.formats.lockgate import read_migration
from lockgate.planner.review.section import ReviewTerms, Subject, read_subject, written_in
from lockgate.planner.sql.dialect import DIALECTS, Dialect

Size = Literal["small", "unknown", "large"]
SIZES: tuple[Size, ...] = ("small", "unknown", "large")
ROWS = {"small": 10, "large": 1_000_000}
TEXTUAL = ("varchar", "char", "text", "enum")

Found = set[tuple[int, str, str]]


@dataclass(frozen=True)
class Fixture:
    """A fixture's file."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def dialects(self) -> list[Dialect]:
        return [DIALECTS[name] for value in self._headers("dialect") for name in value.split()]

    def subjects(self, dialect: Dialect, size: Size) -> Iterator[Subject]:
        """Its sections, with tables of a size."""
        migration = read_migration("001_fixture.sql", self.text.encode(), dialect)
        sections = parse_sections(migration, dialect, {})
        terms = ReviewTerms(dialect, self._facts(size))
        for direction, section in (("up", sections.up), ("down", sections.down)):
            if section is not None:
                yield read_subject(
                    written_in(section),
                    "up" if direction == "up" else "down",
                    section.transactional,
                    terms,
                    section.delimiter_left,
                )

    def expected(self, size: Size) -> Found:
        """Line, code and severity of each finding that is to be there."""
        found = set()
        for line, text in enumerate(self.text.split("\n"), 1):
            for part in text.partition("-- expect:")[2].split(","):
                code, _, grades = part.strip().partition(" ")
                grade = grades.split("/")[SIZES.index(size)] if "/" in grades else grades
                if code and grade != "-":
                    found.add((line, code, grade))
        return found

    def _headers(self, name: str) -> Iterator[str]:
        for line in self.text.split("\n"):
            if line.startswith(f"-- {name}: "):
                yield line.partition(": ")[2]

    def _facts(self, size: Size) -> Facts:
        strict = "no" not in self._headers("strict")
        if size == "unknown":
            return Facts(strict=strict)
        tables = dict(_table(value, ROWS[size]) for value in self._headers("table"))
        for name in self._headers("partitioned"):
            tables[name] = replace(tables[name], layout=Layout("partitioned", indexes=("i",)))
        return Facts(
            tables,
            strict=strict,
            default_schema=next(self._headers("default"), ""),
            schemas_before=frozenset(self._headers("before")),
        )


def _table(value: str, rows: int) -> tuple[str, TableFacts]:
    name, _, columns = value.partition(" ")
    facts = dict(_column(text) for text in columns.split(", ") if text)
    return name, TableFacts("InnoDB", rows, rows * 100, facts, collation="utf8mb4_general_ci")


def _column(text: str) -> tuple[str, ColumnFacts]:
    name, kind, *rest = text.split()
    charset = "utf8mb4" if kind.startswith(TEXTUAL) else ""
    return name, ColumnFacts(kind, nullable=rest != ["not", "null"], charset=charset)


def fixtures(folder: Path) -> Sequence[Fixture]:
    """All fixtures of a folder, by name."""
    return [Fixture(path) for path in sorted(folder.glob("*.sql"))]


def found(findings: Sequence[Finding]) -> Found:
    """Findings as fixtures spell them."""
    return {(one.line, one.code, one.severity) for one in findings}
