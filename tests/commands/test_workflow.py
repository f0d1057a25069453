"""plan, apply, status, and all the way down again; and that a plan alone says what runs."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.commands.blocking import table_names
from tests.commands.running import OWN_TABLES, Project, succeed

OWN = re.compile(r"lockgate_|^prepare lockgate ")


@pytest.fixture
def shop(any_project: Project) -> Project:
    """A project whose migrations touch no other names than those that begin with `shop_`."""
    any_project.configure("copies: {limit: 1MB}\n")
    any_project.write(
        "001_customers.sql",
        "create table shop_customers (id int primary key, name varchar(40));\n"
        "insert into shop_customers values (1, 'semi;colon'), (2, 'two -- dashes');",
        "drop table shop_customers;",
    )
    any_project.write(
        "002_orders.sql",
        "create table shop_orders (id int primary key);\n"
        "create index shop_by_id on shop_orders (id);",
        "drop table shop_orders;",
    )
    any_project.write(
        "003_names.sql",
        "update shop_customers set name = 'x' where id = 1;",
        "update shop_customers set name = 'semi;colon' where id = 1;",
    )
    return any_project


def planned(project: Project, file: str = "plan.json") -> list[str]:
    """The statements of a plan that the server is sent as they stand, in order."""
    plan = json.loads((project.folder / file).read_text())
    statements = [statement for step in plan["steps"] for statement in step["statements"]]
    return [each["sql"] for each in statements if each["guarantee"] != "deferred"]


def ran(server: Any, mark: int, database: str) -> list[str]:
    """What the server ran of the migrations since a mark, in order.

    What lockgate does for itself names its tables, qualifies a name with a schema of ours, or asks
    whether a text is a statement.
    """
    statements = server.statements_since(mark, database)
    return [
        statement for statement in statements if "shop_" in statement and not OWN.search(statement)
    ]


def test_up_to_the_last_and_down_to_nothing(shop: Project, any_server: Any) -> None:
    assert succeed(shop.migrate("status")).out.endswith("0 applied, 3 pending\n")
    assert table_names(any_server, shop.database) == []

    mark = any_server.log_mark()
    succeed(shop.migrate("plan"))
    assert ran(any_server, mark, shop.database) == []
    assert table_names(any_server, shop.database) == []

    applied = succeed(shop.migrate("apply", "plan.json"))
    assert applied.out == "Applied 3 migrations (001 to 003).\n"
    assert ran(any_server, mark, shop.database) == planned(shop)
    status = succeed(shop.migrate("status")).out
    assert status.endswith("\n3 applied\n")
    assert status.count(" applied  2") == 3

    mark = any_server.log_mark()
    succeed(shop.migrate("plan", "--down-to", "0", "-o", "down.json"))
    undone = succeed(shop.migrate("apply", "down.json"))
    assert undone.out == "Rolled back 3 migrations (003 to 001).\n"
    assert ran(any_server, mark, shop.database) == planned(shop, "down.json")
    assert table_names(any_server, shop.database) == OWN_TABLES
    assert succeed(shop.migrate("status")).out.endswith("0 applied, 3 pending\n")


def edit(project: Project) -> None:
    for path in project.migrations.iterdir():
        path.write_text("-- migrate:up\ncreate table shop_evil (id int);\n")


def delete(project: Project) -> None:
    for path in project.migrations.iterdir():
        path.unlink()
    project.migrations.rmdir()


def add(project: Project) -> None:
    project.write("000_first.sql", "create table shop_evil (id int);")
    project.write("004_last.sql", "create table shop_evil (id int);")
    (project.migrations / "nonsense.sql").write_text("this is no migration")


@pytest.mark.parametrize("change", [edit, delete, add])
def test_what_happens_to_the_files_after_the_plan_changes_nothing(
    shop: Project, any_server: Any, change: Callable[[Project], None]
) -> None:
    succeed(shop.migrate("plan"))
    change(shop)
    mark = any_server.log_mark()
    succeed(shop.migrate("apply", "plan.json"))
    assert ran(any_server, mark, shop.database) == planned(shop)
    assert "shop_evil" not in table_names(any_server, shop.database)


def test_up_runs_what_a_plan_would_have_held(shop: Project, any_server: Any) -> None:
    succeed(shop.migrate("plan"))
    mark = any_server.log_mark()
    succeed(shop.migrate("up"))
    assert ran(any_server, mark, shop.database) == planned(shop)


def test_down_takes_one_step_back_and_up_takes_it_again(shop: Project) -> None:
    succeed(shop.migrate("up"))
    assert succeed(shop.migrate("down")).out == "Rolled back 003 names.\n"
    assert succeed(shop.migrate("up")).out == "Applied 003 names.\n"
    assert succeed(shop.migrate("down", "--to", "1")).out.startswith("Rolled back 2 migrations")


def test_apply_goes_from_another_folder_with_environments_named(shop: Project) -> None:
    succeed(shop.migrate("plan"))
    elsewhere = shop.folder / "else" / "where"
    elsewhere.mkdir(parents=True)
    plan = str(shop.folder / "plan.json")
    succeed(shop.migrate("apply", plan, folder=elsewhere))
    folder = str(shop.folder / "environments")
    status = shop.migrate("status", "--environments", folder, folder=shop.folder.parent)
    assert succeed(status).out.endswith("3 applied\n")
