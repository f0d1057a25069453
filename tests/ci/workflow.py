"""A runner for the example workflows: their shell steps run as they stand, on this machine.

What it knows of a CI system is what the examples use: jobs in order, steps until one fails and
those that run always, variables, secrets, and artifacts that go from job to job. A step that is
an action is acted out (artifacts) or has nothing to do here (checkout, setup, install).
"""

import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{ *([\w.]+) *\}\}")
INSTALL = "pip install lockgate"
SETUP = ("actions/checkout@", "actions/setup-python@")
DEADLINE = 120.0
"""Seconds after which a step that has not ended fails its test."""


@dataclass
class Runner:
    """A checkout, the variables of every step, and what expressions stand for."""

    checkout: Path
    variables: Mapping[str, str]
    values: Mapping[str, str] = field(default_factory=dict)
    artifacts: dict[str, dict[str, bytes]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def run_github(self, path: Path, names: Iterable[str] = ()) -> list[str]:
        """Runs these jobs of a workflow, or all; the names of those that failed, with what was
        skipped."""
        jobs = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)["jobs"]
        failed: list[str] = []
        for name in names or jobs:
            job = jobs[name]
            if job.get("needs") in failed or not self._run_job(job):
                failed.append(name)
        return failed

    def run_gitlab(self, path: Path, names: Iterable[str]) -> list[str]:
        """Runs these jobs of a pipeline; the names of those that failed."""
        pipeline = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)
        failed: list[str] = []
        for name in names:
            job = pipeline[name]
            env = {key: self._expand(text) for key, text in job.get("variables", {}).items()}
            script = [line for line in job["script"] if line != INSTALL]
            ended = not failed and self.shell("\n".join(script), env)
            if not failed:
                self.shell("\n".join(job.get("after_script", [])), env)
            if not ended:
                failed.append(name)
        return failed

    def _run_job(self, job: Mapping[str, Any]) -> bool:
        """Whether every step of a job in a fresh checkout has succeeded."""
        self._clean()
        good = True
        for step in job["steps"]:
            if good or step.get("if") == "always()":
                env = {**job.get("env", {}), **step.get("env", {})}
                good = self._run_step(step, env) and good
        return good

    def _run_step(self, step: Mapping[str, Any], env: Mapping[str, str]) -> bool:
        if "run" in step:
            return step["run"] == INSTALL or self.shell(step["run"], env)
        return self._act(step["uses"], step.get("with", {}))

    def _act(self, action: str, given: Mapping[str, str]) -> bool:
        if action.startswith("actions/upload-artifact@"):
            paths = EXPRESSION.sub(self._value, given["path"]).split()
            files = [self.checkout / path for path in paths]
            found = {file.name: file.read_bytes() for file in files if file.exists()}
            self.artifacts[given["name"]] = found
            return bool(found)
        if action.startswith("actions/download-artifact@"):
            for name, data in self.artifacts[given["name"]].items():
                (self.checkout / name).write_bytes(data)
            return True
        if action.startswith("github/codeql-action/upload-sarif@"):
            path = self.checkout / EXPRESSION.sub(self._value, given["sarif_file"])
            self.artifacts["sarif"] = {path.name: path.read_bytes()}
            return True
        assert action.startswith(SETUP), action
        return True

    def shell(self, script: str, env: Mapping[str, str]) -> bool:
        """Whether a script has succeeded; what it printed goes to the log."""
        own = {name: EXPRESSION.sub(self._value, text) for name, text in env.items()}
        ended = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.checkout, env={**self.variables, **own}, stdin=subprocess.DEVNULL,
            capture_output=True, encoding="utf-8", timeout=DEADLINE, check=False,
        )  # fmt: skip
        self.log.append(f"$ {script}\n{ended.stdout}{ended.stderr}[{ended.returncode}]")
        return ended.returncode == 0

    def _expand(self, text: str) -> str:
        return Template(text).substitute(self.variables)

    def _value(self, expression: re.Match[str]) -> str:
        return self.values[expression[1]]

    def _clean(self) -> None:
        """What a job has left is not there for the next one, which has a machine of its own."""
        kept = ("migrations", "environments", ".github", "ci")
        excepted = [f"--exclude={name}" for name in kept]
        command = ["git", "clean", "-ffdxq", *excepted]
        subprocess.run(command, cwd=self.checkout, check=True)
