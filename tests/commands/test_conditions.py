"""What people see of statements that run only where something is missing."""

import json

from tests.commands.forging import sealed
from tests.commands.running import Project, refused, succeed

SECTION = """\
-- migrate:if not exists column users.age
alter table users add age int;
"""


def test_a_reviewer_sees_the_condition_and_the_operator_what_was_left_out(
    mysql_project: Project,
) -> None:
    mysql_project.write("001_users.sql", "create table users (id int primary key, age int);")
    succeed(mysql_project.migrate("up"))
    mysql_project.write("002_age.sql", SECTION)
    met, unmet = "users has no column age", "002_age.sql:3 is left out: users has the column age."
    assert f"line 3: runs only if {met}" in succeed(mysql_project.migrate("plan")).out
    for view in ("sql", "markdown"):
        assert (
            f"-- only if {met}"
            in succeed(mysql_project.migrate("show", "plan.json", "--format", view)).out
        )
    plan = mysql_project.folder / "plan.json"
    forged = json.loads(plan.read_text())
    forged["steps"][0]["statements"][0]["condition"] = None
    (mysql_project.folder / "forged.json").write_text(json.dumps(sealed(forged)))
    refused(mysql_project.migrate("apply", "forged.json"), 8, "not those of its file")
    assert unmet in succeed(mysql_project.migrate("apply", "plan.json")).all


def test_a_prepared_text_is_answered_by_a_condition(mysql_project: Project) -> None:
    mysql_project.write("001_age.sql", "prepare p from 'alter table users add age int';")
    assert "-- migrate:if not exists column TABLE.COLUMN" in mysql_project.migrate("lint").all
