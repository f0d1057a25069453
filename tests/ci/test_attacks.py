"""The example pipelines, attacked by a pull request's author: what it changes decides nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockgate.planner.document import render_document, sealed
from lockgate.planner.plan.plan import Plan, seal
from lockgate.planner.plan.planfile import render_plan
from lockgate.planner.plan.receipt import Receipt
from lockgate.planner.plan.statement import statement_digest
from tests.ci.conftest import TOKEN, Shop
from tests.ci.test_examples import CREATE, PIPELINE, RELEASE, REVIEW, applied, gitlab
from tests.servers.impostor import HOST, Talk, listen, mysql, postgresql, switch_to
from tests.servers.openssh import new_person

Review = Callable[[], list[str]]
ON_ONE = pytest.mark.parametrize("server", ["postgres"], indirect=True)
"""For what no server has a say in."""
OUTPUTS = ("plan.json", "review.md", "review.html", "lint.sarif", "comment.py", "review",
           "staging.json", "status.json", "before")  # fmt: skip


FOLDERS = ("review", "before")


@pytest.fixture(params=["github", "gitlab"])
def review(request: pytest.FixtureRequest, shop: Shop) -> Review:
    """Runs the review of a pull request; the jobs that have failed."""
    if request.param == "github":
        return lambda: shop.runner.run_github(REVIEW)
    job = "review staging"
    return lambda: [name.split()[0] for name in gitlab(shop).run_gitlab(PIPELINE, [job])]


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A program that leaves the file `sprung` when it is run."""
    program = tmp_path / "trap"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    program.chmod(0o755)
    return program


def is_sprung(trap: Path) -> bool:
    return (trap.parent / "sprung").exists()


def commit(shop: Shop, branch: str = "attack") -> None:
    """The pull request's commit."""
    shop.git("checkout", "-q", "-b", branch)
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
        target = victim if name in FOLDERS else victim / name
        if name not in FOLDERS:
            target.write_text("mine")
        (shop.runner.checkout / name).symlink_to(target)
    commit(shop)
    review()
    assert {path.read_text() for path in victim.iterdir()} == {"mine"}
    assert sorted(path.name for path in victim.iterdir()) == sorted({*OUTPUTS} - {*FOLDERS})


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


# What the pull request makes of environments whose parent denies what has no way back.
LOOSER = {
    "policy": {"base.yaml": "policy: {{irreversible: allow}}\n"},
    "no extends": {"staging.yaml": "{own}"},
    "other extends": {"staging.yaml": "{own}extends: mine\n", "mine.yaml": "project: shop\n"},
    "second file": {"staging.yml": "{own}"},
}


@ON_ONE
@pytest.mark.parametrize("kind", LOOSER)
def test_environments_of_the_pull_request_loosen_nothing(
    shop: Shop, review: Review, kind: str
) -> None:
    """Nor does a tag or a branch that is called like the default branch's ref."""
    folder = shop.runner.checkout / "environments"
    own = (folder / "staging.yaml").read_text()
    (folder / "base.yaml").write_text("policy: {irreversible: deny}\n")
    (folder / "staging.yaml").write_text(own + "extends: base\n")
    shop.publish()
    shop.write(1, CREATE[0], "")
    for name, text in LOOSER[kind].items():
        (folder / name).write_text(text.format(own=own))
    commit(shop)
    for name in ("origin/main", "refs/remotes/origin/main"):
        shop.git("tag", name)
        shop.git("branch", name)
    assert review() == ["review"]
    assert "Without a way back: 001" in shop.forge.comments[1]


@ON_ONE
@pytest.mark.usefixtures("openssh")
def test_signers_of_the_pull_request_approve_nothing(shop: Shop, tmp_path: Path) -> None:
    folder = shop.runner.checkout / "environments"
    ann, eve = (new_person(tmp_path / "keys", name) for name in ("ann", "eve"))
    with (folder / "staging.yaml").open("a") as file:
        file.write("policy: {approvals: {threshold: 1}}\n")
    (folder / "allowed_signers").write_text(ann.line())
    shop.publish()
    shop.write(1, *CREATE)
    (folder / "allowed_signers").write_text(ann.line() + eve.line())
    commit(shop)
    assert shop.runner.run_github(REVIEW) == []
    ref = {"LOCKGATE_ENVIRONMENTS_FROM": "refs/remotes/origin/main",
           "STAGING_DATABASE_URL": shop.urls["staging"]}  # fmt: skip
    plan = f"{shop.runner.variables['RUNNER_TEMP']}/plan.json"
    assert shop.runner.shell(f"migrate approve {plan} -k {eve.key} -y", {}), shop.runner.log[-1]
    assert not shop.runner.shell(f"migrate apply {plan} -e staging", ref)
    assert "allowed_signers" in shop.runner.log[-1]
    assert applied(shop, shop.runner, "staging") == []


