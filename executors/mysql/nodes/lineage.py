"""The servers that one MySQL database lives on, one after another: a primary, and its replicas.

Under the lock the primary's replicas are noted with its identity. A server that is noted and
replicates no other is the primary after a failover; a restored or cloned one is noted nowhere.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.planner.plan.verify import SERVERS, decode_evidence, encode_evidence
from lockgate.planner.value import replace

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession
    from lockgate.planner.database.ledger import Identity

REPLICAS = "show replicas"
# A server that is only paused as a replica has its source configured still.
# https://dev.mysql.com/doc/refman/9.7/en/performance-schema-replication-connection-configuration-table.html
FOLLOWS = (
    "select @@performance_schema = 0 or exists (select 1 "
    "from performance_schema.replication_connection_configuration where host <> '')"
)


def succeeded(session: MySQLSession, identity: Identity) -> Identity:
    """The identity as this server has it, if it has taken the place of the one that is noted."""
    marks, own = decode_evidence(identity.evidence), session.server.evidence[session.mark]
    known = marks.get(SERVERS, "").split()
    if marks.get(session.mark) == own or own not in known or _follows(session):
        return identity
    return replace(identity, evidence=encode_evidence({**marks, session.mark: own}))


def with_servers(session: MySQLSession, evidence: str) -> str:
    """The evidence with the servers that may take this one's place, as far as the role may see
    them, and the one that it has taken the place of."""
    marks, own = decode_evidence(evidence), session.server.evidence[session.mark]
    found = {own, marks.get(session.mark, own), *_replicas(session)}
    if found == {own} and SERVERS not in marks:
        return evidence
    return encode_evidence({**marks, session.mark: own, SERVERS: " ".join(sorted(found))})


def _follows(session: MySQLSession) -> bool:
    """Whether a server replicates another one, or does not say."""
    with suppress(ServerError):
        return bool(session.query_all(FOLLOWS)[0][0])
    return True


def _replicas(session: MySQLSession) -> set[str]:
    with suppress(ServerError):  # it takes the right REPLICATION SLAVE
        return {str(row[-1]) for row in session.query_all(REPLICAS)}
    return set()
