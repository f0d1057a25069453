"""The SQL of the ledger's tables that is PostgreSQL's own; `ledger.store` has the rest.

Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lockgate.executors.ledger.location import FoundLedger
from lockgate.executors.ledger.tables import ADDED, TableFault, Tables
from lockgate.executors.postgresql.lock import OWN_LOCK
from lockgate.planner.database.search_path import split_path
from lockgate.planner.errors import UsageError

if TYPE_CHECKING:
    from lockgate.executors.engine import Row
    from lockgate.executors.postgresql.session import PostgreSQLSession

# Whose tables are taken: those of our role, and of roles that it is a member of. A superuser is in
# effect a member of every role, which says nothing of whom it trusts. A role that may only read
# may read what is another's: nothing runs by that, and who applies looks again.
# Of functions, the server's own are in no pg_depend. By the table that a foreign key refers to
# there is no index, but it has the key's triggers.
# https://www.postgresql.org/docs/current/catalog-pg-depend.html
OWN_ROLES = """
own as (
    select oid from pg_roles where rolname in (current_user, session_user)
    union select m.roleid from pg_auth_members m join own on own.oid = m.member
)
"""
# Whose a table is and what belongs to it, as a number: its owner may change any of that, and much
# of it runs code where the table is written.
PARTS = """(
    select hashtextextended(string_agg(part, ' ' order by part collate "C"), 0) from (
        select 'a' || attnum || ':' || atttypid from pg_attribute
            where attrelid = {oid} and attnum > 0
        union all select 'd' || oid from pg_attrdef where adrelid = {oid}
        union all select 'c' || oid from pg_constraint where conrelid = {oid}
        union all select 'i' || indexrelid from pg_index where indrelid = {oid}
        union all select 't' || oid from pg_trigger where tgrelid = {oid}
        union all select 'r' || oid from pg_rewrite where ev_class = {oid}
        union all select 'p' || inhparent from pg_inherits where inhrelid = {oid}
        union all select 'h' || inhrelid from pg_inherits where inhparent = {oid}
        union all select 's' || relowner || relrowsecurity || relforcerowsecurity
            from pg_class where oid = {oid}
    ) parts (part))"""
OF_LEDGER = f"""
with recursive {OWN_ROLES}, ledger as (
    select c.*, n.nspname, format('%%I.%%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relnamespace = (select oid from pg_namespace where nspname = %s)
        and c.relname = any (%s)
), part as (
    select l.oid, 'pg_attrdef'::regclass as class, a.oid as object
    from ledger l join pg_attrdef a on a.adrelid = l.oid
    union all select l.oid, 'pg_constraint'::regclass, k.oid
    from ledger l join pg_constraint k on k.conrelid = l.oid
    union all select l.oid, 'pg_class'::regclass, i.indexrelid
    from ledger l join pg_index i on i.indrelid = l.oid
)
"""
# What a table may have that is none of ours is asked for where there is a sign of anything of that:
# to plan the whole question takes longer than all else that is read of a ledger.
# https://www.postgresql.org/docs/current/catalog-pg-class.html
TABLES = f"""
{OF_LEDGER}
select array(select attname::text from ledger l join pg_attribute a on a.attrelid = l.oid
        and a.attnum > 0 and not a.attisdropped where l.relname = %s
        order by attname::text collate "C"),
    coalesce((select json_object_agg(relname, json_build_array(oid::int8,
        {PARTS.format(oid="l.oid")})) from ledger l), '{{}}'),
    exists (select from ledger l where relkind <> 'r' or relpersistence <> 'p' or relhastriggers
        or relhasrules or relrowsecurity or relhassubclass or relowner not in (table own)
        or exists (select from pg_inherits where inhrelid = l.oid)
        or exists (select from pg_constraint where conrelid = l.oid and contype = 'f')
        or exists (select from pg_attribute where attrelid = l.oid and not attisdropped
            and atttypid >= 16384))
    or exists (select from part p join pg_depend d on d.classid = p.class and d.objid = p.object
        where d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass)),
    array(select a.attname::text from ledger l join pg_attribute a on a.attrelid = l.oid
        where l.relname = 'lockgate_runs' and a.attname in ({", ".join(map(repr, ADDED))}))