@ON_ONE
def test_what_the_forge_says_of_a_pull_request_is_no_command(
    shop: Shop, review: Review, trap: Path
) -> None:
    """Its branch, its title and its description are its author's words."""
    shop.write(1, *CREATE)
    command = f"x$({trap})`{trap}`;{trap}"
    commit(shop, branch=command)
    said = f"'\";{trap}\n{command}"
    of = ("CI_MERGE_REQUEST_", "CI_COMMIT_", "CI_EXTERNAL_PULL_REQUEST_", "GITHUB_")
    what = ("TITLE", "DESCRIPTION", "MESSAGE", "REF_NAME", "BRANCH", "SOURCE_BRANCH_NAME",
            "SOURCE_PROJECT_PATH", "LABELS", "MILESTONE", "AUTHOR", "HEAD_REF")  # fmt: skip
    words = {f"{prefix}{name}": said for prefix in of for name in what}
    shop.runner.variables = {**shop.runner.variables, **words}
    assert review() == [], shop.runner.log
    assert not is_sprung(trap)
    assert TOKEN not in "\n".join([*shop.runner.log, *shop.forge.comments.values()])


def other_file(document: dict[str, Any], own: dict[str, Any]) -> None:
    """All of a plan of the attacker's own migration, with the proofs of the reviewed one."""
    document.update(own | {key: document[key] for key in ("promotion", "decisions", "created_at")})


def other_sql(document: dict[str, Any], _own: dict[str, Any]) -> None:
    document["steps"][0]["statements"][0]["sql"] = "create table mine (id int primary key)"


def other_database(document: dict[str, Any], own: dict[str, Any]) -> None:
    document.update(own, environment="staging")


def forged(reviewed: bytes, own: bytes, edit: Callable[..., None]) -> bytes:
    """A plan with digests that fit it, for who can write artifacts."""
    document = json.loads(reviewed)
    edit(document, json.loads(own))
    for step in document["steps"]:
        for one in step["statements"]:
            one["digest"] = statement_digest(one["sql"], one["copy_data"])
    return render_plan(seal(Plan.model_validate(document))).encode()


@ON_ONE
@pytest.mark.parametrize("host", ["github", "gitlab"])
@pytest.mark.parametrize("edit", [other_file, other_sql, other_database])
def test_a_plan_that_was_swapped_after_its_review_is_not_applied(
    shop: Shop, host: str, edit: Callable[..., None]
) -> None:
    runner = gitlab(shop) if host == "gitlab" else shop.runner
    checkout, env = runner.checkout, {"PRODUCTION_DATABASE_URL": shop.urls["production"]}
    shop.write(1, "create table mine (id int primary key);", "drop table mine;")
    env |= {"STAGING_DATABASE_URL": shop.urls["staging"]}
    runner.shell("migrate plan -e production -o own.json", env)
    own = (checkout / "own.json").read_bytes()
    shop.write(1, *CREATE)
    if host == "gitlab":
        assert runner.run_gitlab(PIPELINE, ["staging", "plan"]) == []
        plan = checkout / "plan.json"
        plan.write_bytes(forged(plan.read_bytes(), own, edit))
        assert runner.run_gitlab(PIPELINE, ["production"]) == ["production"]
    else:
        assert runner.run_github(RELEASE, ["staging", "plan"]) == []
        artifact = runner.artifacts["plan"]
        artifact["plan.json"] = forged(artifact["plan.json"], own, edit)
        assert runner.run_github(RELEASE, ["production"]) == ["production"]
    assert applied(shop, runner, "production") == []


@ON_ONE
def test_a_receipt_that_was_swapped_promotes_only_what_staging_has_run(shop: Shop) -> None:
    """It says that staging has run 002 too."""
    shop.write(1, *CREATE)
    assert shop.runner.run_github(RELEASE, ["staging"]) == []
    shop.write(2, "create table more (id int primary key);", "drop table more;")
    env = {"STAGING_DATABASE_URL": shop.urls["staging"]}
    assert shop.runner.shell("migrate plan -e staging -o own.json", env), shop.runner.log[-1]
    own = json.loads((shop.runner.checkout / "own.json").read_text())
    artifact = shop.runner.artifacts["receipt"]
    receipt = json.loads(artifact["receipt.json"])
    (more,) = own["steps"]
    receipt["steps"].append({**receipt["steps"][0], "version": "002", "checksum": more["checksum"]})
    claim = receipt | {"result": own["result"], "plan_digest": own["digest"],
                "intent_digest": own["intent_digest"]}  # fmt: skip
    receipt = sealed(Receipt.model_validate(claim))
    artifact["receipt.json"] = render_document(receipt).encode()
    assert shop.runner.run_github(RELEASE, ["plan", "production"]) == []
    assert applied(shop, shop.runner, "production") == ["001"], shop.runner.log[-3:]
