"""What git is asked runs nothing that a checkout, its attributes or a folder above it brings."""

import os
import subprocess
from pathlib import Path

import pytest

from lockgate.checkout import copy_environments, read_source
from lockgate.executors.programs.git import ask_checkout, ask_user, find_own_checkout
from lockgate.planner.environments.environment import read_environment
from lockgate.planner.errors import UsageError
from lockgate.planner.plan.plan import CommitAuthor

DIGEST = "0" * 64
PERSON = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")


def git(folder: Path, *arguments: str) -> str:
    ended = subprocess.run(
        ["git", *PERSON, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return ended.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with one migration, committed; returns its top."""
    top = tmp_path / "project"
    (top / "migrations").mkdir(parents=True)
    git(top, "init", "-q")
    (top / "migrations" / "001_a.sql").write_text("-- migrate:up\nselect 1;\n")
    git(top, "add", ".")
    git(top, "commit", "-qm", "one")
    return top


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A program that leaves a file beside it when it is run: `sprung`."""
    program = tmp_path / "trap"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    program.chmod(0o755)
    return program


def is_sprung(trap: Path) -> bool:
    return (trap.parent / "sprung").exists()


def touch_index(top: Path) -> None:
    """Makes git compare the file's content: its time is no longer the index's."""
    os.utime(top / "migrations" / "001_a.sql", (1, 1))


def bury_bare_repository(folder: Path, trap: Path) -> None:
    """The plain files of a bare repository, as a commit can hold them."""
    for name in ("objects", "refs"):
        (folder / name).mkdir()
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text(
        f'[core]\nbare = false\nworktree = ..\nfsmonitor = "{trap}"\n'
        "[gpg]\nformat = ssh\n[user]\nsigningkey = /etc/passwd\n"
    )


def test_the_commit_and_changes_are_those_of_the_checkout(project: Path) -> None:
    head = git(project, "rev-parse", "HEAD")
    source = read_source(project / "migrations", DIGEST)
    assert (source.commit, source.dirty) == (head, False)
    assert source.author == CommitAuthor(name="Ann", email="ann@example.com")
    (project / "migrations" / "002_b.sql").write_text("-- migrate:up\nselect 2;\n")
    assert read_source(project / "migrations", DIGEST).dirty is True


def test_what_changed_elsewhere_is_no_change_of_the_migrations(project: Path) -> None:
    (project / "README").write_text("new")
    assert read_source(project / "migrations", DIGEST).dirty is False


def test_outside_of_a_checkout_nothing_is_known(tmp_path: Path) -> None:
    source = read_source(tmp_path, DIGEST)
    assert (source.commit, source.author, source.dirty) == (None, None, None)


@pytest.mark.parametrize(
    ("author", "name", "email"),
    [
        ("Bo Lee <bo@example.com>", "Bo Lee", "bo@example.com"),
        ("Ånn ( <Ann@Example.Com>", "Ånn (", "Ann@Example.Com"),
    ],
)
def test_the_author_is_who_wrote_it_and_not_who_committed_it(
    project: Path, author: str, name: str, email: str
) -> None:
    """Not even where the message has lines like those of a commit's head."""
    message = "two\n\nauthor Eve <eve@example.com> 1 +0000"
    git(project, "commit", "-qm", message, "--allow-empty", f"--author={author}")
    (project / ".mailmap").write_text(f"Eve <eve@example.com> <{email}>\n")
    source = read_source(project / "migrations", DIGEST)
    assert source.author == CommitAuthor(name=name, email=email)


def test_a_bare_repository_in_the_migrations_is_not_taken_for_the_checkout(
    project: Path, trap: Path
) -> None:
    bury_bare_repository(project / "migrations", trap)
    head = git(project, "rev-parse", "HEAD")
    source = read_source(project / "migrations", DIGEST)
    assert source.commit == head
    assert not is_sprung(trap)


def test_a_bare_repository_outside_of_a_checkout_is_none(tmp_path: Path, trap: Path) -> None:
    (tmp_path / "migrations").mkdir()
    bury_bare_repository(tmp_path / "migrations", trap)
    assert read_source(tmp_path / "migrations", DIGEST).commit is None
    assert not is_sprung(trap)


@pytest.mark.parametrize("key", ["clean", "process"])
def test_attributes_of_a_commit_start_no_filter(project: Path, trap: Path, key: str) -> None:
    git(project, "config", f"filter.lfs=odd.name.{key}", str(trap))
    (project / ".gitattributes").write_text("*.sql filter=lfs=odd.name\n")
    touch_index(project)
    assert read_source(project / "migrations", DIGEST).dirty is False
    assert not is_sprung(trap)


def test_a_filter_of_the_users_own_configuration_is_not_started(
    project: Path, trap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "gitconfig"
    own.write_text(f'[filter "lfs"]\nclean = "{trap}"\nrequired = true\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    (project / ".gitattributes").write_text("*.sql filter=lfs\n")
    touch_index(project)
    assert read_source(project / "migrations", DIGEST).dirty is False
    assert not is_sprung(trap)


def test_a_monitor_of_the_checkout_is_not_started(project: Path, trap: Path) -> None:
    git(project, "config", "core.fsmonitor", str(trap))
    assert read_source(project / "migrations", DIGEST).dirty is False
    assert not is_sprung(trap)


def test_hooks_are_not_started(project: Path, trap: Path) -> None:
    hook = project / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.symlink_to(trap)
    touch_index(project)
    read_source(project / "migrations", DIGEST)
    assert not is_sprung(trap)


def test_a_submodule_is_not_looked_into(project: Path, trap: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "commit", "-qm", "one", "--allow-empty")
    add = ("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other))
    git(project, *add, "migrations/sub")
    git(project, "commit", "-qm", "two")
    git(project / "migrations" / "sub", "config", "core.fsmonitor", str(trap))
    assert read_source(project / "migrations", DIGEST).dirty is False
    assert not is_sprung(trap)


def test_a_program_called_git_in_the_folder_is_not_run(
    project: Path, trap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "git").symlink_to(trap)
    monkeypatch.chdir(project)
    monkeypatch.setenv("PATH", f":.:{os.environ['PATH']}")
    assert read_source(project / "migrations", DIGEST).commit is not None
    assert not is_sprung(trap)


def test_git_is_told_no_secret(project: Path, trap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = project.parent / "shown"
    fake = project.parent / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\nenv >> {shown}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hunter2@example.com/shop")
    checkout = find_own_checkout(project)
    assert checkout is not None
    ask_checkout(checkout, "status")
    ask_user(project, "--get", "gpg.format")
    assert "GIT_OPTIONAL_LOCKS" in shown.read_text()
    assert "hunter2" not in shown.read_text()


def test_a_worktree_is_a_checkout_by_its_git_file(project: Path, tmp_path: Path) -> None:
    git(project, "worktree", "add", "-q", str(tmp_path / "tree"))
    source = read_source(tmp_path / "tree" / "migrations", DIGEST)
    assert (source.commit, source.dirty) == (git(project, "rev-parse", "HEAD"), False)


def test_an_empty_git_folder_is_passed_over(project: Path) -> None:
    (project / "migrations" / ".git").mkdir()
    assert read_source(project / "migrations", DIGEST).commit == git(project, "rev-parse", "HEAD")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_git_folder_of_another_user_is_not_believed(project: Path) -> None:
    os.chown(project / ".git", 12345, 12345)
    assert read_source(project / "migrations", DIGEST).commit is None
    for path in (project / "migrations", *(project / "migrations").iterdir()):
        os.chown(path, 12345, 12345)
    assert read_source(project / "migrations", DIGEST).commit is not None


def test_a_key_is_not_learned_from_a_bare_repository(
    tmp_path: Path, trap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "gitconfig"
    own.write_text("")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    (tmp_path / "bare").mkdir()
    bury_bare_repository(tmp_path / "bare", trap)
    assert ask_user(tmp_path / "bare", "--get", "user.signingkey") == ""
    own.write_text("[user]\nsigningkey = ~/.ssh/mine\n")
    monkeypatch.setenv("HOME", "/home/ann")
    assert ask_user(tmp_path / "bare", "--type=path", "--get", "user.signingkey") == (
        "/home/ann/.ssh/mine"
    )
    assert not is_sprung(trap)


def commit_environment(top: Path, text: str, folder: str = "environments") -> None:
    (top / folder).mkdir(exist_ok=True, parents=True)
    (top / folder / "dev.yaml").write_text(text)
    git(top, "add", ".")
    git(top, "commit", "-qm", "environment")


def test_environments_are_those_of_the_commit_and_the_migrations_those_checked_out(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit_environment(project, "database: embedded\nproject: ours\n")
    git(project, "tag", "reviewed")
    commit_environment(project, "database: embedded\nproject: theirs\nmigrations: /etc\n")
    (project / "environments" / "allowed_signers").write_text("mallory ssh-ed25519 AAAA\n")
    monkeypatch.chdir(project / "migrations")
    found = copy_environments(None, "refs/tags/reviewed", tmp_path / "copy")
    read = read_environment("dev", found.path, variables={}, project=found.project)
    assert read.project == "ours"
    assert read.migrations_directory == project / "migrations"
    assert not (read.directory / "allowed_signers").exists()


def test_environments_of_a_named_folder_are_read_too(project: Path, tmp_path: Path) -> None:
    commit_environment(project, "database: embedded\n", "db/targets")
    found = copy_environments(project / "db" / "targets", "HEAD", tmp_path / "copy")
    assert (found.project, found.place) == (project / "db", project / "db" / "targets")
    assert [path.name for path in found.path.iterdir()] == ["dev.yaml"]


def test_a_link_in_the_commit_is_no_environment(project: Path, tmp_path: Path) -> None:
    (project / "environments").mkdir()
    (project / "environments" / "dev.yaml").symlink_to("/etc/passwd")
    git(project, "add", ".")
    git(project, "commit", "-qm", "link")
    with pytest.raises(UsageError, match="has no environments/"):
        copy_environments(project / "environments", "HEAD", tmp_path / "copy")


@pytest.mark.parametrize("ref", ["nowhere", "--help", "HEAD:environments", ""])
def test_what_is_no_commit_is_refused(project: Path, tmp_path: Path, ref: str) -> None:
    with pytest.raises(UsageError, match="git has no commit"):
        copy_environments(project / "environments", ref, tmp_path / "copy")


@pytest.mark.parametrize(
    "name", ["main", "origin/main", "refs/remotes/origin/main", "refs/heads/other", "abcd123"]
)
def test_a_tag_of_the_pull_request_is_not_taken_for_a_branch(
    project: Path, tmp_path: Path, name: str
) -> None:
    """git takes it where the branch was not fetched, and for a short name before the branch."""
    commit_environment(project, "database: embedded\n")
    git(project, "tag", name)
    with pytest.raises(UsageError, match="found by its full name alone"):
        copy_environments(project / "environments", name, tmp_path / "copy")


def test_a_commit_is_found_by_all_its_digits(project: Path, tmp_path: Path) -> None:
    commit_environment(project, "database: embedded\n")
    source = read_source(project, DIGEST)
    assert source.commit
    found = copy_environments(project / "environments", source.commit, tmp_path / "copy")
    assert [path.name for path in found.path.iterdir()] == ["dev.yaml"]
