"""A project's checkout, and the links that lead out of it: none is followed, in any direction."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lockgate.executors.programs.signatures import find_allowed_signers
from lockgate.planner.document import write_whole
from lockgate.planner.environments.environment import read_environment
from lockgate.planner.errors import LockgateError
from lockgate.planner.migrations.directory import read_migrations
from lockgate.planner.plan.planfile import read_plan
from lockgate.planner.plan.receipt import read_receipt
from lockgate.planner.project import MEMORY, find_checkout, is_outside, leads_out, read_regular
from lockgate.planner.sql.dialect import MYSQL, POSTGRESQL
from lockgate.scaffold import write_migration

SQL = "-- migrate:up\nselect 1;\n"
YAML = "database: embedded\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with an environment and a migration."""
    top = tmp_path / "project"
    for folder in (".git/objects", "environments", "migrations"):
        (top / folder).mkdir(parents=True)
    (top / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (top / "environments" / "dev.yaml").write_text(YAML)
    (top / "migrations" / "001_a.sql").write_text(SQL)
    return top


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file outside of the project, which is valid as whatever it is read for."""
    path = tmp_path / "secret"
    path.write_text(SQL)
    return path


def read_all(top: Path) -> None:
    """Reads the project's files as commands do."""
    read_environment("dev", top / "environments", variables={})
    for dialect in (POSTGRESQL, MYSQL):
        read_migrations(top / "migrations", dialect)
    find_allowed_signers(top / "environments")


READERS: dict[str, Callable[[Path], object]] = {
    "environments/dev.yaml": read_all,
    "migrations/001_a.sql": read_all,
    "environments/allowed_signers": read_all,
    "environments/revoked_keys": read_all,
    "plan.json": lambda top: read_plan(top / "plan.json"),
    "receipt.json": lambda top: read_receipt(top / "receipt.json"),
    "out.json": lambda top: write_whole(top / "out.json", "{}"),
    "migrations/002_b.sql": lambda top: write_migration(top / "migrations", "002_b.sql"),
}


@pytest.mark.parametrize("name", READERS)
def test_a_link_out_of_the_project_is_refused(project: Path, secret: Path, name: str) -> None:
    (project / name).unlink(missing_ok=True)
    (project / name).symlink_to(secret)
    with pytest.raises(LockgateError) as refused:
        READERS[name](project)
    assert "leads out of the project" in refused.value.what
    assert refused.value.why
    assert refused.value.do
    assert secret.read_text() == SQL


@pytest.mark.parametrize("name", ["environments", "migrations"])
def test_a_folder_that_is_a_link_out_of_the_project_is_refused(
    project: Path, tmp_path: Path, name: str
) -> None:
    (project / name).rename(tmp_path / "elsewhere")
    (project / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LockgateError, match="leads out of the project"):
        read_all(project)


def test_a_link_to_a_link_is_followed_to_its_end(project: Path, secret: Path) -> None:
    (project / "step").symlink_to(secret)
    (project / "migrations" / "002_b.sql").symlink_to("../step")
    with pytest.raises(LockgateError, match="leads out of the project"):
        read_all(project)


def test_links_inside_of_the_project_are_followed(project: Path) -> None:
    (project / "shared.sql").write_text(SQL)
    (project / "migrations" / "002_b.sql").symlink_to("../shared.sql")
    read_all(project)


def test_a_mounted_folder_of_links_is_read(tmp_path: Path) -> None:
    """As Kubernetes mounts a ConfigMap: each file is a link to a link beside it."""
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "001_a.sql").write_text(SQL)
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "001_a.sql").symlink_to("..data/001_a.sql")
    assert len(read_migrations(tmp_path, POSTGRESQL).migrations) == 1


def test_a_project_below_a_link_is_read(project: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project)
    read_all(tmp_path / "link")
    write_whole(tmp_path / "link" / "plan.json", "{}")


def test_without_a_checkout_a_link_out_of_its_own_folder_is_refused(
    tmp_path: Path, secret: Path
) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "001_a.sql").symlink_to(secret)
    with pytest.raises(LockgateError, match="leads out of the project"):
        read_migrations(tmp_path / "migrations", POSTGRESQL)


@pytest.mark.skipif(not MEMORY.is_dir(), reason="no folder in memory here")
def test_a_project_in_memory_is_held_to_the_same(secret: Path) -> None:
    with TemporaryDirectory(dir=MEMORY) as folder:
        link = Path(folder) / "link"
        link.symlink_to(secret)
        assert leads_out(link)


def test_standard_output_is_no_link_of_a_project() -> None:
    assert not leads_out(Path("/dev/stdout"))


def test_a_bare_repository_is_no_checkout(tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir()
    (tmp_path / "HEAD").write_text("ref: refs/heads/main\n")
    assert find_checkout(tmp_path) is None


def test_a_checkout_is_found_from_below_and_by_its_git_file(project: Path, tmp_path: Path) -> None:
    found = find_checkout(project / "migrations")
    assert found is not None
    assert found.top == project
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / ".git").write_text(f"gitdir: {project}/.git/worktrees/tree\n")
    found = find_checkout(tmp_path / "tree")
    assert found is not None
    assert found.top == tmp_path / "tree"


@pytest.mark.parametrize(
    ("path", "expected"),
    [("migrations", False), ("../other/migrations", True), ("/etc", True), ("db/../sql", False)],
)
def test_a_folder_outside_is_told_from_one_inside(project: Path, path: str, expected: bool) -> None:
    assert is_outside(Path(path), project) is expected


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a")
    assert read_regular(tmp_path / "file") == b"a"
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match=r"no regular file|Is a directory"):
            read_regular(path)


def test_a_pipe_that_the_shell_has_opened_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "w") as file:
        file.write("a plan")
        file.close()
        assert read_regular(Path(f"/dev/fd/{reading}")) == b"a plan"
