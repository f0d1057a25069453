"""The SQL of the ledger's tables that is PostgreSQL's own; `ledger.store` has the rest.

Runs nothing.
"""

from __future__ import annotations

from lockgate.executors.postgresql.lock import OWN_LOCK

COLUMNS = """
select coalesce(array_agg(attname::text order by attname::text collate "C")
                filter (where relname = %s), '{}'), bool_or(relname = 'lockgate_target')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_attribute a on a.attrelid = c.oid and attnum > 0 and not attisdropped
where nspname = %s and relname in (%s, 'lockgate_target')
"""
CREATE_TABLES = (
    """create table if not exists {history} (
    version varchar(255) primary key, name varchar(255) not null,
    checksum char(64) not null, applied_at timestamptz not null)""",
    """create table if not exists {runs} (
    id varchar(36) primary key, plan_digest char(64) not null, intent_digest char(64) not null,
    direction varchar(4) not null, environment varchar(255) not null, status varchar(20) not null,
    actor varchar(255) not null, tool_version varchar(64) not null, started_at timestamptz not null,
    finished_at timestamptz, plan text not null, approvers text, error text, receipt text)""",
    """create table if not exists {journal} (
    run_id varchar(36) not null, step int not null, statement int not null,
    digest char(64) not null, intent_at timestamptz not null, outcome varchar(20),
    done_at timestamptz, primary key (run_id, step, statement))""",
    """create table if not exists {target} (
    id smallint primary key check (id = 1), uuid varchar(36) not null,
    project varchar(255) not null, environment varchar(255) not null,
    evidence text not null, serial bigint not null)""",
)
# Written only by who holds the migration lock.
INTEND = f"""
insert into {{journal}} (run_id, step, statement, digest, intent_at)
select %s, %s::int, %s::int, %s, {{now}} where exists ({OWN_LOCK})
"""
IDENTIFY = (
    "insert into {target} (id, uuid, project, environment, evidence, serial) "
    "values (1, $1, $2, $3, $4, 0) on conflict do nothing"
)
# The serial moves only when it is the one that we expect, and the history only with it.
RECORD = """
with fence as (update {target} set serial = serial + 1 where serial = $4::bigint returning 1)
insert into {history} (version, name, checksum, applied_at)
select $1, $2, $3, {now} from fence
"""
REMOVE = """
with fence as (update {target} set serial = serial + 1 where serial = $3::bigint
    and exists (select from {history} where version = $1 and checksum = $2) returning 1)
delete from {history} using fence where version = $1 and checksum = $2
"""
