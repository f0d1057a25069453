"""`migrate fix` on MySQL and MariaDB: the way that the server takes is written into the file."""

from tests.commands.running import Project, succeed
from tests.commands.test_fix import HERE

FAMILY_BASE = """
create table orgs (id int primary key);
create table users (id bigint primary key, email varchar(50), org int, age int,
                    key by_age (age));
insert into users values (1, 'a@example.com', 1, 3);
"""
FAMILY = """
alter table users add column note text; -- quick
alter table users add index by_email (email);
-- why: the rebuilds
alter table users modify email varchar(50) not null;
-- and this one
alter table users force;
drop index by_age on users;
alter table users modify org varchar(20);
create table fresh (id int);
alter table fresh add column n int;
"""


def test_on_mysql_and_mariadb_the_way_that_the_server_takes_is_asked_for(
    family_project: Project,
) -> None:
    family_project.configure(HERE)
    family_project.write("001_base.sql", FAMILY_BASE)
    path = family_project.write("002_x.sql", FAMILY)
    shown = succeed(family_project.migrate("fix", "--write")).out
    assert "both forms make the same" in shown
    assert "the server cannot do it while others write" in shown
    keyless = "INPLACE" if family_project.engine == "mysql" else "NOCOPY"
    lines = [line for line in path.read_text().splitlines() if line]
    assert lines == [
        "-- migrate:up",
        "alter table users add column note text, ALGORITHM=INSTANT;",
        f"alter table users add index by_email (email), ALGORITHM={keyless}, LOCK=NONE;",
        "-- why: the rebuilds",
        "-- and this one",
        "alter table users modify email varchar(50) not null, force, ALGORITHM=INPLACE, LOCK=NONE;",
        "drop index by_age on users;",
        "alter table users modify org varchar(20);",
        "create table fresh (id int);",
        "alter table fresh add column n int;",
    ], shown
    succeed(family_project.migrate("up", "--allow-non-atomic"))


def test_a_finding_points_to_fix_where_the_server_may_take_a_way_and_says_what_that_needs(
    family_project: Project,
) -> None:
    family_project.write("001_base.sql", FAMILY_BASE)
    family_project.write(
        "002_x.sql",
        "alter table users force;\nalter table users modify org varchar(20);",
    )
    told = "`migrate fix 002_x.sql` shows the safe form"
    shown = family_project.migrate("lint").out
    assert f"{told}, on the server that `rehearsal:` in the environment is to name." in shown, shown
    family_project.configure(HERE)
    shown = family_project.migrate("lint").out
    assert f"{told}." in shown
    assert shown.count(told) == 1, shown  # no server changes the type while others write
