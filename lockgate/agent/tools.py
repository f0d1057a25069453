"""The tools of `migrate mcp`, as functions; their docstrings are what an agent reads of them.

There is none that changes a database: what an agent makes is a migration file or a plan file, a
person approves the plan by a signature, and the release job applies it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lockgate.agent.calls import (
    MIGRATION_NAME,
    PLAN_NAME,
    VERSION,
    Calls,
    answer,
    checked,
    chosen_environment,
)
from lockgate.planner.errors import UsageError

AgentTool = Callable[..., dict[str, Any]]


def make_tools(calls: Calls) -> tuple[AgentTool, ...]:
    """The tools of a project, in the order in which they are most often used."""

    def status(environment: str = "dev") -> dict[str, Any]:
        """Which migrations an environment has, and which are pending."""
        return calls.ask("status", chosen_environment(environment), "--json")

    def schema(environment: str = "dev") -> dict[str, Any]:
        """The live schema, object by object: tables with columns and indexes, views, routines."""
        return calls.ask("dump", chosen_environment(environment), "--json")

    def history(environment: str = "dev", limit: int = 20) -> dict[str, Any]:
        """Who ran what in an environment, when, and how it ended; the newest first."""
        return calls.ask("history", chosen_environment(environment), f"--limit={limit}", "--json")

    def new_migration(name: str, up: str, down: str = "") -> dict[str, Any]:
        """Writes a new migration file with this SQL; `name` is in snake_case, as `add_email`.

        Without `down` there is no way back, and policies may refuse that. Nothing is run.
        """
        made = calls.ask("new", "--", checked(MIGRATION_NAME, name, "a migration"), as_json=False)
        if made["exit_code"]:
            return made
        path = _made(calls.folder, made["data"])
        down_section = f"\n-- migrate:down\n{down.strip()}\n" if down.strip() else ""
        path.write_text(f"-- migrate:up\n{up.strip()}\n{down_section}", encoding="utf-8")
        return answer(0, {"file": str(path.relative_to(calls.folder.resolve()))}, made["messages"])

    def lint(environment: str = "dev") -> dict[str, Any]:
        """What is dangerous in the pending migrations, each with why and what to do instead."""
        return calls.ask("lint", chosen_environment(environment), "--format=json")

    def fix(version: str, environment: str = "dev", write: bool = False) -> dict[str, Any]:
        """The safe form of a pending migration as a diff, with the locks of both forms.

        Both are run on scratch databases, and nothing is offered that leaves other objects. `write`
        writes the files; the environment's own database is only read.
        """
        chosen = [checked(VERSION, version, "a version"), *["--write"] * write]
        return calls.ask("fix", chosen_environment(environment), *chosen, as_json=False)

    def validate(environment: str = "dev") -> dict[str, Any]:
        """Whether the migration files can be read, and every mistake in them."""
        return calls.ask("validate", chosen_environment(environment), as_json=False)

    def plan(
        environment: str = "dev",
        file: str = "plan.json",
        rehearse: bool = True,
        to: str = "",
        down: int = 0,
    ) -> dict[str, Any]:
        """Writes a plan file for review: what would run, its locks, losses and guarantees.

        `rehearse` runs it on a scratch database, there and back, and notes what was measured;
        the environment's own database is only read. A plan that was approved is not overwritten.
        """
        chosen = [f"--to={checked(VERSION, to, 'a version')}"] if to else []
        chosen += [f"--down={down}"] if down else []
        chosen += ["--rehearse"] if rehearse else []
        out = f"--out={checked(PLAN_NAME, file, 'a plan file')}"
        made = calls.ask("plan", chosen_environment(environment), out, *chosen, as_json=False)
        return made | {"plan_file": file}

    def explain_plan(file: str = "plan.json") -> dict[str, Any]:
        """A plan file as its reviewers see it: what changes, what is lost, what waits."""
        name = checked(PLAN_NAME, file, "a plan file")
        return calls.ask("show", "--format=markdown", "--", name, as_json=False)

    def diff_plans(before: str, after: str) -> dict[str, Any]:
        """How two plan files differ in what they do."""
        names = [checked(PLAN_NAME, one, "a plan file") for one in (before, after)]
        return calls.ask("diff-plan", "--json", "--", *names)

    return (
        status,
        schema,
        history,
        new_migration,
        lint,
        fix,
        validate,
        plan,
        explain_plan,
        diff_plans,
    )


def _made(folder: Path, printed: str) -> Path:
    """The file that `migrate new` has made, which lies in the project."""
    path = (folder / printed.strip().splitlines()[-1]).resolve()
    if not path.is_relative_to(folder.resolve()) or path.suffix != ".sql":
        raise UsageError(f"{path.name} does not lie in the project.")
    return path
