"""Projects to measure on: folders of migrations with an environment for a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

ROWS = 2_000  # of an INSERT, of about 80 bytes each
UP, DOWN = "-- migrate:up\n", "-- migrate:down\n"


def write_project(folder: Path, url: str, files: Iterable[tuple[str, str]]) -> Path:
    """A project in a new folder, its migrations given as names and texts."""
    for name in ("environments", "migrations"):
        (folder / name).mkdir(parents=True)
    (folder / "environments" / "dev.yaml").write_text(
        f'database: {{url: "{url}"}}\npolicy: {{non_atomic: allow}}\n'
    )
    for name, text in files:
        (folder / "migrations" / name).write_text(text)
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


def seed(megabytes: int) -> Iterable[tuple[str, str]]:
    """One migration that makes a table and fills it by INSERTs of so much text in all."""
    lines = [f"{UP}create table seed (id int, name varchar(100), note varchar(100));"]
    size, row = 0, 0
    while size < megabytes * 1_000_000:
        rows = [f"({row + one}, 'name {row + one}', '{'x' * 60}')" for one in range(ROWS)]
        lines.append(f"insert into seed values {','.join(rows)};")
        size, row = size + len(lines[-1]), row + ROWS
    yield "001_seed.sql", "\n".join([*lines, f"{DOWN}drop table seed;\n"])
