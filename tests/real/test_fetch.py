"""The fetched sets are whole, their versions keep the originals' order, their SQL its text."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real import fetch
from tests.real.convert import RealMigration, write_migrations
from tests.real.graphile_worker import read_graphile_worker
from tests.real.procrastinate import read_procrastinate, version_and_name
from tests.real.roundcube import read_roundcube_mysql, read_roundcube_postgres

Fetch = Callable[[], Path]
Read = Callable[[Path], list[RealMigration]]

SETS = pytest.mark.parametrize(
    ("fetch_set", "read_set"),
    [
        pytest.param(fetch.fetch_procrastinate, read_procrastinate, id="procrastinate"),
        pytest.param(fetch.fetch_graphile_worker, read_graphile_worker, id="graphile-worker"),
        pytest.param(fetch.fetch_roundcube, read_roundcube_mysql, id="roundcube-mysql"),
        pytest.param(fetch.fetch_roundcube, read_roundcube_postgres, id="roundcube-postgres"),
    ],
)


def test_procrastinate_is_whole() -> None:
    assert len(read_procrastinate(fetch.fetch_procrastinate())) == 38


def test_graphile_worker_is_whole() -> None:
    assert len(read_graphile_worker(fetch.fetch_graphile_worker())) == 19


def test_roundcube_reaches_from_its_first_upgrade_to_the_newest() -> None:
    versions = [m.version for m in read_roundcube_mysql(fetch.fetch_roundcube())]
    assert versions[:2] == ["1", "2008030300"]
    assert versions[-1] >= "2022081200"


@SETS
def test_versions_ascend_as_the_originals_do(fetch_set: Fetch, read_set: Read) -> None:
    versions = [int(migration.version) for migration in read_set(fetch_set())]
    assert versions == sorted(set(versions))


@SETS
def test_a_file_holds_the_original_between_its_sections(
    fetch_set: Fetch, read_set: Read, tmp_path: Path
) -> None:
    migrations = read_set(fetch_set())
    write_migrations(migrations, tmp_path / "migrations")
    for migration in migrations:
        written = (tmp_path / "migrations" / migration.filename).read_text(encoding="utf-8")
        before, marker, down = written.partition("\n-- migrate:down\n")
        assert before.startswith("-- migrate:up")
        assert before.partition("\n")[2] == migration.up.rstrip()
        assert marker
        assert down == migration.down


def test_roundcube_upgrades_are_verbatim() -> None:
    folder = fetch.fetch_roundcube()
    for migration in read_roundcube_mysql(folder)[1:]:
        original = folder / "mysql" / f"{migration.version}.sql"
        assert migration.up == original.read_text(encoding="utf-8")


def test_no_placeholder_of_graphile_worker_is_left() -> None:
    migrations = read_graphile_worker(fetch.fetch_graphile_worker())
    assert not [m.filename for m in migrations if "GRAPHILE_WORKER_SCHEMA" in m.text]


def test_only_new_enum_values_need_a_transaction_of_their_own() -> None:
    migrations = read_procrastinate(fetch.fetch_procrastinate())
    alone = [migration.version for migration in migrations if not migration.transactional]
    assert alone == ["02060001", "03040001"]


def test_a_release_and_its_number_become_eight_digits() -> None:
    assert version_and_name("00.17.00_03_add_checks") == ("00170003", "add_checks")


def test_a_machine_without_npm_takes_the_one_in_a_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "npm", fetch.packaged_npm)
    fetch.fill_graphile_worker(tmp_path)
    assert contents(tmp_path) == contents(fetch.fetch_graphile_worker())


def test_a_client_that_fails_is_quoted() -> None:
    with pytest.raises(fetch.FetchError, match="no such package"):
        fetch.run([sys.executable, "-c", "raise SystemExit('no such package')"])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
