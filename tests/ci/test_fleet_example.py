"""The example of a fleet's run on Kubernetes: valid, and its commands run as they stand."""

import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.commands.fleets import opened
from tests.commands.forked import write_program
from tests.commands.running import DEADLINE, ROOT, succeed

EXAMPLES = ROOT / "examples/fleet"
VERSION = "1.30"


def container(name: str) -> dict[str, Any]:
    """The only container of an example."""
    document = yaml.safe_load((EXAMPLES / name).read_text())
    (found,) = document["spec"]["template"]["spec"]["containers"]
    return dict(found)


@pytest.mark.parametrize("name", ["run.yaml", "workers.yaml"])
def test_kubernetes_would_take_it(name: str) -> None:
    document = yaml.safe_load((EXAMPLES / name).read_text())
    kubernetes_validate.validate(document, VERSION, strict=True)


def test_the_pods_of_a_run_apply_a_plan_together(tmp_path: Path, postgres_server: Any) -> None:
    with ExitStack() as stack:
        fleet = stack.enter_context(opened(tmp_path, postgres_server, "abcd"))
        fleet.configure("crew: procrastinate\n")
        live, production = (fleet.project.folder / "environments" / f"{name}.yaml"
                            for name in ("live", "production"))  # fmt: skip
        live.rename(production)
        succeed(fleet.migrate("plan", "-e", "production"))
        write_program(tmp_path / "migrate")
        run, worker = container("run.yaml"), container("workers.yaml")
        script = run["args"][0].replace("/plan/", f"{fleet.project.folder}/")
        commands = {
            "0": [*run["command"], script],
            "1": [*run["command"], script],
            "worker": [*worker["command"], *worker["args"]],
        }
        pods = {}
        for index, command in commands.items():
            own = {"JOB_COMPLETION_INDEX": index, "IDLE": "3s", "PATH": f"{tmp_path}:/usr/bin:/bin"}
            pods[index] = subprocess.Popen(
                command, cwd=fleet.project.folder, env=fleet.project.environ(own),
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
        for index in ("0", "1"):
            told = pods[index].communicate(timeout=DEADLINE)[0]
            assert pods[index].returncode == 0, told
        pods["worker"].terminate()
        told = pods["worker"].communicate(timeout=DEADLINE)[0]
        assert pods["worker"].returncode == 0, told
        assert [fleet.applied(name) for name in fleet.names] == [["001", "002", "003"]] * 4
