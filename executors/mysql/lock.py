"""Who holds a lock of GET_LOCK's on MySQL and MariaDB, and whether it is a migrator.

Takes no lock.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from lockgate.executors.events import LockHolder, first_words
from lockgate.executors.failure import ServerError

if TYPE_CHECKING:
    from lockgate.executors.engine import Row

Query = Callable[[str, tuple[object, ...]], "list[Row]"]

OWN_LOCK = "is_used_lock(%s) = connection_id() and is_used_lock(%s) = %s"
# The right PROCESS shows sessions of others.
SESSION = """
select user, host, date_format(utc_timestamp() - interval time second, '%%Y-%%m-%%dT%%TZ'),
       coalesce(info, '')
from information_schema.processlist where id = %s
"""
# What the server shows of a user's rights, at any host of its name: all users have a row in
# user_privileges, at least USAGE, and who may not read the grants of others sees none of it.
# https://dev.mysql.com/doc/refman/9.7/en/information-schema-user-privileges-table.html
RIGHTS = """
select max(kind = 'user' and grantee <> 'PUBLIC'), max(privilege_type = 'INSERT') from (
    select 'user' as kind, privilege_type, grantee from information_schema.user_privileges
    union all select 'schema', privilege_type, grantee
    from information_schema.schema_privileges where %s like table_schema
    union all select 'table', privilege_type, grantee from information_schema.table_privileges
    where table_schema = %s and table_name = 'lockgate_runs'
) as given where grantee = 'PUBLIC' or left(grantee, char_length(%s)) = %s
"""
# Rights that come by a role are not followed. MySQL has them in one of these, MariaDB in the other.
ROLES = (
    "select 1 from mysql.role_edges where to_user = %s "
    "union all select 1 from dual where @@global.mandatory_roles <> ''",
    "select 1 from mysql.roles_mapping where user = %s",
)


def read_holder(query: Query, pid: int, schema: str) -> LockHolder:
    """The session with this id, as the server shows it."""
    rows = query(SESSION, (pid,))
    user, host, since, sql = rows[0] if rows else ("another user", "", "", "")
    is_migrator = _is_migrator(query, user, schema) if rows else None
    return LockHolder(
        pid, user, host, since or "", "", first_words(sql), is_migrator, f"kill {pid}"
    )


def _is_migrator(query: Query, user: str, schema: str) -> bool | None:
    grantee = f"'{user}'@"
    ((shown, may_write),) = query(RIGHTS, (schema, schema, grantee, grantee))
    if may_write:
        return True
    return False if shown and not _may_have_roles(query, user) else None


def _may_have_roles(query: Query, user: str) -> bool:
    """Whether a user has a role, or the server does not say."""
    for sql in ROLES:
        with suppress(ServerError):
            return bool(query(sql, (user,)))
    return True
