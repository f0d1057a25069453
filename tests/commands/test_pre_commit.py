"""The hooks for pre-commit: each is a command that passes a good project and fails a bad one."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands.running import Project, succeed

ROOT = Path(__file__).parents[2]
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
BAD = {
    "lockgate-validate": "create table u (id int);\n-- migrate:up\n",
    "lockgate-lint": "-- migrate:up\nalter table t1 drop column id;\n",
}


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_passes_what_is_good_and_fails_what_is_bad(
    hook: dict[str, Any], tmp_path: Path
) -> None:
    """Without a variable of ours, in the folder of the project, as pre-commit runs it."""
    project = Project(tmp_path, "postgresql://nobody@localhost/none")
    project.write_environment("dev", "engine: postgresql\ndatabase: $DATABASE_URL\n")
    project.write_tables(1)
    program, *arguments = hook["entry"].split()
    assert (program, hook["language"], hook["pass_filenames"]) == ("migrate", "python", False)
    nothing = {"LOCKGATE_ENVIRONMENT": None, "TEST_URL": None}
    succeed(project.migrate(*arguments, environ=nothing))
    (project.migrations / "002_bad.sql").write_text(BAD[hook["id"]])
    assert project.migrate(*arguments, environ=nothing).code in (3, 64)
