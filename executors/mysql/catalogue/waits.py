"""Which sessions wait for what a session of ours holds, on MySQL and MariaDB: queries alone.

Each takes the id of our session, and answers with the seconds since when each of the others is at
its statement, which the servers count whole.
"""

from __future__ import annotations

# https://dev.mysql.com/doc/refman/9.7/en/performance-schema-metadata-locks-table.html
DEFINITIONS = """
select t.processlist_time + 0.5 from performance_schema.metadata_locks w
join performance_schema.threads t on t.thread_id = w.owner_thread_id
where w.object_type = 'TABLE' and w.lock_status = 'PENDING' and exists (
    select 1 from performance_schema.metadata_locks held
    join performance_schema.threads o on o.thread_id = held.owner_thread_id
    where held.object_type = 'TABLE' and held.object_schema = w.object_schema
        and held.object_name = w.object_name and held.owner_thread_id <> w.owner_thread_id
        and o.processlist_id = %s)
"""
# https://dev.mysql.com/doc/refman/9.7/en/performance-schema-data-lock-waits-table.html
ROWS = """
select max(t.processlist_time) + 0.5 from performance_schema.data_lock_waits w
join performance_schema.threads t on t.thread_id = w.requesting_thread_id
join performance_schema.threads o on o.thread_id = w.blocking_thread_id
where o.processlist_id = %s group by t.thread_id
"""
# Where it is not told who holds a definition: those of this database that wait for one.
STATES = """
select time + 0.5 from information_schema.processlist
where db = database() and id <> %s and state like 'Waiting for table%% lock'
"""
# https://mariadb.com/kb/en/information-schema-innodb_lock_waits-table/
TRANSACTIONS = """
select max(p.time) + 0.5 from information_schema.innodb_lock_waits w
join information_schema.innodb_trx waiting on waiting.trx_id = w.requesting_trx_id
join information_schema.innodb_trx ours on ours.trx_id = w.blocking_trx_id
join information_schema.processlist p on p.id = waiting.trx_mysql_thread_id
where ours.trx_mysql_thread_id = %s group by p.id
"""
INSTEAD = {DEFINITIONS: STATES}
"""Of a query that the server refuses."""
