"""The settings under which lockgate's own statements run on PostgreSQL, in place of the server's.

A migration must find none of them: it runs under what the server has given the session.
"""

from __future__ import annotations

# An owner of a database may put a schema of his own before pg_catalog, and the migrator would call
# what is in there. pg_temp is last: unnamed it would come first, for tables and types.
# https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATTERNS
# Row security is off so that the server refuses rather than filters.
# https://www.postgresql.org/docs/current/runtime-config-client.html
# What asks for all of the catalogue at once looks costly, and compiling it takes ten times as long.
OWN = {
    "search_path": "pg_catalog, pg_temp",
    "row_security": "off",
    "datestyle": "ISO, MDY",
    "quote_all_identifiers": "off",
    "client_min_messages": "warning",
    "jit": "off",
}


def _set_all(local: str, given: bool = False) -> str:
    """Null gives back what RESET would; nothing here is found by the search_path."""
    calls = (
        f"pg_catalog.set_config('{name}', {'null' if given else repr(value)}, {local})"
        for name, value in OWN.items()
    )
    # Else a view in the place of a table of ours would run its functions, on servers that know it:
    # https://www.postgresql.org/docs/current/runtime-config-client.html
    name, views = "restrict_nonsystem_relation_kind", "null" if given else "'view, foreign-table'"
    known = f"pg_catalog.current_setting('{name}', true) is not null"
    restrict = f"case when {known} then pg_catalog.set_config('{name}', {views}, {local}) end"
    return f"select {', '.join((*calls, restrict))}"


ENTER = _set_all("false")
LEAVE = _set_all("false", given=True)
ENTER_LOCALLY = _set_all("true")
"""Until the transaction ends, whatever the session has."""
LEAVE_LOCALLY = _set_all("true", given=True)

# RESET ALL between sections takes these back too, so they are set again after it: the name of the
# program is a setting where a pooler has opened the session. The last ends what a killed lockgate
# has left running, on a server that can see the connection close (14+):
# https://www.postgresql.org/docs/current/runtime-config-connection.html
# They may not find anything by the search_path: the server's own is in force until they end.
SETTINGS = f"""
{ENTER},
    pg_catalog.set_config('lock_timeout', $1, false),
    pg_catalog.set_config('statement_timeout',
        coalesce($2, pg_catalog.current_setting('statement_timeout')), false),
    pg_catalog.set_config('application_name', $3, false),
    pg_catalog.set_config('timezone', 'UTC', false),
    case when pg_catalog.current_setting('client_connection_check_interval', true) is not null
            and pg_catalog.version() operator(pg_catalog.~~) '%linux%'
        then pg_catalog.set_config('client_connection_check_interval', '1s', false) end
"""
# What a section may have left in the session. DISCARD ALL would drop the migration lock too.
# https://www.postgresql.org/docs/current/sql-discard.html
RESET = (
    "reset session authorization", "reset role", "reset all", "deallocate all", "close all",
    "unlisten *", "discard sequences", "discard temp",
)  # fmt: skip
