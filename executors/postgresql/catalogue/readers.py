"""Who has read a table or a column of it, by pg_stat_statements where that is there.

It tells no time of a statement's last run, so it counts only where its statistics, or those of the
statement, begin later than the moment that is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError

if TYPE_CHECKING:
    from lockgate.executors.postgresql.session import PostgreSQLSession
    from lockgate.planner.plan.contract import Retired

PLACE = """
select n.nspname::text from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pg_stat_statements'
"""
# By its functions: our sessions read no views of others.
# https://www.postgresql.org/docs/current/pgstatstatements.html
READERS = """
select left(s.query, 200)
from {place}.pg_stat_statements(true) s, {place}.pg_stat_statements_info() i
where s.dbid = (select oid from pg_database where datname = current_database())
    and greatest(i.stats_reset, {begun}) >= %s and s.query !~* %s and s.query ~* %s{column}
order by s.calls desc limit 20
"""
DEFINING = r"^\s*(alter|create|comment|drop|grant|revoke)\y"
BEGUN_SINCE = 170000
"""From version 17 on each statement has a begin of its own."""
NOT_LOADED = frozenset({"42883", "42501", "55000"})


def find_readers(
    session: PostgreSQLSession, dropped: Sequence[Retired], since: datetime
) -> list[str]:
    """The statements, the most frequent first; none where the server remembers none."""
    place = session.query_one(PLACE)
    if place is None:
        return []
    try:
        return list(dict.fromkeys(_ask(session, session.quote(place[0]), dropped, since)))
    except ServerError as refused:
        if refused.code not in NOT_LOADED:
            raise
        return []


def _ask(
    session: PostgreSQLSession, place: str, dropped: Sequence[Retired], since: datetime
) -> Iterator[str]:
    begun = "s.stats_since" if session.server.dialect.version >= BEGUN_SINCE else "i.stats_reset"
    for one in dropped:
        words = [_word(one.table), *([_word(one.column)] if one.column else [])]
        column = " and s.query ~* %s" if one.column else ""
        sql = READERS.format(place=place, begun=begun, column=column)
        yield from (text for (text,) in session.query_all(sql, (since, DEFINING, *words)))


def _word(name: str) -> str:
    return rf"\y{re.escape(name)}\y"
