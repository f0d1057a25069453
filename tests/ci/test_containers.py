"""The examples for containers: valid, and their commands run as they stand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.ci.test_fleet_example import VERSION
from tests.commands.conftest import opened
from tests.commands.running import DEADLINE, ROOT, Project, succeed

EXAMPLES = ROOT / "examples/containers"


def document(name: str) -> dict[str, Any]:
    """An example as a value."""
    return dict(yaml.safe_load((EXAMPLES / name).read_text()))


@pytest.mark.parametrize("name", ["release.yaml", "application.yaml"])
def test_kubernetes_would_take_it(name: str) -> None:
    kubernetes_validate.validate(document(name), VERSION, strict=True)


@pytest.fixture
def project(tmp_path: Path, postgres_url: str) -> Iterator[Project]:
    """A project on PostgreSQL."""
    yield from opened(Project(tmp_path, postgres_url))


def test_the_application_waits_for_the_job_of_the_release(project: Project) -> None:
    """The init container's command ends when the job's has applied the plan, which it does once."""
    project.write_tables(1)
    environments = project.folder / "environments"
    (environments / "test.yaml").rename(environments / "production.yaml")
    succeed(project.migrate("plan", "-e", "production"))
    release, application = (
        document(name)["spec"]["template"]["spec"] for name in ("release.yaml", "application.yaml")
    )
    (wait,), (job,) = application["initContainers"], release["containers"]
    waiting = project.start(*wait["args"])
    plan = str(project.folder / "plan.json")
    apply = [plan if each == "/plan/plan.json" else each for each in job["args"]]
    assert "Applied 001 t1." in succeed(project.migrate(*apply)).out
    assert waiting.wait(DEADLINE) == 0
    assert "already applied" in succeed(project.migrate(*apply)).out
