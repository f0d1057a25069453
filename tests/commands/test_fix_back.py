"""The files that `migrate fix` writes can be rolled back one by one: each undoes its own part."""

import re
from typing import Any

import pytest

from tests.commands.running import Project, succeed
from tests.commands.test_fix import BASE, HERE

MORE = """
create table counted (id serial primary key, code int unique, at int not null default 3);
create index counted_at on counted (at desc, code) where at > 0;
insert into counted (code) select n from generate_series(1, 50) n;
"""
CASES = {
    "kept ones around": (
        "comment on table users is 'x';\ncreate index by_age on users (age);\n"
        "comment on table orgs is 'y';\nalter table users add constraint old check (age > 0), "
        "add note text;\ninsert into orgs values (7);",
        "delete from orgs where id = 7;\nalter table users drop note, drop constraint old;\n"
        "-- the other\ncomment on table orgs is null;\ndrop index by_age;\n"
        "comment on table users is null;",
    ),
    "another type": (
        "alter table users alter age type text using age::text;",
        "alter table users alter age type int using age::int;",
    ),
    "another type of a key with a sequence": (
        "alter table counted alter id type bigint;", "alter table counted alter id type int;",
    ),
    "another type of what is unique": (
        "alter table counted alter code type bigint;", "alter table counted alter code type int;",
    ),
    "another type of what is indexed and has a default": (
        "alter table counted alter at type bigint;", "alter table counted alter at type int;",
    ),
}  # fmt: skip


@pytest.fixture
def begun(project: Project) -> Project:
    """A project with tables that have rows, rehearsed on its own server."""
    project.configure(HERE)
    project.write("001_base.sql", BASE + MORE)
    return project


def schema(project: Project) -> list[str]:
    """What `migrate dump` prints, in any order: a column that is made again comes last."""
    return sorted(line.rstrip(",") for line in succeed(project.migrate("dump")).out.splitlines())


@pytest.mark.parametrize("name", CASES)
def test_each_file_is_rolled_back_alone(begun: Project, postgres_server: Any, name: str) -> None:
    up, down = CASES[name]
    begun.write("002_x.sql", up, down)
    shown = succeed(begun.migrate("fix", "2", "--write")).out
    assert "Their ways back leave the same too" in shown, shown
    assert "not rewritten" not in shown
    for path in begun.migrations.glob("*_contract.sql"):
        path.write_text(re.sub("min_age=7d", "min_age=0s", path.read_text()))
    versions = [path.name[:3] for path in sorted(begun.migrations.glob("*.sql"))]
    rows = "select id, code, at from counted order by 1"
    with postgres_server.connect(begun.database) as connection:
        connection.autocommit, connection.prepare_threshold = True, None
        seen = []
        for version in versions:
            succeed(begun.migrate("up", "--to", version, "--allow-non-atomic"))
            seen.append(schema(begun))
        connection.execute("insert into counted (code) values (1000)")
        before = connection.execute(rows).fetchall()
        for version in versions[-2::-1]:
            succeed(begun.migrate("down", "--to", version, "--allow-non-atomic"))
            assert schema(begun) == seen[versions.index(version)], version
            assert connection.execute(rows).fetchall() == before
        succeed(begun.migrate("up", "--to", versions[-2], "--allow-non-atomic"))
        succeed(begun.migrate("up", "--allow-non-atomic"))
        assert schema(begun) == seen[-1]
        assert connection.execute(rows).fetchall() == before
    assert succeed(begun.migrate("drift")).out.startswith("No drift")
