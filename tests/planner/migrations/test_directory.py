"""A directory of migrations: order, duplicates, gaps, digest, and files that cannot be read."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from lockgate.planner.errors import MigrationFileError, MigrationFileErrors
from lockgate.planner.migrations.directory import Directory, read_migrations
from lockgate.planner.sql.dialect import POSTGRESQL

TEXT = "-- migrate:up\nselect 1;\n"
Read = Callable[..., Directory]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes the files that are named and reads their directory."""

    def write_and_read(*names: str, **texts: str) -> Directory:
        for name in names:
            (tmp_path / name).write_text(texts.get(name, TEXT), encoding="utf-8")
        return read_migrations(tmp_path, POSTGRESQL)

    return write_and_read


def versions(directory: Directory) -> list[str]:
    return [migration.version for migration in directory.migrations]


def refused(read: Read, *names: str) -> MigrationFileError:
    with pytest.raises(MigrationFileError) as caught:
        read(*names)
    assert caught.value.do
    return caught.value


def test_migrations_are_ordered_by_version_as_a_number(read: Read) -> None:
    names = ("10_c.sql", "9_b.sql", "0001_a.sql", "12345678901234567890_e.sql", "20261122_d.sql")
    assert versions(read(*names)) == ["0001", "9", "10", "20261122", "12345678901234567890"]


def test_other_files_hidden_files_and_folders_are_passed_over(read: Read, tmp_path: Path) -> None:
    (tmp_path / "003_folder.sql").mkdir()
    assert versions(read("001_a.sql", "README.md", ".002_draft.sql", "002_a.sql~")) == ["001"]


def test_an_empty_directory_has_no_migrations(read: Read) -> None:
    directory = read()
    assert (directory.migrations, directory.warnings) == ((), ())
    assert directory.digest == hashlib.sha256(b"").hexdigest()


def test_a_missing_directory_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(MigrationFileError, match="migrate new") as caught:
        read_migrations(tmp_path / "none", POSTGRESQL)
    assert caught.value.path == tmp_path / "none"


@pytest.mark.parametrize("names", [("001_a.sql", "1_b.sql"), ("001_a.sql", "001_b.sql")])
def test_a_duplicate_version_names_both_files(read: Read, names: tuple[str, str]) -> None:
    error = refused(read, *names)
    assert error.what == f"{names[0]} and {names[1]} both have version 1"


@pytest.mark.parametrize("name", ["001.sql", "001_a.SQL"])
def test_a_malformed_name_is_refused_not_passed_over(read: Read, name: str) -> None:
    assert str(refused(read, "002_b.sql", name)).startswith(name)


def test_a_file_without_a_version_is_passed_over_with_a_warning(read: Read) -> None:
    found = read("001_a.sql", "schema.sql")
    assert [one.version for one in found.migrations] == ["001"]
    assert found.warnings == ("schema.sql is no migration, since its name begins with no version.",)


def test_every_mistake_of_a_folder_is_reported_at_once(read: Read) -> None:
    with pytest.raises(MigrationFileErrors) as caught:
        read("001.sql", "002_b.sql", "2_c.sql", "003_d.sql", **{"003_d.sql": "select 1;"})
    assert [str(error.path or error.what) for error in caught.value.errors] == [
        "001.sql",
        "003_d.sql",
        "002_b.sql and 2_c.sql both have version 2",
    ]
    assert "\n  003_d.sql:1: SQL above `-- migrate:up`\n    Put" in str(caught.value)


def test_a_broken_link_is_refused_not_passed_over(read: Read, tmp_path: Path) -> None:
    (tmp_path / "002_b.sql").symlink_to(tmp_path / "gone")
    error = refused(read, "001_a.sql")
    assert error.path == Path("002_b.sql")
    assert "cannot be read" in error.what


def test_a_wrong_file_is_named(read: Read, tmp_path: Path) -> None:
    (tmp_path / "002_b.sql").write_bytes(b"-- migrate:up\n\xff")
    assert str(refused(read, "001_a.sql")).startswith("002_b.sql:2: byte 14 (0xff)")


class TestGaps:
    def test_a_hole_in_sequential_numbers_is_a_warning(self, read: Read) -> None:
        found = read("001_a.sql", "002_b.sql", "5_c.sql")
        expected = ("No migration between 2 and 5: is a file missing?",)
        assert found.warnings_on(found.migrations) == expected
        assert found.warnings_on(found.migrations[2:]) == expected

    def test_a_gap_before_what_is_applied_warns_no_more(self, read: Read) -> None:
        found = read("001_a.sql", "003_b.sql", "004_c.sql")
        assert found.warnings_on(found.migrations[2:]) == ()

    def test_numbers_of_any_padding_are_sequential(self, read: Read) -> None:
        found = read("00000001_a.sql", "00000003_b.sql")
        assert len(found.warnings_on(found.migrations)) == 1

    def test_timestamps_have_none(self, read: Read) -> None:
        names = ("20261122_a.sql", "20261122093000_b.sql", "20261123093000_c.sql")
        found = read("001_first.sql", *names)
        assert found.warnings_on(found.migrations) == ()


class TestDigest:
    def test_is_what_sha256sum_prints_of_its_own_sorted_output(self, read: Read) -> None:
        line = hashlib.sha256(TEXT.encode()).hexdigest()
        expected = hashlib.sha256(f"{line}  001_a.sql\n{line}  002_b.sql\n".encode())
        assert read("002_b.sql", "001_a.sql").digest == expected.hexdigest()

    def test_changes_with_a_name_and_not_with_crlf(self, read: Read, tmp_path: Path) -> None:
        first = read("001_a.sql").digest
        (tmp_path / "001_a.sql").write_bytes(TEXT.replace("\n", "\r\n").encode())
        assert read().digest == first
        (tmp_path / "001_a.sql").rename(tmp_path / "001_b.sql")
        assert read().digest != first
