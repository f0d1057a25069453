"""`migrate adopt` once more, and what was taken over with holes."""

from typing import Any

import pytest

from tests.commands.running import Project, refused, succeed
from tests.commands.test_adopt import adopt, dbmate, run, states

__all__ = ["dbmate"]


def test_what_was_rolled_back_here_is_nothing_new(dbmate: Project, any_server: Any) -> None:
    adopt(dbmate)
    succeed(dbmate.migrate("down"))
    assert states(dbmate)["20240103"] == "pending"
    told = "has nothing that ours has not, but for what was rolled back here since."
    refused(dbmate.migrate("adopt", "--no-verify"), 64, told)
    run(any_server, dbmate, "insert into schema_migrations values ('20240102')")
    plan = adopt(dbmate)
    assert [step["version"] for step in plan["steps"]] == ["20240102"]
    assert states(dbmate)["20240103"] == "pending"


@pytest.mark.parametrize("by", ["adopt", "record"])
def test_what_fills_a_hole_is_recorded_and_not_late(
    dbmate: Project, any_server: Any, by: str
) -> None:
    adopt(dbmate)
    run(any_server, dbmate, "create table b (id int)")
    if by == "adopt":
        run(any_server, dbmate, "insert into schema_migrations values ('20240102')")
        refused(dbmate.migrate("status"), 10, "has applied 20240102", "with `migrate adopt`")
        adopt(dbmate)
    else:
        succeed(dbmate.migrate("plan", "--record", "20240102"))
        succeed(dbmate.migrate("apply", "plan.json"))
    assert set(states(dbmate).values()) == {"recorded"}


def test_a_hole_that_a_later_one_requires_stays_a_hole(dbmate: Project) -> None:
    last = dbmate.migrations / "20240103_c.sql"
    last.write_text(f"-- migrate:requires 20240102\n{last.read_text()}")
    adopt(dbmate)
    assert states(dbmate)["20240102"] == "out of order"
    dbmate.configure("policy: {out_of_order: warn}")
    assert "Applied 20240102 b." in succeed(dbmate.migrate("up")).out
