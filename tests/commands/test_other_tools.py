"""Folders of other tools: the tool itself and lockgate make the same of them, on PostgreSQL."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import Project, succeed
from tests.planner.migrations.test_formats import Files, write
from tests.real.tools import TOOLS

USERS = """\
create table shop_users (id bigint primary key, email text not null unique);
comment on table shop_users is 'who buys; and who looks';
create function shop_lower(given text) returns text language plpgsql as $$
begin
    return lower(given);
end
$$;"""
ORDERS = """\
create table shop_orders (
    id bigint primary key, buyer bigint not null references shop_users, note text default 'a;b'
);
create index shop_orders_buyer on shop_orders (buyer);
insert into shop_users values (1, 'Ann'), (2, 'it''s Bob; really');"""
DROP_USERS = "drop function shop_lower(text);\ndrop table shop_users;"
DROP_ORDERS = "delete from shop_users;\ndrop table shop_orders;"


def committed(message: str, body: str, previous: str = "-") -> str:
    """A file as graphile-migrate commits it, with its chain of hashes."""
    text = body.strip() + "\n"
    chained = f"{'' if previous == '-' else previous}\n{text.strip()}".strip()
    digest = hashlib.sha1(f"{chained}\n".encode()).hexdigest()
    return f"--! Previous: {previous}\n--! Hash: sha1:{digest}\n--! Message: {message}\n\n{text}"


FIRST = committed("users", USERS)
JOURNAL = {
    "version": "7", "dialect": "postgresql",
    "entries": [
        {"idx": 0, "version": "7", "when": 1700000000000, "tag": "0000_users", "breakpoints": True},
        {"idx": 1, "version": "7", "when": 1700000000001, "tag": "0001_orders",
         "breakpoints": True},
    ],
}  # fmt: skip

FOLDERS: dict[str, Files] = {
    "dbmate": {
        "20240101000000_users.sql": f"-- migrate:up\n{USERS}\n-- migrate:down\n{DROP_USERS}\n",
        "20240102000000_orders.sql": f"-- migrate:up\n{ORDERS}\n-- migrate:down\n{DROP_ORDERS}\n",
    },
    "node-pg-migrate": {
        "1700000000000_users.sql": f"-- Up Migration\n{USERS}\n-- Down Migration\n{DROP_USERS}",
        "1700000000001_orders.sql": f"-- Up Migration\n{ORDERS}\n-- Down Migration\n{DROP_ORDERS}",
    },
    "graphile-migrate": {
        "committed/000001.sql": FIRST,
        "committed/000002.sql": committed(
            "orders", ORDERS, FIRST.split("Hash: ")[1].partition("\n")[0]
        ),
        "current.sql": "-- nothing yet\n",
    },
    "drizzle": {
        "0000_users.sql": USERS.replace(";\ncomment", ";\n--> statement-breakpoint\ncomment"),
        "0001_orders.sql": ORDERS,
        "meta/_journal.json": json.dumps(JOURNAL),
    },
    "yoyo": {
        "0001.users.sql": USERS,
        "0001.users.rollback.sql": DROP_USERS,
        "0002.orders.sql": f"-- depends: 0001.users\n{ORDERS}",
        "0002.orders.rollback.sql": DROP_ORDERS,
    },
}

MADE = """\
select 'column', table_name::text, column_name::text, data_type::text, column_default, is_nullable
from information_schema.columns where table_name like 'shop%'
union all select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
from pg_constraint where conname like 'shop%'
union all select 'index', tablename, indexname, indexdef, '', '' from pg_indexes
where tablename like 'shop%'
union all select 'function', proname, prosrc, '', '', '' from pg_proc where proname like 'shop%'
union all select 'comment', obj_description('shop_users'::regclass), '', '', '', ''
union all select 'row', id::text, email, '', '', '' from shop_users
order by 1, 2, 3
"""


def made(server: Any, database: str) -> list[tuple[Any, ...]]:
    """All that is in a database of what the folders make."""
    with server.connect(database) as connection:
        return list(connection.execute(MADE).fetchall())


@pytest.mark.parametrize("name", sorted(FOLDERS))
def test_the_tool_and_lockgate_make_the_same_of_its_folder(
    name: str, project: Project, postgres_server: Any, tmp_path: Path
) -> None:
    write(project.migrations, FOLDERS[name])
    if name != "dbmate":
        project.configure(f"migrations: {{directory: migrations, format: {name}}}\n")
    other = postgres_server.new_database()
    try:
        TOOLS[name].apply(postgres_server.url(other), project.migrations)
        succeed(project.migrate("up"))
        assert made(postgres_server, project.database) == made(postgres_server, other)
    finally:
        postgres_server.drop_database(other)
    if name in ("dbmate", "node-pg-migrate", "yoyo"):
        succeed(project.migrate("down", "--to", "0"))
        with postgres_server.connect(project.database) as connection:
            left = "select count(*) from pg_class where relname like 'shop%'"
            assert connection.execute(left).fetchone()[0] == 0
