"""A checkout of a project with staging and production, each on a fresh database of one server."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.ci.forge import Forge, open_forge
from tests.ci.workflow import Runner
from tests.commands.client import ROOT
from tests.commands.forked import write_program

TOKEN = "t0p-secret"
PRODUCTION = """\
extends: staging
database: {url_env: PRODUCTION_DATABASE_URL}
policy:
  promotion: {from: staging, receipt: required}
"""


@dataclass
class Shop:
    """A project in its repository, and what its pipelines run on."""

    runner: Runner
    forge: Forge
    urls: dict[str, str]

    def write(self, version: int, up: str, down: str) -> None:
        """Writes a migration."""
        path = self.runner.checkout / "migrations" / f"{version:03}_change.sql"
        path.write_text(f"-- migrate:up\n{up}\n-- migrate:down\n{down}\n")

    def publish(self) -> None:
        """Makes what is in the checkout that of the default branch."""
        self.git("add", "-A")
        self.git("commit", "-qm", "more")
        self.git("push", "-q", "origin", "main")

    def git(self, *arguments: str) -> None:
        """Runs git in the checkout."""
        person = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
        subprocess.run(["git", *person, *arguments], cwd=self.runner.checkout, check=True)


@pytest.fixture(params=["postgres", "mysql"])
def server(request: pytest.FixtureRequest) -> Any:
    """PostgreSQL and MySQL in turn."""
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture
def shop(server: Any, tmp_path: Path) -> Iterator[Shop]:
    """The checkout, ready for the pipelines of either forge."""
    checkout = tmp_path / "checkout"
    for folder in ("migrations", "environments", ".github/workflows", "ci"):
        (checkout / folder).mkdir(parents=True)
    for place in (".github/workflows", "ci"):
        shutil.copy(ROOT / "examples/ci/comment.py", checkout / place)
    names = {each: server.new_database() for each in ("staging", "production")}
    urls = {each: server.url(name) for each, name in names.items()}
    staging = f"engine: {server.engine}\ndatabase: {{url_env: STAGING_DATABASE_URL}}\n"
    (checkout / "environments/staging.yaml").write_text(staging)
    (checkout / "environments/production.yaml").write_text(PRODUCTION)
    with open_forge(TOKEN) as (forge, api):
        runner = Runner(checkout, variables(tmp_path, api, urls), secrets(tmp_path, urls))
        shop = Shop(runner, forge, urls)
        shop.git("init", "-q", "-b", "main")
        shop.git("init", "-q", "--bare", "../origin.git")
        shop.git("remote", "add", "origin", "../origin.git")
        shop.publish()
        yield shop
    for name in names.values():
        server.drop_database(name)


def variables(home: Path, api: str, urls: dict[str, str]) -> dict[str, str]:
    """What both forges set for a job, beside what the workflow itself sets."""
    programs = home / "bin"
    programs.mkdir()
    (home / "temp").mkdir()
    (programs / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (programs / "python").chmod(0o755)
    write_program(programs / "migrate")
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "GITHUB_STEP_SUMMARY": str(home / "summary.md"),
        "GITHUB_API_URL": api,
        "GITHUB_REPOSITORY": "ann/shop",
        "CI_API_V4_URL": api,
        "CI_PROJECT_ID": "42",
        "CI_DEFAULT_BRANCH": "main",
        "RUNNER_TEMP": str(home / "temp"),
        "CI_MERGE_REQUEST_IID": "7",
    }


def secrets(home: Path, urls: dict[str, str]) -> dict[str, str]:
    """What the expressions of the workflows stand for."""
    return {
        "secrets.STAGING_READER_URL": urls["staging"],
        "secrets.STAGING_DATABASE_URL": urls["staging"],
        "secrets.PRODUCTION_READER_URL": urls["production"],
        "secrets.PRODUCTION_DATABASE_URL": urls["production"],
        "github.token": TOKEN,
        "github.event.pull_request.number": "7",
        "github.run_id": "1",
        "github.event.repository.default_branch": "main",
        "runner.temp": str(home / "temp"),
    }
