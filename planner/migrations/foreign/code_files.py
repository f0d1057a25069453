"""Migrations that are code: their tool runs them, and no plan can say what they will do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.value import frozen

LANGUAGES = {
    ".js": "JavaScript", ".cjs": "JavaScript", ".mjs": "JavaScript", ".ts": "TypeScript",
    ".py": "Python", ".rb": "Ruby", ".php": "PHP", ".exs": "Elixir", ".go": "Go",
    ".java": "Java", ".kt": "Kotlin", ".cs": "C#",
}  # fmt: skip
SIGNS = {
    "Alembic": r"^down_revision\b",
    "Django": r"\bmigrations\.Migration\b",
    "yoyo": r"^from yoyo import\b|^import yoyo\b",
    "Rails": r"\bActiveRecord::Migration\b",
    "Sequel": r"\bSequel\.migration\b",
    "Laravel": r"\bIlluminate\\Database\\Migrations\b",
    "Doctrine": r"\bDoctrine\\Migrations\b",
    "Phinx": r"\bPhinx\\Migration\b",
    "Ecto": r"\buse Ecto\.Migration\b",
    "EF Core": r"\bMicrosoft\.EntityFrameworkCore\.Migrations\b",
    "goose": r"\bgoose\.Add(?:Named)?Migration",
    "TypeORM": r"\bMigrationInterface\b",
    "MikroORM": r"@mikro-orm/migrations\b",
    "Sequelize": r"\bqueryInterface\b",
    "Kysely": r"""\bfrom ['"]kysely['"]""",
    "node-pg-migrate": r"\bpgm\b|\bnode-pg-migrate\b",
    "knex": r"\bknex\b",
}
"""What the files that each tool makes have in them; the first that is there counts."""
NUMBERED = re.compile(r"[0-9]{3,}[_.-]")
"""How the file of a migration begins, whatever its tool is."""


@frozen
class CodeFiles:
    """The migrations of a folder that are code. `tool` is the one that they look like; empty: it
    is not known."""

    tool: str
    language: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        """What they are.

        >>> str(CodeFiles("knex", "JavaScript", ("1_a.js", "2_b.js")))
        'what looks like migrations of knex, in JavaScript (1_a.js … 2_b.js)'
        """
        ends = " … ".join(dict.fromkeys((self.names[0], self.names[-1])))
        of = f" of {self.tool}," if self.tool else ""
        return f"what looks like migrations{of} in {self.language} ({ends})"


def find_code(folder: Folder) -> CodeFiles | None:
    """The code in a folder, and in folders within it, that looks like migrations."""
    code = [name for name in folder.tree if Path(name).suffix in LANGUAGES]
    tools = {name: tool for name in code if (tool := _tool_of(folder.read(name)))}
    tool = next(iter(tools.values()), "")
    names = [name for name, one in tools.items() if one == tool] or [
        name for name in code if NUMBERED.match(name)
    ]
    return CodeFiles(tool, LANGUAGES[Path(names[0]).suffix], tuple(names)) if names else None


def _tool_of(text: str) -> str:
    found = (tool for tool, sign in SIGNS.items() if re.search(sign, text, re.MULTILINE))
    return next(found, "")


def untaken_folder(path: Path) -> Iterator[MigrationFileError]:
    """An error where a folder holds no SQL, but migrations that are code."""
    folder = Folder(path)
    has_sql = any(name.lower().endswith(".sql") for name in folder.tree)
    if not has_sql and (found := find_code(folder)):
        yield MigrationFileError(
            f"there is no SQL file, but {found}",
            path=path,
            why="lockgate runs no code, and cannot read what it would do.",
            do="Write the schema as it is into a first file 001_schema.sql beside them, below a "
            "line `-- migrate:up` (`migrate dump` prints it), and say that the database has it: "
            "`migrate adopt --baseline 001`.",
        )


def untaken_code(names: Iterable[str], language: str) -> Iterator[MigrationFileError]:
    """An error for each of these files."""
    for name in names:
        yield MigrationFileError(
            f"a migration in {language} cannot be planned: lockgate cannot read what it will do",
            path=Path(name),
            do="Write it as SQL in its place: where it has run, `migrate adopt` records it.",
        )
