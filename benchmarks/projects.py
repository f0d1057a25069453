"""Projects to measure on: folders of migrations with an environment for a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

ROWS = 2_000  # of an INSERT, of about 80 bytes each
UP, DOWN = "-- migrate:up\n", "-- migrate:down\n"


def write_project(folder: Path, url: str, files: Iterable[tuple[str, Iterable[str]]]) -> Path:
    """A project in a new folder, its migrations given as names and pieces of text."""
    for name in ("environments", "migrations"):
        (folder / name).mkdir(parents=True)
    (folder / "environments" / "dev.yaml").write_text(
        f'database: {{url: "{url}"}}\npolicy: {{non_atomic: allow}}\n'
    )
    for name, text in files:
        with (folder / "migrations" / name).open("w") as file:
            file.writelines(text)
    return folder


def small_migrations(
    count: int, table: Callable[[int], str] | None = None
) -> Iterable[tuple[str, str]]:
    """Migrations of one table each, or of what `table` says the number of one makes."""
    make = table or (lambda number: f"create table t{number} (id int primary key);")
    for number in range(1, count + 1):
        text = f"{UP}{make(number)}\n{DOWN}drop table t{number};\n"
        yield f"{number:05}_create_t{number}.sql", text


def related_table(number: int) -> str:
    """A table with a counter and a foreign key to one of the 31 before it, as applications have."""
    parent = max(1, number - number % 31)
    link = f", foreign key (parent) references t{parent} (id)" if number > 1 else ""
    return f"create table t{number} (id int auto_increment primary key, parent int{link});"


def seed(megabytes: int) -> Iterable[tuple[str, Iterable[str]]]:
    """One migration that makes a table and fills it by INSERTs of so much text in all. It comes
    in pieces: the size of the process that measures another is counted as the other's."""
    yield "001_seed.sql", _seeding(megabytes * 1_000_000)


def _seeding(characters: int) -> Iterator[str]:
    yield f"{UP}create table seed (id int, name varchar(100), note varchar(100));\n"
    size, row = 0, 0
    while size < characters:
        rows = [f"({row + one}, 'name {row + one}', '{'x' * 60}')" for one in range(ROWS)]
        line = f"insert into seed values {','.join(rows)};\n"
        yield line
        size, row = size + len(line), row + ROWS
    yield f"{DOWN}drop table seed;\n"