"""
FAULTS = f"""
{OF_LEDGER.rstrip()}, foreign_key (oid, number) as (
    select l.oid, k.oid from ledger l join pg_constraint k on k.conrelid = l.oid
    where k.contype = 'f'
    union select l.oid, t.tgconstraint from ledger l join pg_trigger t on t.tgrelid = l.oid
    join pg_constraint k on k.oid = t.tgconstraint and k.contype = 'f'
), fault (oid, what, cure) as (
    select oid, 'is no ordinary table', 'put a table in its place' from ledger where relkind <> 'r'
    union all select oid, 'is not logged', format('`alter table %%s set logged`', name)
    from ledger where relkind = 'r' and relpersistence <> 'p'
    union all select oid, 'belongs to the role ' || pg_get_userbyid(relowner) || ', and '
        || current_user || ' is no member of that', format('`alter table %%s owner to %%I`', name,
        current_user)
    from ledger where relowner not in (table own)
        and has_table_privilege(oid, 'insert, update, delete, truncate')
    union all select l.oid, 'has the trigger ' || t.tgname,
        format('`drop trigger %%I on %%s`', t.tgname, name)
    from ledger l join pg_trigger t on t.tgrelid = l.oid and not t.tgisinternal
    union all select l.oid, 'has the rule ' || r.rulename,
        format('`drop rule %%I on %%s`', r.rulename, name)
    from ledger l join pg_rewrite r on r.ev_class = l.oid and r.rulename <> '_RETURN'
    union all select oid, 'has row level security',
        format('`alter table %%s disable row level security`', name)
    from ledger where relrowsecurity
    union all select l.oid, 'is part of an inheritance with ' || o.oid::regclass,
        format('`alter table %%s no inherit %%s`', inhrelid::regclass, inhparent::regclass)
    from ledger l join pg_inherits on l.oid in (inhrelid, inhparent)
    join pg_class o on o.oid in (inhrelid, inhparent) and o.oid <> l.oid
    union all select l.oid, 'has the foreign key ' || k.conname,
        format('`alter table %%s drop constraint %%I`', k.conrelid::regclass, k.conname)
    from ledger l join foreign_key f using (oid) join pg_constraint k on k.oid = f.number
    union all select l.oid, format('has the column %%I of the type %%s', attname,
        format_type(atttypid, atttypmod)), 'give that column a type of the server'
    from ledger l join pg_attribute on attrelid = l.oid and not attisdropped and atttypid >= 16384
    union all select p.oid, 'calls ' || pg_describe_object(d.refclassid, d.refobjid, 0)
        || ' in ' || pg_describe_object(p.class, p.object, 0), 'drop what calls it'
    from part p join pg_depend d on d.classid = p.class and d.objid = p.object
    where d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass)
)
select name, what, cure from fault join ledger using (oid) order by name, what
"""
# What is found here is judged by `TABLES` before more is read of it.
LEDGERS = f"""
with recursive {OWN_ROLES}
select n.nspname::text, pg_get_userbyid(c.relowner)::text, c.relowner in (table own)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relname = 'lockgate_target' and c.relkind = 'r' and n.nspname !~ '^pg_'
    and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
    and (not c.relrowsecurity or c.relowner in (table own))
    and 2 = (select count(*) from pg_attribute where attrelid = c.oid and not attisdropped
        and attname in ('project', 'environment') and atttypid = 'varchar'::regtype)
order by 1
"""
CREATE_TABLES = {
    "history": """create table {history} (
    version varchar(255) primary key, name varchar(255) not null,
    checksum char(64) not null, applied_at timestamptz not null)""",
    "runs": """create table {runs} (
    id varchar(36) primary key, plan_digest char(64) not null, intent_digest char(64) not null,
    direction varchar(4) not null, environment varchar(255) not null, status varchar(20) not null,
    actor varchar(255) not null, tool_version varchar(64) not null, started_at timestamptz not null,
    finished_at timestamptz, plan text not null, approvers text, error text, receipt text,
    job text, cost text, digests text, emergency text)""",
    "plans": """create table {plans} (
    run_id varchar(36) not null, piece int not null, text text not null,
    primary key (run_id, piece))""",
    "journal": """create table {journal} (
    run_id varchar(36) not null, step int not null, statement int not null,
    digest char(64) not null, intent_at timestamptz not null, outcome varchar(20),
    done_at timestamptz, primary key (run_id, step, statement))""",
    "batches": """create table {batches} (
    run_id varchar(36) not null, step int not null, statement int not null,
    pass_number int not null, place text, batches bigint not null, walked bigint not null,
    changed bigint not null, changed_before bigint not null, expected bigint,
    next_size int not null, busy_ms bigint not null, state varchar(255) not null,
    asked varchar(255) not null, began_at timestamptz not null, noted_at timestamptz not null,
    primary key (run_id, step, statement))""",
    "target": """create table {target} (
    id smallint primary key check (id = 1), uuid varchar(36) not null,
    project varchar(255) not null, environment varchar(255) not null,
    evidence text not null, serial bigint not null)""",
}
# Who owns the schema may put other tables in the place of ours at any time, who owns a table may
# change it, and who has the right TRIGGER may make triggers. So each transaction that writes closes
# the tables to that, and only then looks whether they are still those that were judged. LOCK plans
# nothing, so it runs no code of an index; the server refuses the words for a number, and with them
# the transaction. https://www.postgresql.org/docs/current/sql-lock.html
LOCK_TABLES = "lock table {} in row exclusive mode"
SAME_NAMES = """
select ('The table ' || name || ' is not the one that lockgate has looked at, or was changed '
    'since. Find out who has done that')::int
