"""The example pipelines, whose shell steps run as they stand against real servers."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.ci.conftest import ROOT, TOKEN, Shop
from tests.ci.workflow import Runner

EXAMPLES = ROOT / "examples/ci"
REVIEW = EXAMPLES / "github/migrations-review.yml"
RELEASE = EXAMPLES / "github/migrations-release.yml"
PIPELINE = EXAMPLES / "gitlab/gitlab-ci.yml"
ACTION = EXAMPLES / "github/action.yml"
COMPONENT = EXAMPLES / "gitlab/review.yml"
CREATE = ("create table items (id int primary key);", "drop table items;")


def gitlab(shop: Shop) -> Runner:
    """The runner with the variables of a GitLab project."""
    own = {
        "GITLAB_TOKEN": TOKEN,
        "STAGING_DATABASE_URL": shop.urls["staging"],
        "PRODUCTION_DATABASE_URL": shop.urls["production"],
    }
    return replace(shop.runner, variables={**shop.runner.variables, **own})


def succeed(failed: list[str], runner: Runner) -> None:
    assert failed == [], "\n".join(runner.log)


def applied(shop: Shop, runner: Runner, environment: str) -> list[str]:
    """The versions that an environment's database has."""
    script = f"migrate status -e {environment} --json > status.json"
    env = {f"{environment.upper()}_DATABASE_URL": shop.urls[environment]}
    assert runner.shell(script, env), runner.log[-1]
    found = json.loads((runner.checkout / "status.json").read_text())
    return [one["version"] for one in found["migrations"] if one["state"] == "applied"]


def test_github_shows_one_comment_that_each_push_brings_up_to_date(shop: Shop) -> None:
    shop.write(1, *CREATE)
    succeed(shop.runner.run_github(REVIEW), shop.runner)
    shop.write(2, "create table more (id int primary key);", "drop table more;")
    succeed(shop.runner.run_github(REVIEW), shop.runner)
    assert list(shop.forge.comments) == [1]
    assert "2 migrations" in shop.forge.comments[1]
    since = shop.forge.comments[1].partition("Since the last review")[2].partition("| target")[0]
    assert "**added** `up 002 change`" in since
    assert "001" not in since
    assert "create table more" in shop.forge.comments[1]
    assert Path(shop.runner.variables["GITHUB_STEP_SUMMARY"]).exists()
    assert set(shop.runner.artifacts["review"]) == {"plan.json", "review.html"}
    sarif = json.loads(shop.runner.artifacts["sarif"]["lint.sarif"])
    assert sarif["version"] == "2.1.0"


def test_a_comment_behind_many_others_is_found(shop: Shop) -> None:
    shop.write(1, *CREATE)
    shop.forge.comments.update(dict.fromkeys(range(1, 131), "hello"))
    for _ in range(2):
        succeed(shop.runner.run_github(REVIEW), shop.runner)
    assert len(shop.forge.comments) == 131


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_the_comment_of_a_stranger_is_left_alone(shop: Shop, host: str) -> None:
    runner = gitlab(shop) if host == "gitlab" else shop.runner
    shop.write(1, *CREATE)
    for _ in range(3):
        if host == "gitlab":
            succeed(runner.run_gitlab(PIPELINE, ["review staging"]), runner)
        else:
            succeed(runner.run_github(REVIEW), runner)
        if not shop.forge.strangers:
            marker = shop.forge.comments[1].partition("\n")[0]
            shop.forge.comments = {1: f"{marker}\nAll is well."}
            shop.forge.strangers = {1}
    assert list(shop.forge.comments) == [1, 2]
    assert shop.forge.comments[1].endswith("All is well.")
    assert "create table items" in shop.forge.comments[2]


def test_github_shows_what_is_denied_and_fails(shop: Shop) -> None:
    environment = shop.runner.checkout / "environments/staging.yaml"
    environment.write_text(environment.read_text() + "policy: {irreversible: deny}\n")
    shop.publish()
    shop.write(1, CREATE[0], "")
    assert shop.runner.run_github(REVIEW) == ["review"]
    assert "Without a way back: 001" in shop.forge.comments[1]


def test_github_says_no_secret(shop: Shop) -> None:
    shop.write(1, *CREATE)
    shop.runner.run_github(REVIEW)
    shop.runner.run_github(RELEASE)
    for text in (*shop.runner.log, *shop.forge.comments.values()):
        assert not any(url in text for url in shop.urls.values())


def test_github_releases_staging_and_then_the_same_to_production(shop: Shop) -> None:
    shop.write(1, *CREATE)
    succeed(shop.runner.run_github(RELEASE), shop.runner)
    assert applied(shop, shop.runner, "staging") == ["001"]
    assert applied(shop, shop.runner, "production") == ["001"]
    receipt = json.loads(shop.runner.artifacts["production-receipt"]["production-receipt.json"])
    assert receipt["environment"] == "production"


def test_github_stops_before_production_when_staging_fails(shop: Shop) -> None:
    shop.write(1, "create table broken (id no_such_type);", "drop table broken;")
    assert shop.runner.run_github(RELEASE) == ["staging", "plan", "production"]
    assert applied(shop, shop.runner, "production") == []


def test_gitlab_shows_one_comment_that_each_push_brings_up_to_date(shop: Shop) -> None:
    runner = gitlab(shop)
    shop.write(1, *CREATE)
    for _ in range(2):
        succeed(runner.run_gitlab(PIPELINE, ["review staging"]), runner)
    assert list(shop.forge.comments) == [1]
    assert "The same SQL runs as in the plan before." in shop.forge.comments[1]
    assert json.loads((runner.checkout / "review/quality.json").read_text()) == []
    assert "create table items" in shop.forge.comments[1]


def test_gitlab_releases_staging_and_then_the_same_to_production(shop: Shop) -> None:
    runner = gitlab(shop)
    shop.write(1, *CREATE)
    succeed(runner.run_gitlab(PIPELINE, ["staging", "plan", "production"]), runner)
    assert applied(shop, runner, "production") == ["001"]


@pytest.mark.parametrize(
    "path", [REVIEW, RELEASE, PIPELINE, ACTION, COMPONENT], ids=lambda p: p.name
)
def test_no_step_mixes_an_expression_into_its_script(path: Path) -> None:
    """A title or a branch could carry commands: values go through variables alone."""
    lines = path.read_text("utf-8").splitlines()
    assert [line for line in lines if "${{" in line and "run:" in line] == []


@pytest.mark.parametrize("path", [REVIEW, RELEASE, ACTION], ids=lambda path: path.name)
def test_what_others_may_move_is_named_by_its_commit(path: Path) -> None:
    used = re.findall(r"uses: (\S+)", path.read_text("utf-8"))
    own = [name for name in used if name.startswith("lockgate/")]
    assert [name for name in used if not re.search(r"@[0-9a-f]{40}$", name)] == own


@pytest.mark.parametrize("path", [REVIEW, RELEASE, PIPELINE], ids=lambda path: path.name)
def test_only_jobs_of_an_environment_are_given_what_may_write(path: Path) -> None:
    """Who may push can change the pipeline, and then gets what the forge keeps from no branch."""
    document = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)
    jobs = document.get("jobs", document)
    for job in [one for one in jobs.values() if "script" in one or "steps" in one]:
        text = json.dumps(job)
        writers = {name.lower() for name in re.findall(r"secrets\.([A-Z]+)_DATABASE_URL", text)}
        assert writers <= {job.get("environment")}
        assert ("migrate apply" in text) == ("environment" in job)
