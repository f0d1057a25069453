"""The example pipelines, attacked by a pull request's author: what it changes decides nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ci.conftest import TOKEN, Shop
from tests.ci.test_examples import CREATE, PIPELINE, REVIEW, gitlab
from tests.servers.impostor import HOST, Talk, listen, mysql, postgresql, switch_to

Review = Callable[[], list[str]]
OUTPUTS = ("plan.json", "review.md", "review.html", "lint.sarif", "comment.py", "review",
           "staging.json", "status.json")  # fmt: skip


@pytest.fixture(params=["github", "gitlab"])
def review(request: pytest.FixtureRequest, shop: Shop) -> Review:
    """Runs the review of a pull request; the jobs that have failed."""
    if request.param == "github":
        return lambda: shop.runner.run_github(REVIEW)
    return lambda: gitlab(shop).run_gitlab(PIPELINE, ["review"])


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A program that leaves the file `sprung` when it is run."""
    program = tmp_path / "trap"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    program.chmod(0o755)
    return program


def is_sprung(trap: Path) -> bool:
    return (trap.parent / "sprung").exists()


def commit(shop: Shop) -> None:
    """The pull request's commit."""
    shop.git("checkout", "-q", "-b", "attack")
    shop.git("add", "-A")
    shop.git("commit", "-qm", "attack")


def asks_for_clear_text(engine: str) -> Talk:
    if engine == "postgresql":
        return postgresql("clear")
    return mysql("mysql_native_password", (switch_to("mysql_clear_password"),))


@pytest.mark.parametrize("variable", ["GITHUB_TOKEN", "STAGING_DATABASE_URL", "GITLAB_TOKEN"])
def test_environments_of_the_pull_request_send_no_secret(
    shop: Shop, server: object, review: Review, variable: str
) -> None:
    engine = str(getattr(server, "engine"))  # noqa: B009
    shop.write(1, *CREATE)
    with listen(asks_for_clear_text(engine)) as (port, heard):
        (shop.runner.checkout / "environments/staging.yaml").write_text(
            f"engine: {engine}\ndatabase:\n  host: '{HOST}'\n  port: {port}\n  user: u\n"
            f"  name: d\n  password_env: {variable}\n"
        )
        commit(shop)
        failed = review()
    assert failed == [], shop.runner.log
    assert heard == []
    assert "create table items" in shop.forge.comments[1]


def test_a_script_of_the_pull_request_is_not_run(shop: Shop, review: Review, trap: Path) -> None:
    shop.write(1, *CREATE)
    for place in (".github/workflows/comment.py", "ci/comment.py", "yaml.py", "urllib.py"):
        path = shop.runner.checkout / place
        path.write_text(f"import os\nos.system('{trap}')\n")
    commit(shop)
    assert review() == [], shop.runner.log
    assert not is_sprung(trap)


def test_a_repository_within_the_pull_request_is_not_asked(
    shop: Shop, review: Review, trap: Path
) -> None:
    shop.write(1, *CREATE)
    migrations = shop.runner.checkout / "migrations"
    for name in ("objects", "refs"):
        (migrations / name).mkdir()
        (migrations / name / "keep").touch()
    (migrations / "HEAD").write_text("ref: refs/heads/main\n")
    (migrations / "config").write_text(
        f'[core]\nbare = false\nworktree = ..\nfsmonitor = "{trap}"\n'
    )
    (shop.runner.checkout / ".gitattributes").write_text("* filter=trap diff=trap\n")
    commit(shop)
    assert review() == [], shop.runner.log
    assert not is_sprung(trap)


def test_nothing_is_written_through_links_of_the_pull_request(
    shop: Shop, review: Review, tmp_path: Path
) -> None:
    shop.write(1, *CREATE)
    victim = tmp_path / "victim"
    victim.mkdir()
    for name in OUTPUTS:
        target = victim if name == "review" else victim / name
        if name != "review":
            target.write_text("mine")
        (shop.runner.checkout / name).symlink_to(target)
    commit(shop)
    review()
    assert {path.read_text() for path in victim.iterdir()} == {"mine"}
    assert sorted(path.name for path in victim.iterdir()) == sorted({*OUTPUTS} - {"review"})


def test_a_file_of_the_machine_is_not_read_as_a_migration(
    shop: Shop, review: Review, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("-- migrate:up\nselect 'hunter2';\n-- migrate:down\n")
    (shop.runner.checkout / "migrations/001_a.sql").symlink_to(secret)
    commit(shop)
    assert review() == ["review"]
    told = "\n".join([*shop.runner.log, *shop.forge.comments.values()])
    assert "leads out of the project" in told
    assert "hunter2" not in told
    assert TOKEN not in told