from json_to_recordset($1::json) as known (name text, oid oid, parts int8)
where to_regclass(name)::oid is distinct from known.oid
"""
SAME_TABLES = f"{SAME_NAMES} or parts is distinct from {PARTS.format(oid='known.oid')}"
# Written only by who holds the migration lock.
INTEND = f"""
insert into {{journal}} (run_id, step, statement, digest, intent_at)
select %s, %s::int, %s::int, %s, {{now}} where exists ({OWN_LOCK})
"""
# Of the newest run alone, with the serial that it has left.
KEEP_DIGESTS = (
    "update {runs} set digests = case when id = $1 "
    "then concat((select serial from {target}), $2::text, {read}) end "
    "where id = $1 or digests is not null"
)
IDENTIFY = (
    "insert into {target} (id, uuid, project, environment, evidence, serial) "
    "values (1, $1, $2, $3, $4, 0) on conflict do nothing"
)
# The serial moves only when it is the one that we expect, and the history only with it.
RECORD = """
with fence as (update {target} set serial = serial + 1 where serial = $4::bigint returning 1)
insert into {history} (version, name, checksum, applied_at)
select $1, $2, $3, coalesce($5::timestamptz, {now}) from fence
"""
REPLACE = """
with fence as (update {target} set serial = serial + 1 where serial = $5::bigint
    and exists (select from {history} where version = $1 and checksum = $4) returning 1)
update {history} set name = $2, checksum = $3, applied_at = {now} from fence
where version = $1 and checksum = $4
"""
REMOVE = """
with fence as (update {target} set serial = serial + 1 where serial = $3::bigint
    and exists (select from {history} where version = $1 and checksum = $2) returning 1)
delete from {history} using fence where version = $1 and checksum = $2
"""


def read_tables(row: Row, faults: Iterable[Row]) -> Tables:
    """The row of TABLES, and those of FAULTS."""
    columns, known, _, added = row
    found = tuple(TableFault(*fault) for fault in faults)
    lacking = tuple(name for name in ADDED if name not in added)
    return Tables(tuple(columns), frozenset(known), found, lacking, known)


def find_ledgers(session: PostgreSQLSession) -> list[FoundLedger]:
    """The ledgers that lie anywhere in the database, as far as the role may read them."""
    rows = session.query_all(LEDGERS)
    targets = session.read_together(
        f"select project, environment from {session.quote(schema)}.lockgate_target"
        for schema, *_ in rows
    )
    return [
        FoundLedger(*row, *identity)
        for row, identities in zip(rows, targets, strict=True)
        for identity in identities
    ]


# What the role may not use of these schemas.
CLOSED = """
select nspname::text from pg_namespace
where nspname = any (%s) and not has_schema_privilege(oid, 'usage') order by 1
"""


def without_schema(session: PostgreSQLSession, path: str) -> UsageError:
    """The error of a search_path that leads to no schema which the session's role may use."""
    ((user,),) = session.query_all("select current_user::text")
    names = [user if name == "$user" else name for name in split_path(path)]
    closed = [name for (name,) in session.query_all(CLOSED, (names,))]
    if not closed:
        return UsageError(
            "The connection's search_path names no schema that exists.",
            do="Set `history: {schema: …}` in the environment.",
        )
    grant = f"grant usage on schema {session.quote(closed[0])} to {session.quote(user)}"
    return UsageError(
        f"The role {user} may not use the schema {closed[0]}, which its search_path names.",
        do=f"Have its owner run `{grant}`, or set `history: {{schema: …}}` in the environment.",
    )
