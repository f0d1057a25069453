"""Advisory locks of PostgreSQL, as pg_locks shows them: the migration lock and those of sections.

https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS
"""

from __future__ import annotations

from lockgate.executors.postgresql.blockers import SESSION

LOCKS = """
locktype = 'advisory' and granted and objsubid = 1
and database = (select oid from pg_database where datname = current_database())
"""
OWN_LOCK = f"""
select 1 from pg_locks where {LOCKS} and pid = pg_backend_pid()
and classid = %s::bigint::oid and objid = %s::bigint::oid
"""
# All that a section has locked by hand, as often as it has, but for the migration lock.
UNLOCK = """case
    when objsubid = 1 and mode = 'ExclusiveLock' then pg_advisory_unlock(whole)
    when objsubid = 1 then pg_advisory_unlock_shared(whole)
    when mode = 'ExclusiveLock' then pg_advisory_unlock(high, low)
    else pg_advisory_unlock_shared(high, low) end
"""
FREE_OTHERS = f"""
select sum(times) from pg_locks, lateral (
    select classid::bigint << 32 | objid::bigint as whole,
           classid::bigint::bit(32)::int as high, objid::bigint::bit(32)::int as low) keys,
lateral (
    with recursive freed (was_held) as (
        select {UNLOCK} union all select {UNLOCK} from freed where was_held)
    select count(*) as times from freed) freeing
where locktype = 'advisory' and granted and pid = pg_backend_pid()
and not (objsubid = 1 and classid = $1::bigint::oid and objid = $2::bigint::oid)
"""
HOLDER = f"""
{SESSION} where a.pid in (select pid from pg_locks where {LOCKS}
and classid = %s::bigint::oid and objid = %s::bigint::oid)
"""
# One row for a role that may not write the ledger, where there is one.
STRANGER = """
select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_roles r on r.rolname = %s
where n.nspname = %s and c.relname = 'lockgate_runs'
    and not has_table_privilege(r.oid, c.oid, 'insert')
"""
