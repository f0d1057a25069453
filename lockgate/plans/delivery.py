"""Delivery of a plan that was made: to its file, and to the one who looks on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.planner.errors import UsageError
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.planfile import write_plan
from lockgate.planner.value import frozen
from lockgate.trust.approvals import find_approvals, own_signature, sign_plan
from lockgate.views.plan import json, text
from lockgate.views.terminal import say, tell

if TYPE_CHECKING:
    from lockgate.trust.approvals import Signable


@frozen
class Delivery:
    """Where a plan goes. `out` is its file, `-` stdout; with `key` it is signed there; `force` says
    that a plan in that file may go, with the approvals beside it."""

    out: Path
    force: bool = False
    key: Path | None = None

    @property
    def is_stdout(self) -> bool:
        """Whether the plan is what the command prints."""
        return str(self.out) == "-"

    def refuse_impossible(self) -> None:
        """Raises UsageError, before anything is asked, when a plan could not be signed so, or would
        take the place of one that was approved."""
        if self.is_stdout and self.key is not None:
            raise UsageError(
                "A plan on stdout has no signature beside it.", do="Name a file: `-o plan.json`."
            )
        approvals = () if self.is_stdout or self.force else find_approvals(self.out)
        if approvals:
            raise UsageError(
                f"{self.out} was approved: {', '.join(path.name for path in approvals)}.",
                why="Another plan in that file would not be the one that was signed.",
                do=f"Apply it with `migrate apply {self.out}`, write the new plan to another file "
                "with `-o FILE`, or give it up, with its approvals, by `--force`.",
            )

    def hand_out(self, plan: Signable, *, as_json: bool) -> None:
        """Writes the plan file and shows the plan. Signatures beside it of an older plan are
        removed, as they sign no more."""
        if not self.is_stdout:
            self._write(plan)
        if as_json or self.is_stdout:
            json.show_plan(plan)
        else:
            _show(plan)
            if plan.is_applicable:
                say(f"\nApply it with: migrate apply {self.out}")
        if not self.is_stdout:
            tell(f"Written to {self.out}.")

    def _write(self, plan: Signable) -> None:
        own_signature(self.out).unlink(missing_ok=True)
        for path in find_approvals(self.out):
            path.unlink(missing_ok=True)
        if isinstance(plan, Plan):
            write_plan(plan, self.out)
        else:
            from lockgate.planner.fleet.fleet_plan import write_fleet_plan

            write_fleet_plan(plan, self.out)
        if self.key is not None:
            tell(f"Signed in {sign_plan(plan, self.out, self.key)}.")


def _show(plan: Signable) -> None:
    """A plan for its reviewer, on stdout."""
    if isinstance(plan, Plan):
        text.show_plan(plan)
        return
    from lockgate.views.fleet.text import show_fleet

    show_fleet(plan)
