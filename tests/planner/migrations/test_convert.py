"""Conversion into our format: every format's folder runs the same afterwards, byte by byte."""

from pathlib import Path

import pytest

from lockgate.planner.migrations.convert import ConvertedFile, convert
from lockgate.planner.migrations.directory import Directory, read_migrations
from lockgate.planner.migrations.format import FORMATS, parse_sections
from lockgate.planner.migrations.migration import Section
from lockgate.planner.sql.dialect import MYSQL, POSTGRESQL, Dialect
from tests.planner.migrations.test_formats import FOLDERS, place, write

Run = list[tuple[bool, list[tuple[str, str | None]]] | None]


def converted(
    folder: Path, name: str, dialect: Dialect = POSTGRESQL, variables: dict[str, str] | None = None
) -> tuple[Directory, tuple[ConvertedFile, ...], Directory]:
    """A folder, its files in our format, and these read again."""
    found = read_migrations(folder, dialect, name)
    files = convert(found.migrations, dialect, variables or {})
    again = folder / "again"
    write(again, {one.filename: one.text for one in files})
    return found, files, read_migrations(again, dialect)


def runs(
    directory: Directory, dialect: Dialect = POSTGRESQL, variables: dict[str, str] | None = None
) -> list[Run]:
    """What each migration runs up and down, and whether as one transaction."""
    sections = [parse_sections(one, dialect, variables or {}) for one in directory.migrations]
    return [[_run(one.up), _run(one.down)] for one in sections]


def _run(section: Section | None) -> tuple[bool, list[tuple[str, str | None]]] | None:
    if section is None:
        return None
    return section.transactional, [(one.sql, one.copy_data) for one in section.statements]


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_runs_the_same_in_our_format(name: str, tmp_path: Path) -> None:
    write(tmp_path, FOLDERS[name][0])
    found, files, again = converted(place(tmp_path, name), name)
    assert runs(found) == runs(again)
    assert [one.source_version for one in files] == [one.version for one in found.migrations]
    assert [one.version for one in files] == [one.version for one in again.migrations]


def test_comments_and_bytes_of_a_section_stay(tmp_path: Path) -> None:
    up = "-- why\ncreate table a (\n\tid int -- the key\n);\n\n"
    write(tmp_path, {"00007_a.sql": f"-- +goose Up\n{up}-- +goose Down\ndrop table a;\n"})
    _, (file,), _ = converted(tmp_path, "goose")
    assert (file.filename, file.sources) == ("00007_a.sql", ("00007_a.sql",))
    assert file.text == f"-- migrate:up\n{up}-- migrate:down\ndrop table a;\n"


def test_begin_and_commit_around_all_stay(tmp_path: Path) -> None:
    write(tmp_path, {"1_a.up.sql": "-- why\nBEGIN;\nselect 1; -- one\nCOMMIT;\n"})
    _, (file,), _ = converted(tmp_path, "golang-migrate")
    assert file.text == "-- migrate:up\n-- why\nBEGIN;\nselect 1; -- one\nCOMMIT;\n"


def test_versions_that_are_no_numbers_are_numbered_and_requirements_follow(tmp_path: Path) -> None:
    write(tmp_path, FOLDERS["sqitch"][0])
    _, files, _ = converted(tmp_path, "sqitch")
    assert [one.filename for one in files] == ["0001_z.sql", "0002_a.sql", "0003_z.sql"]
    assert files[2].text.startswith("-- migrate:requires 0001 0002\n-- migrate:up\n")


def test_placeholders_become_a_template(tmp_path: Path) -> None:
    write(tmp_path, {"V1__a.sql": "select '${who}', '{{ kept }}';", "R__v.sql": "select 2;"})
    variables = {"who": "ann"}
    found, files, again = converted(tmp_path, "flyway", variables=variables)
    assert files[0].text.startswith("-- migrate:template jinja\n-- migrate:up\nselect '{{ who }}")
    assert runs(found, variables=variables) == runs(again, variables=variables)
    assert files[1].filename == "R__v.sql"


def test_a_section_outside_of_a_transaction_stays_one(tmp_path: Path) -> None:
    write(tmp_path, {"1_a.up.sql": "create index concurrently i on t (x);"})
    _, (file,), _ = converted(tmp_path, "golang-migrate")
    assert file.text.startswith("-- migrate:up transaction:false\n")


def test_drizzles_breakpoints_are_no_sql_for_mysql(tmp_path: Path) -> None:
    write(tmp_path, FOLDERS["drizzle"][0])
    found, _, again = converted(tmp_path, "drizzle", MYSQL)
    assert runs(found, MYSQL) == runs(again, MYSQL)
