"""Scratch databases on PostgreSQL, and the state of sequences; runs no migration."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from lockgate.executors.engine import Engine, Traits
from lockgate.executors.postgresql.pipeline import Command
from lockgate.planner.database.catalogue import STATE_OF_SEQUENCE, Catalogue, Detail, assemble
from lockgate.planner.plan.rehearsal import Reach

if TYPE_CHECKING:
    from lockgate.executors.postgresql.session import PostgreSQLSession

TRAITS = """
select current_user::text,
       array(select rolname::text from pg_roles where rolname !~ '^pg_' order by 1)
"""
# A database cannot name another one; roles, tablespaces and settings of the server are shared.
# https://www.postgresql.org/docs/current/manage-ag-overview.html
SHARED = re.compile(
    r"(?:\A|;|\bbegin|\bthen|\belse)\s*(?:"
    r"(?:create|alter|drop)\s+(?:role|user(?!\s+mapping)|group|database|tablespace)\b|"
    r"alter\s+system\b|(?:grant|revoke)\s+(?![^;]*\son\s))",
    re.IGNORECASE,
)
SEQUENCES = """
select format('%I.%I', n.nspname, c.relname) from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'S' and c.relpersistence <> 't' and n.nspname !~ '^pg_' order by 1
"""
SEARCH_PATH = "search_path"
FORCE = 130000  # DROP DATABASE … WITH (FORCE): from version 13 on


def read_counters(session: PostgreSQLSession) -> Catalogue:
    """The last value of each sequence. `pg_sequences` hides one that was set and not yet used."""
    names = [name for (name,) in session.query_all(SEQUENCES)]
    found = session.read_together(f"select last_value, is_called from {name}" for name in names)
    return assemble(
        Detail(f"{STATE_OF_SEQUENCE} {name}", "", {"last value": value, "used": called})
        for name, ((value, called),) in zip(names, found, strict=True)
    )


def read_traits(session: PostgreSQLSession) -> Traits:
    """Who we are, where unqualified names lead, and the roles that GRANT may name."""
    ((user, roles),) = session.query_all(TRAITS)
    return Traits(user, tuple(roles), session.history_schema, {SEARCH_PATH: session.search_path})


def read_reach() -> Reach:
    """No name of another database, but what a server's databases share."""
    return Reach(frozenset(), SHARED)


def create_database(session: PostgreSQLSession, name: str, traits: Traits) -> None:
    """A database of the server's own encoding and locale, with the other's search_path."""
    own = session.quote(name)
    session.execute(f"create database {own} template template0")
    set_path = "select pg_catalog.set_config('search_path', $1, true)"
    session.transact(
        [
            Command(set_path, None, (traits.settings[SEARCH_PATH],)),
            Command(f"alter database {own} set search_path from current", None),
        ]
    )


def drop_database(session: PostgreSQLSession, name: str) -> None:
    """Drops it; a session of ours that was lost in the middle must not keep it."""
    force = " with (force)" if session.server.dialect.version >= FORCE else ""
    session.execute(f"drop database if exists {session.quote(name)}{force}")


def create_roles(engine: Engine, traits: Traits, own_roles: Collection[str]) -> None:
    """Makes the roles of another server, which may not log in, but for its user: that one may
    do everything here."""
    there = {name for (name,) in engine.query_all("select rolname::text from pg_roles")}
    for name in traits.roles:
        if name not in there and name not in own_roles and name != traits.user:
            engine.execute(f"create role {_quote(name)}")
    if traits.user not in there:
        engine.execute(f"create role {_quote(traits.user)} superuser login")


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
