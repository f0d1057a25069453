"""Scratch databases on PostgreSQL, and the state of sequences; runs no migration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.engine import Extension, Membership, Traits
from lockgate.executors.postgresql.pipeline import Command
from lockgate.planner.database.catalogue import STATE_OF_SEQUENCE, Catalogue, Detail, assemble

if TYPE_CHECKING:
    from lockgate.executors.postgresql.session import PostgreSQLSession

TRAITS = """
select current_user::text,
       array(select rolname::text from pg_roles where rolname !~ '^pg_' order by 1),
       (select array_remove(array[
            case when rolsuper then 'superuser' end, case when rolcreatedb then 'createdb' end,
            case when rolcreaterole then 'createrole' end,
            case when rolbypassrls then 'bypassrls' end,
            case when not rolinherit then 'noinherit' end], null)
        from pg_roles where rolname = current_user)
"""
MEMBERSHIPS = """
select role.rolname::text, member.rolname::text, link.admin_option,
       coalesce((to_jsonb(link) ->> 'inherit_option')::bool, member.rolinherit),
       coalesce((to_jsonb(link) ->> 'set_option')::bool, true)
from pg_auth_members link
join pg_roles role on role.oid = link.roleid join pg_roles member on member.oid = link.member
where member.rolname !~ '^pg_' order by 1, 2
"""
SEQUENCES = """
select format('%I.%I', n.nspname, c.relname) from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'S' and c.relpersistence <> 't' and n.nspname !~ '^pg_' order by 1
"""
SCHEMAS = """
select nspname::text from pg_namespace n
where nspname !~ '^pg_' and nspname not in ('public', 'information_schema') and not exists (
    select from pg_depend where classid = 'pg_namespace'::regclass and objid = n.oid
    and deptype = 'e')
"""
EXTENSIONS = """
select extname::text, nspname::text from pg_extension e
join pg_namespace n on n.oid = extnamespace where extname <> 'plpgsql' order by e.oid
"""
SEARCH_PATH = "search_path"
PUBLIC_OWNER = "owner of public"
OWNER = "select pg_get_userbyid(nspowner)::text from pg_namespace where nspname = 'public'"
PUBLIC_OF_DATABASE = 150000  # from here on the owner of the database owns its schema public
STRATEGIES = 150000  # CREATE DATABASE … STRATEGY
FORCE = 130000  # DROP DATABASE … WITH (FORCE): from version 13 on


class PostgreSQLScratch:
    """Scratch databases on a server of PostgreSQL; implements `executors.engine.Scratch`."""

    anchor = "template1"

    def __init__(self, session: PostgreSQLSession) -> None:
        self._session = session

    def read_counters(self) -> Catalogue:
        """The last value of each sequence. `pg_sequences` hides one not yet used."""
        names = [name for (name,) in self._session.query_all(SEQUENCES)]
        found = self._session.read_together(
            f"select last_value, is_called from {name}" for name in names
        )
        return assemble(
            Detail(f"{STATE_OF_SEQUENCE} {name}", "", {"last value": value, "used": called})
            for name, ((value, called),) in zip(names, found, strict=True)
        )

    def read_traits(self) -> Traits:
        """Who we are, where unqualified names lead, and the roles that GRANT may name."""
        ((user, roles, attributes),) = self._session.query_all(TRAITS)
        settings = {SEARCH_PATH: self._session.search_path}
        if self._session.server.dialect.version < PUBLIC_OF_DATABASE:
            owner = self._session.query_one(OWNER)
            settings |= {PUBLIC_OWNER: owner[0]} if owner else {}
        return Traits(
            user,
            tuple(roles),
            self._session.history_schema,
            settings,
            frozenset(attributes),
            tuple(Membership(*row) for row in self._session.query_all(MEMBERSHIPS)),
            tuple(name for (name,) in self._session.query_all(SCHEMAS)),
            tuple(Extension(*row) for row in self._session.query_all(EXTENSIONS)),
        )

    def read_databases(self) -> frozenset[str]:
        """None: a database cannot name another."""
        return frozenset()

    def create_database(self, name: str, traits: Traits) -> None:
        """A database of the server's own encoding and locale, with the other's search_path."""
        own = self._session.quote(name)
        self._session.execute(f"create database {own} template template0")
        set_path = "select pg_catalog.set_config('search_path', $1, true)"
        self._session.transact(
            [
                Command(set_path, None, (traits.settings[SEARCH_PATH],)),
                Command(f"alter database {own} set search_path from current", None),
            ]
        )

    def clone_database(self, source: str, name: str, traits: Traits) -> None:
        """By the server itself: where it waits for no disk, by copying files, which is half the
        work of logging each page.

        https://www.postgresql.org/docs/18/sql-createdatabase.html#CREATE-DATABASE-STRATEGY
        """
        new, old = self._session.quote(name), self._session.quote(source)
        chosen = self._session.server.dialect.version >= STRATEGIES
        waits = self._session.query_one("select current_setting('fsync')::bool") == (True,)
        strategy = " strategy file_copy" if chosen and not waits else ""
        self._session.execute(f"create database {new} template {old}{strategy}")

    def recreate_database(self, name: str, traits: Traits) -> None:
        """Of the database's own settings the new one has the search_path alone."""
        self.drop_database(name)
        self.create_database(name, traits)

    def drop_database(self, name: str) -> None:
        """Drops it; a session of ours that was lost in the middle must not keep it."""
        force = " with (force)" if self._session.server.dialect.version >= FORCE else ""
        self._session.execute(f"drop database if exists {self._session.quote(name)}{force}")
