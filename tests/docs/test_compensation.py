"""docs/concepts/compensation.md names each guarantee once."""

import re
from typing import get_args

from lockgate.planner.plan.statement import Guarantee
from tests.commands.running import ROOT

PAGE = (ROOT / "docs/concepts/compensation.md").read_text()


def test_each_guarantee_has_one_row() -> None:
    table = PAGE.partition("## What undoes a statement")[2].partition("\n\nOne ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)
    assert sorted(rows) == sorted(get_args(Guarantee))
