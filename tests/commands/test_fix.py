"""`migrate fix`: the safe form of a migration, written, and proved on a real server."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import Project, refused, succeed

HERE = "rehearsal:\n  url_env: TEST_URL\n"
BASE = """
create table orgs (id int primary key);
create table users (id bigint primary key, email text, org int, age int);
create table parts (day date, n int) partition by range (day);
create table first_part (day date, n int);
create table rest_part partition of parts default;
create table lists (n int, c text) partition by list (c);
create table list_part (n int, c text);
create type mood as enum ('fine');
create table checked (id int primary key, n int check (n > 0));
create table referring (id int primary key, checked int references checked);
create table "Odd" ("Id" bigint primary key);
create materialized view sums as select id from users;
create unique index sums_id on sums (id);
insert into orgs values (1);
insert into users select n, 'User' || n, 1, n from generate_series(1, 50) n;
insert into first_part values ('2026-01-05', 1);
insert into list_part values (1, 'a');
"""

Case = tuple[str, Sequence[str]]
CASES: dict[str, Case] = {
    "an index": (
        "create index on users (email) where age > 3;",
        ["!CREATE INDEX CONCURRENTLY users_email_idx ON users USING btree (email) WHERE age > 3"],
    ),
    "a check": (
        "alter table users add check (age > 0);",
        [
            "ALTER TABLE users ADD CONSTRAINT users_age_check CHECK (age > 0) NOT VALID",
            "!ALTER TABLE users VALIDATE CONSTRAINT users_age_check",
        ],
    ),
    "a foreign key": (
        "alter table users add foreign key (org) references orgs on delete cascade;",
        [
            "ALTER TABLE users ADD CONSTRAINT users_org_fkey FOREIGN KEY (org) REFERENCES orgs "
            "ON DELETE CASCADE NOT VALID",
            "!ALTER TABLE users VALIDATE CONSTRAINT users_org_fkey",
        ],
    ),
    "what must not be null": (
        "alter table users alter email set not null;",
        [
            "ALTER TABLE users ADD CONSTRAINT users_email_not_null NOT NULL email NOT VALID",
            "!ALTER TABLE users VALIDATE CONSTRAINT users_email_not_null",
        ],
    ),
    "a unique constraint": (
        "alter table users add constraint one_email unique nulls not distinct (email) "
        "include (age) deferrable;",
        [
            "!CREATE UNIQUE INDEX CONCURRENTLY one_email ON users USING btree (email) "
            "INCLUDE (age) NULLS NOT DISTINCT",
            "ALTER TABLE users ADD CONSTRAINT one_email UNIQUE USING INDEX one_email DEFERRABLE",
        ],
    ),
    "a primary key": (
        "alter table list_part add primary key (n);",
        [
            "ALTER TABLE list_part ADD CONSTRAINT list_part_n_not_null NOT NULL n NOT VALID",
            "!ALTER TABLE list_part VALIDATE CONSTRAINT list_part_n_not_null",
            "!CREATE UNIQUE INDEX CONCURRENTLY list_part_pkey ON list_part USING btree (n)",
            "ALTER TABLE list_part ADD CONSTRAINT list_part_pkey PRIMARY KEY "
            "USING INDEX list_part_pkey",
        ],
    ),
    "a column with constraints": (
        "alter table users add other int references orgs check (other > 0), add note text;",
        [
            "ALTER TABLE users ADD COLUMN other int",
            "ALTER TABLE users ADD CONSTRAINT users_other_fkey FOREIGN KEY (other) "
            "REFERENCES orgs NOT VALID",
            "!ALTER TABLE users VALIDATE CONSTRAINT users_other_fkey",
            "ALTER TABLE users ADD CONSTRAINT users_other_check CHECK (other > 0) NOT VALID",
            "!ALTER TABLE users VALIDATE CONSTRAINT users_other_check",
            "ALTER TABLE users ADD COLUMN note text",
        ],
    ),
    "a column with another value in each row": (
        "alter table users add code uuid not null default gen_random_uuid() unique;",
        [
            "ALTER TABLE users ADD COLUMN code uuid",
            "ALTER TABLE users ALTER COLUMN code SET DEFAULT gen_random_uuid()",
            "-- migrate:batch key=id size=5000",
            "UPDATE users SET code = DEFAULT WHERE id > {{lo}} AND id <= {{hi}} AND code IS NULL",
            "ALTER TABLE users ADD CONSTRAINT users_code_not_null NOT NULL code NOT VALID",
            "!ALTER TABLE users VALIDATE CONSTRAINT users_code_not_null",
            "!CREATE UNIQUE INDEX CONCURRENTLY users_code_key ON users USING btree (code)",
            "ALTER TABLE users ADD CONSTRAINT users_code_key UNIQUE USING INDEX users_code_key",
        ],
    ),
    "a table with names that need quotes": (
        'alter table "Odd" add code uuid default gen_random_uuid();',
        [
            'ALTER TABLE "Odd" ADD COLUMN code uuid',
            'ALTER TABLE "Odd" ALTER COLUMN code SET DEFAULT gen_random_uuid()',
            '-- migrate:batch key="Id" size=5000',
            'UPDATE "Odd" SET code = DEFAULT WHERE "Id" > {{lo}} AND "Id" <= {{hi}} '
            "AND code IS NULL",
        ],
    ),
    "a partition by range": (
        "alter table parts attach partition first_part for values from ('2026-01-01') "
        "to ('2026-02-01');",
        [
            "ALTER TABLE first_part ADD CONSTRAINT first_part_bound CHECK (day IS NOT NULL AND "
            "day >= '2026-01-01' AND day < '2026-02-01') NOT VALID",
            "!ALTER TABLE first_part VALIDATE CONSTRAINT first_part_bound",
            "ALTER TABLE rest_part ADD CONSTRAINT rest_part_bound CHECK (NOT (day IS NOT NULL AND "
            "day >= '2026-01-01' AND day < '2026-02-01')) NOT VALID",
            "!ALTER TABLE rest_part VALIDATE CONSTRAINT rest_part_bound",
            "ALTER TABLE parts ATTACH PARTITION first_part FOR VALUES FROM ('2026-01-01') "
            "TO ('2026-02-01')",
            "ALTER TABLE first_part DROP CONSTRAINT first_part_bound",
            "ALTER TABLE rest_part DROP CONSTRAINT rest_part_bound",
        ],
    ),
    "a partition by values": (
        "alter table lists attach partition list_part for values in ('a', 'b');",
        [
            "ALTER TABLE list_part ADD CONSTRAINT list_part_bound CHECK (c IS NOT NULL AND "
            "c IN ('a', 'b')) NOT VALID",
            "!ALTER TABLE list_part VALIDATE CONSTRAINT list_part_bound",
            "ALTER TABLE lists ATTACH PARTITION list_part FOR VALUES IN ('a', 'b')",
            "ALTER TABLE list_part DROP CONSTRAINT list_part_bound",
        ],
    ),
    "an index rebuilt": ("reindex index sums_id;", ["!REINDEX (CONCURRENTLY) INDEX sums_id"]),
    "a view refreshed": (
        "refresh materialized view sums;",
        ["!REFRESH MATERIALIZED VIEW CONCURRENTLY sums"],
    ),
    "a value of an enum": (
        "alter type mood add value 'good';\nalter table users add mood mood default 'good';",
        ["!alter type mood add value 'good'", "alter table users add mood mood default 'good'"],
    ),
}
BACK = {
    "an index": "drop index users_email_idx;",
    "a check": "alter table users drop constraint users_age_check;",
    "a foreign key": "alter table users drop constraint users_org_fkey;",
    "what must not be null": "alter table users alter email drop not null;",
    "a unique constraint": "alter table users drop constraint one_email;",
    "a primary key": "alter table list_part drop constraint list_part_pkey, alter n drop not null;",
    "a column with constraints": "alter table users drop other, drop note;",
    "a column with another value in each row": "alter table users drop column if exists code;",
    "a table with names that need quotes": 'alter table "Odd" drop code;',
    "a partition by range": "alter table parts detach partition first_part;",
    "a partition by values": "alter table lists detach partition list_part;",
}
"""The ways back of those that have one."""
NOT_OFFERED = {
    "another type of a key that others refer to": (
        "alter table checked alter id type bigint;",
        "foreign keys of referring refer to the column",
    ),
    "another type of what is checked": (
        "alter table checked alter n type bigint;",
        "a CHECK, an exclusion constraint or a foreign key uses the column",
    ),
    "another type of what is added here": (
        "alter table users add a int;\nalter table users alter a type bigint;",
        "no such column before these migrations",
    ),
    "another type of partitions": ("alter table lists alter n type bigint;", "has partitions"),
    "values computed for each row": (
        "alter table users add number serial;",
        "the server computes a value for each row",
    ),
    "a view without a key": (
        "create unique index b on orgs (id);\ndrop index sums_id;\nrefresh materialized view sums;",
        "its safe form does not run",
    ),
}


@pytest.fixture
def begun(project: Project) -> Project:
    """A project with tables that have rows, rehearsed on its own server."""
    project.configure(HERE)
    project.write("001_base.sql", BASE)
    return project


def statements(folder: Path) -> list[str]:
    """Those after the first file, in running order; `!` before one that is alone in its file."""
    found = []
    for path in sorted(folder.glob("*.sql"))[1:]:
        up = path.read_text().partition("-- migrate:down")[0]
        mark, *lines = [line for line in up.splitlines() if line]
        sign = "!" if mark.endswith("transaction:false") else ""
        found += [sign + line.removesuffix(";") for line in lines]
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_safe_form_is_written_and_proved(begun: Project, name: str) -> None:
    original, expected = CASES[name]
    begun.write("002_x.sql", original, BACK.get(name))
    shown = succeed(begun.migrate("fix", "2", "--write")).out
    assert statements(begun.migrations) == expected
    assert "both forms make the same" in shown
    assert "not rewritten" not in shown
    after = [line for line in shown.splitlines() if line.startswith("after")]
    long = [line for line in after if "every row" in line and "nothing waits" not in line]
    assert long == [], shown
    succeed(begun.migrate("up", "--allow-non-atomic"))  # a rebuild that fails leaves an index
    if name in BACK:
        assert "Their ways back leave the same too" in shown
        succeed(begun.migrate("down", "--to", "001", "--allow-non-atomic"))
        succeed(begun.migrate("up", "--allow-non-atomic"))


def test_a_type_is_changed_by_a_new_column_over_several_releases(
    begun: Project, postgres_server: Any
) -> None:
    begun.write("002_required.sql",
                "alter table users alter age set not null, alter age set default 3;")  # fmt: skip
    begun.write(
        "003_x.sql",
        "alter table users alter age type text using (age + coalesce(org, 0))::text;",
        "alter table users alter age type int using age::int;",
    )
    shown = succeed(begun.migrate("fix", "003", "--write")).out
    assert "both forms make the same" in shown, shown
    assert "Their ways back leave the same too" in shown
    after = [line for line in shown.splitlines() if line.startswith("after")]
    assert [line for line in after if "every row" in line and "nothing waits" not in line] == []
    names = [path.name for path in sorted(begun.migrations.glob("*.sql"))]
    steps = ("fill", "add", "validate", "exchange", "contract")
    assert names[3:] == [f"{4 + n:03}_x_{step}.sql" for n, step in enumerate(steps)]
    contract = begun.migrations / "008_x_contract.sql"
    assert contract.read_text().startswith("-- migrate:contract-of 007 min_age=7d\n-- migrate:up\n")
    with postgres_server.connect(begun.database) as connection:
        for version in ("002", "003", "004", "006"):  # the old release writes meanwhile
            succeed(begun.migrate("up", "--to", version, "--allow-non-atomic"))
            connection.execute(
                "insert into users select max(id) + 1, 'x', 1, 100 from users; "
                "update users set age = age + 1 where id % 7 = 0"
            )
        wanted = connection.execute("select id, (age + org)::text from users order by 1").fetchall()
        stopped = refused(begun.migrate("up"), 3, "008_x_contract.sql may run only 7d after 007")
        assert "migrate plan --to 007" in stopped.err
        succeed(begun.migrate("up", "--to", "007"))
        assert connection.execute("select id, age from users order by 1").fetchall() == wanted
        connection.execute("insert into users (id, age) values (1000, 'new')")
        contract.write_text(contract.read_text().replace("7d", "0s"))
        succeed(begun.migrate("up"))
    assert succeed(begun.migrate("drift")).out.startswith("No drift")


def test_the_server_reads_no_row_of_the_partitions_that_are_proved_to_fit(
    begun: Project, postgres_server: Any
) -> None:
    begun.write("002_x.sql", CASES["a partition by range"][0])
    succeed(begun.migrate("fix", "--write"))
    succeed(begun.migrate("up", "--to", "005"))
    attach = statements(begun.migrations)[4]
    said: list[str] = []
    with postgres_server.connect(begun.database) as connection:
        connection.add_notice_handler(lambda notice: said.append(notice.message_primary))
        connection.execute("set client_min_messages = debug1")
        connection.execute(attach)
    implied = [one.split('"')[1] for one in said if "is implied by existing constraints" in one]
    assert implied == ["first_part", "rest_part"], said


@pytest.mark.parametrize("name", NOT_OFFERED)
def test_what_is_not_proved_is_not_offered_and_the_reason_is_shown(
    begun: Project, name: str
) -> None:
    original, why = NOT_OFFERED[name]
    path = begun.write("002_x.sql", original)
    before = path.read_text()
    shown = succeed(begun.migrate("fix", "--write")).out
    assert re.search(rf"002_x.sql:\d+: not rewritten: .*{why}", shown), shown
    if name != "a view without a key":
        assert path.read_text() == before
        assert "Nothing to rewrite." in shown
    assert "REFRESH MATERIALIZED VIEW CONCURRENTLY" not in path.read_text()


def test_no_batches_are_offered_that_would_fire_triggers(begun: Project) -> None:
    begun.write(
        "002_touch.sql",
        "create function touch() returns trigger language plpgsql as $$ begin return new; end $$;\n"
        "create trigger touch before update on users for each row execute function touch();",
    )
    begun.write("003_x.sql", "alter table users alter age type bigint;")
    shown = succeed(begun.migrate("fix", "003", "--write")).out
    assert "not rewritten: the table has triggers" in shown, shown


def test_an_original_stays_as_it_is_without_write_and_around_what_is_rewritten(
    begun: Project,
) -> None:
    path = begun.migrations / "002_x.sql"
    text = (
        "-- Why: the search.\n-- migrate:up\n-- kept\ncomment on table users is 'x';\n"
        "-- its index\ncreate index by_age on users (age);\n\n"
        "-- migrate:down\ndrop index by_age;\ncomment on table users is null;\n"
    )
    path.write_text(text)
    begun.write("003_later.sql", "create table later (id int);", "drop table later;")
    assert "Nothing was written" in succeed(begun.migrate("fix", "002")).out
    assert path.read_text() == text
    page = succeed(begun.migrate("fix", "002", "--write", "--format", "html")).out
    before, after = page.split('aria-label="After"')
    assert "<td>SHARE on users (seen)</td>" in before.split('aria-label="Before"')[1]
    assert "SHARE UPDATE EXCLUSIVE on users" in after
    assert "<td>SHARE on users" not in after
    path.write_text(text)
    (begun.migrations / "004_x_index.sql").unlink()
    shown = succeed(begun.migrate("fix", "002", "--write")).out
    moved = ("-- its index\ncreate index by_age on users (age);\n", "drop index by_age;\n")
    assert path.read_text() == text.replace(moved[0], "").replace(moved[1], "")
    assert (begun.migrations / "004_x_index.sql").read_text() == (
        "-- migrate:up transaction:false\n-- its index\n"
        "CREATE INDEX CONCURRENTLY by_age ON users USING btree (age);\n\n"
        "-- migrate:down\ndrop index by_age;\n"
    )
    assert "SHARE on users (seen)" in shown
    succeed(begun.migrate("up"))
    succeed(begun.migrate("down", "--steps", "3"))
    assert succeed(begun.migrate("drift")).out.startswith("No drift")


def test_what_is_applied_is_not_rewritten(begun: Project) -> None:
    begun.write("002_x.sql", "create index on users (age);")
    succeed(begun.migrate("up"))
    refused(begun.migrate("fix", "002"), 64, "002_x.sql cannot be rewritten", "as it is")
    refused(begun.migrate("fix", "007"), 64, "There is no migration 007")
    assert "Nothing to rewrite." in succeed(begun.migrate("fix")).out


@pytest.mark.parametrize("style", ["text", "github"])
def test_a_finding_says_that_there_is_a_safe_form(begun: Project, style: str) -> None:
    begun.write("002_x.sql", "create index on users (age);\nalter table users add number serial;")
    lines = begun.migrate("lint", "--format", style).out.splitlines()
    suggesting = [line for line in lines if "`migrate fix 002_x.sql` shows" in line]
    assert len(suggesting) == 1, lines
    succeed(begun.migrate("up", "--to", "001"))
    shown = [begun.migrate("plan").out, *(begun.migrate("show", "plan.json", "--format", one).out
                                          for one in ("markdown", "html", "github"))]  # fmt: skip
    assert [text.count("migrate fix 002") for text in shown] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "above", ["-- migrate:template jinja\n", "-- migrate:if not exists index users.i\n"]
)
def test_no_finding_points_where_no_safe_form_is_looked_for(begun: Project, above: str) -> None:
    is_head = "template" in above
    path = begun.write("002_x.sql", ("" if is_head else above) + "create index i on users (age);")
    path.write_text((above if is_head else "") + path.read_text())
    succeed(begun.migrate("up", "--to", "001"))
    shown = begun.migrate("lint").out + begun.migrate("plan").out
    assert "require-concurrent-index-creation" in shown
    assert "migrate fix" not in shown
