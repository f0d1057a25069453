"""A runner for the example workflows: their shell steps run as they stand, on this machine.

What it knows of a CI system is what the examples use: jobs in order, steps until one fails and
those that run always, variables, secrets, and artifacts that go from job to job. A step that is
an action is acted out (artifacts) or has nothing to do here (checkout, setup, install).
"""

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template
from typing import Any

import yaml

from tests.commands.client import ROOT

EXPRESSION = re.compile(r"\$\{\{ *([\w.]+) *\}\}")
INPUT = re.compile(r"\$\[\[ *inputs\.(\w+) *\]\]")
INSTALL = ("pip install lockgate", 'pip install "$REQUIREMENT"')
OWN = "lockgate/lockgate/"
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
        for one in pipeline.get("include", []):
            pipeline |= read_component(path.parent / Path(one["local"]).name, one["inputs"])
        failed: list[str] = []
        for name in names:
            job = pipeline[name]
            env = {key: self._expand(text) for key, text in job.get("variables", {}).items()}
            script = [line for line in job["script"] if line not in INSTALL]
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
            return step["run"] in INSTALL or self.shell(step["run"], env)
        if step["uses"].startswith(OWN):
            return self._run_composite(step["uses"], step.get("with", {}), env)
        return self._act(step["uses"], step.get("with", {}))

    def _run_composite(self, action: str, given: Mapping[str, str], env: Mapping[str, str]) -> bool:
        """Whether every step of an action of this repository has succeeded."""
        folder = ROOT / action.removeprefix(OWN).partition("@")[0]
        found = yaml.load((folder / "action.yml").read_text("utf-8"), yaml.BaseLoader)
        inputs = {name: one["default"] for name, one in found["inputs"].items()} | dict(given)
        named = {f"inputs.{name}": self._filled(text) for name, text in inputs.items()}
        inner = replace(self, values={**self.values, **named})
        own = {**env, "GITHUB_ACTION_PATH": str(folder)}
        good = True
        for step in found["runs"]["steps"]:
            if good or step.get("if") == "always()":
                good = inner._run_step(step, {**own, **step.get("env", {})}) and good
        return good

    def _act(self, action: str, given: Mapping[str, str]) -> bool:
        if action.startswith("actions/upload-artifact@"):
            paths = self._filled(given["path"]).split()
            files = [self.checkout / path for path in paths]
            found = {file.name: file.read_bytes() for file in files if file.exists()}
            self.artifacts[given["name"]] = found
            return bool(found)
        if action.startswith("actions/download-artifact@"):
            for name, data in self.artifacts[given["name"]].items():
                (self.checkout / name).write_bytes(data)
            return True
        if action.startswith("actions/cache/"):
            return self._cache(action, given)
        if action.startswith("github/codeql-action/upload-sarif@"):
            path = self.checkout / self._filled(given["sarif_file"])
            self.artifacts["sarif"] = {path.name: path.read_bytes()}
            return True
        assert action.startswith(SETUP), action
        return True

    def _cache(self, action: str, given: Mapping[str, str]) -> bool:
        """A cache is kept by its key, and the newest whose key begins as it should is had again."""
        folder = self.checkout / self._filled(given["path"])
        if action.startswith("actions/cache/save@"):
            files = {file.name: file.read_bytes() for file in folder.glob("*")}
            self.artifacts[f"cache {self._filled(given['key'])}"] = files
            return True
        shutil.rmtree(folder, ignore_errors=True)
        beginning = f"cache {self._filled(given['restore-keys'])}"
        for name in [name for name in self.artifacts if name.startswith(beginning)][-1:]:
            folder.mkdir()
            for file, data in self.artifacts[name].items():
                (folder / file).write_bytes(data)
        return True

    def shell(self, script: str, env: Mapping[str, str]) -> bool:
        """Whether a script has succeeded; what it printed goes to the log."""
        own = {name: self._filled(text) for name, text in env.items()}
        ended = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.checkout, env={**self.variables, **own}, stdin=subprocess.DEVNULL,
            capture_output=True, encoding="utf-8", timeout=DEADLINE, check=False,
        )  # fmt: skip
        self.log.append(f"$ {script}\n{ended.stdout}{ended.stderr}[{ended.returncode}]")
        return ended.returncode == 0

    def _expand(self, text: str) -> str:
        return Template(text).substitute(self.variables)

    def _filled(self, text: str) -> str:
        return EXPRESSION.sub(self._value, text)

    def _value(self, expression: re.Match[str]) -> str:
        return self.values[expression[1]]

    def _clean(self) -> None:
        """What a job has left is not there for the next one, which has a machine of its own."""
        kept = ("migrations", "environments", ".github", "ci")
        excepted = [f"--exclude={name}" for name in kept]
        command = ["git", "clean", "-ffdxq", *excepted]
        subprocess.run(command, cwd=self.checkout, check=True)


def read_component(path: Path, inputs: Mapping[str, str]) -> dict[str, Any]:
    """The jobs of a GitLab component with these inputs, and the defaults of others."""
    text = path.read_text("utf-8")
    spec, _ = yaml.load_all(text, yaml.BaseLoader)
    given = {name: one["default"] for name, one in spec["spec"]["inputs"].items()} | dict(inputs)
    filled = INPUT.sub(lambda name: given[name[1]], text.partition("\n---\n")[2])
    return dict(yaml.load(filled, yaml.BaseLoader))
