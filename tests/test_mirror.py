"""Every module has a test file of its name, or is named here with the test that covers it."""

from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

COVERED = {
    "planner/*": "tests/planner/test_doctests.py",
    "planner/adoption/*": "tests/planner/adoption/test_tools.py",
    "planner/adoption/*/*": "tests/planner/adoption/test_tools.py",
    "planner/building/*": "tests/planner/building/test_build.py",
    "planner/database/*": "tests/executors/test_contract.py",
    "planner/environments/*": "tests/planner/environments/test_environment.py",
    "planner/fleet/*": "tests/planner/fleet/test_grouping.py",
    "planner/migrations/*": "tests/planner/migrations/test_migration.py",
    "planner/migrations/formats/*": "tests/planner/migrations/test_formats.py",
    "planner/migrations/foreign/*": "tests/planner/migrations/test_formats.py",
    "planner/plan/*": "tests/planner/plan/test_plan.py",
    "planner/policies/*": "tests/planner/policies/test_policies.py",
    "planner/reading/*": "tests/planner/review/test_lint.py",
    "planner/reading/mysql/*": "tests/planner/reading/test_mysql_effects.py",
    "planner/reading/postgresql/*": "tests/planner/reading/postgresql/test_reader.py",
    "planner/reading/postgresql/weighing/*": (
        "tests/planner/reading/postgresql/weighing/test_weigh.py"
    ),
    "planner/review/*": "tests/planner/review/test_lint.py",
    "planner/review/rules/*": "tests/planner/review/test_lint.py",
    "planner/rewriting/*": "tests/commands/test_fix.py",
    "planner/rewriting/mysql/*": "tests/commands/test_fix.py",
    "planner/rewriting/postgresql/*": "tests/commands/test_fix.py",
    "planner/sql/*": "tests/planner/sql/test_statements.py",
    "executors/*": "tests/executors/test_contract_apply.py",
    "executors/fleet/*": "tests/executors/fleet/test_driver.py",
    "executors/batches/*": "tests/executors/batches/test_walk.py",
    "executors/mysql/batches/*": "tests/executors/batches/test_walk.py",
    "executors/postgresql/batches/*": "tests/executors/batches/test_walk.py",
    "executors/ledger/*": "tests/executors/test_contract.py",
    "executors/mysql/*": "tests/executors/test_contract.py",
    "executors/mysql/online/*": "tests/commands/test_online.py",
    "executors/mysql/catalogue/*": "tests/executors/test_catalogue.py",
    "executors/mysql/undo/*": "tests/executors/mysql/undo/test_compensated_unit.py",
    "executors/mysql/table/*": "tests/executors/mysql/table/test_restoration.py",
    "executors/mysql/units/*": "tests/executors/mysql/test_journaled.py",
    "executors/postgresql/*": "tests/executors/test_contract.py",
    "executors/postgresql/catalogue/*": "tests/executors/test_catalogue.py",
    "executors/postgresql/units/*": "tests/executors/postgresql/test_transaction.py",
    "executors/programs/*": "tests/executors/programs/test_embedded.py",
    "lockgate/agent/*": "tests/agent/test_server.py",
    "lockgate/*": "tests/commands/test_workflow.py",
    "lockgate/commands/*/*": "tests/commands/test_exit_codes.py",
    "lockgate/fleet/*": "tests/commands/test_fleet.py",
    "lockgate/plans/linting.py": "tests/commands/test_lint.py",
    "lockgate/plans/origin.py": "tests/commands/test_promotion.py",
    "lockgate/plans/*": "tests/commands/test_plan.py",
    "lockgate/runs/settlement.py": "tests/commands/test_resolve.py",
    "lockgate/runs/*": "tests/commands/test_everyday.py",
    "lockgate/trust/receipts.py": "tests/commands/test_receipt.py",
    "lockgate/trust/*": "tests/commands/test_approve.py",
    "lockgate/views/*": "tests/commands/test_output.py",
    "lockgate/views/database/*": "tests/commands/test_status_all.py",
    "lockgate/views/fleet/*": "tests/commands/test_fleet.py",
    "lockgate/views/findings/*": "tests/commands/test_lint.py",
    "lockgate/views/plan/*": "tests/views/test_golden.py",
    "lockgate/views/run/*": "tests/commands/test_progress.py",
}
"""For the modules of a folder that have no test file of their own; the first that fits counts."""


def find_uncovered() -> list[str]:
    """The modules without a test file of their name at their place below tests/."""
    found = []
    for top in ("planner", "executors", "lockgate"):
        for path in sorted((ROOT / top).rglob("*.py")):
            name = path.relative_to(ROOT)
            if path.name.startswith("__") or path.resolve() != path:
                continue
            places = (
                (name.parent, Path(*name.parent.parts[1:])) if top == "lockgate" else (name.parent,)
            )
            if not any((ROOT / "tests" / place / f"test_{path.name}").exists() for place in places):
                found.append(str(name))
    return found


def covering(module: str) -> str | None:
    """The test file that covers a module without one of its own."""
    depth = module.count("/")
    fits = (pattern for pattern in COVERED if pattern.count("/") == depth)
    return next((COVERED[each] for each in fits if fnmatch(module, each)), None)


@pytest.mark.parametrize("module", find_uncovered())
def test_a_module_is_tested_by_its_own_file_or_by_one_that_is_named(module: str) -> None:
    test = covering(module)
    assert test is not None, f"no tests/{Path(module).parent}/test_{Path(module).name}"
    assert (ROOT / test).exists(), test


def test_the_list_names_no_folder_that_is_gone() -> None:
    uncovered = find_uncovered()
    unused = [each for each in COVERED if not any(fnmatch(name, each) for name in uncovered)]
    assert unused == []
