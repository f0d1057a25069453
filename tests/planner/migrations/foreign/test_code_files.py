"""Folders whose migrations are code, by what the tools' own templates put into them."""

from pathlib import Path

import pytest

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.directory import find_mistakes, read_migrations
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.code_files import find_code
from lockgate.planner.sql.dialect import POSTGRESQL

TEMPLATES = [
    ("knex", "20240101000000_a.js", "exports.up = function(knex) {\n};\n"),
    ("knex", "20240101000000_a.ts", 'import type { Knex } from "knex";\n'),
    ("node-pg-migrate", "1700000000000_a.js", "exports.up = (pgm) => {};\n"),
    ("Sequelize", "20240101000000-a.js", "  async up (queryInterface, Sequelize) {\n"),
    ("TypeORM", "1700000000000-A.ts", "export class A1 implements MigrationInterface {\n"),
    ("Kysely", "2024-01-01_a.ts", "import { type Kysely } from 'kysely'\n"),
    ("Alembic", "versions/ae10_a.py", 'revision: str = "ae10"\ndown_revision: str = "1975"\n'),
    ("Django", "0001_initial.py", "class Migration(migrations.Migration):\n"),
    ("yoyo", "20240101_01_abcde-a.py", "from yoyo import step\n"),
    ("Rails", "20240101000000_a.rb", "class A < ActiveRecord::Migration[7.1]\n"),
    ("Laravel", "2024_01_01_000000_a.php", "use Illuminate\\Database\\Migrations\\Migration;\n"),
    ("goose", "00001_a.go", "\tgoose.AddMigrationContext(up, down)\n"),
    ("", "001_a.js", "module.exports = {};\n"),
]


@pytest.mark.parametrize(("tool", "name", "text"), TEMPLATES)
def test_a_folder_of_code_is_refused_by_its_tool(
    tmp_path: Path, tool: str, name: str, text: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    found = find_code(Folder(tmp_path))
    assert found
    assert (found.tool, found.names) == (tool, (name,))
    for form in ("lockgate", "auto", "plain", "flyway"):
        with pytest.raises(MigrationFileError, match="there is no SQL file, but what looks like"):
            read_migrations(tmp_path, POSTGRESQL, form)
        (mistake,) = find_mistakes(tmp_path, POSTGRESQL, {}, form)
        assert f"of {tool}," in mistake.what or not tool
        assert "`migrate adopt --baseline 001`" in (mistake.do or "")


def test_code_beside_sql_and_what_is_no_migration_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "env.py").write_text("import os\n")
    (tmp_path / "latin.py").write_bytes(b"# caf\xe9\n")
    assert read_migrations(tmp_path, POSTGRESQL).migrations == ()
    (tmp_path / "20240101000000_a.js").write_text("exports.up = (knex) => {};\n")
    (tmp_path / "001_schema.sql").write_text("-- migrate:up\ncreate table t (id int);\n")
    for form in ("lockgate", "auto"):
        assert len(read_migrations(tmp_path, POSTGRESQL, form).migrations) == 1
