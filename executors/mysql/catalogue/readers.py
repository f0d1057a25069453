"""Who has read a table or a column of it, by the performance schema where that is on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession
    from lockgate.planner.plan.contract import Retired

# A digest quotes each name but words of the server's own, such as OLD. Its `last_seen` is in the
# session's zone, which is UTC.
# https://dev.mysql.com/doc/refman/9.7/en/performance-schema-statement-summary-tables.html
READERS = """
select left(digest_text, 200) from performance_schema.events_statements_summary_by_digest
where schema_name = database() and last_seen >= %s
    and substring_index(digest_text, ' ', 1)
        in ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REPLACE', 'WITH')
    and {table} and {column}
order by last_seen desc limit 20
"""
NAMED = "(locate(%s, digest_text) > 0 or locate(%s, concat(' ', digest_text, ' ')) > 0)"
FORBIDDEN = frozenset({"1142", "1143", "1146"})


def find_readers(session: MySQLSession, dropped: Sequence[Retired], since: datetime) -> list[str]:
    """The statements, the last ones first; none where the server remembers none."""
    try:
        return list(dict.fromkeys(_ask(session, dropped, since)))
    except ServerError as refused:
        if refused.code not in FORBIDDEN:
            raise
        return []


def _ask(session: MySQLSession, dropped: Sequence[Retired], since: datetime) -> Iterator[str]:
    for one in dropped:
        names = [one.table, *([one.column] if one.column else [])]
        forms = [form for name in names for form in (session.quote(name), f" {name.upper()} ")]
        sql = READERS.format(table=NAMED, column=NAMED if one.column else "true")
        yield from (
            text for (text,) in session.query_all(sql, (since.replace(tzinfo=None), *forms))
        )
