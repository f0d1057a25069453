"""A Galera cluster: which node this is, and by what its nodes keep each other's executors out.

GET_LOCK is one node's alone, and DDL is certified by nothing. So under that lock an executor also
claims the cluster, in the row of `lockgate_target`: of two nodes that write it at once, the
cluster lets one commit. The claim of a node that is no member any more counts for nothing.
https://mariadb.com/kb/en/mariadb-galera-cluster-known-limitations/
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lockgate.executors.events import LockHolder
from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.ledger import PLAIN, alone, explained
from lockgate.planner.errors import Unreachable
from lockgate.planner.plan.verify import decode_evidence, encode_evidence
from lockgate.planner.value import frozen

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession

HOLDER = "holder"
"""The claim's name in the evidence that `lockgate_target` keeps."""

STATE = """
show global status where variable_name in ('wsrep_cluster_state_uuid', 'wsrep_gcomm_uuid')
"""
# What another node has committed is seen by each of our reads.
# https://mariadb.com/kb/en/galera-cluster-system-variables/#wsrep_sync_wait
CAUSAL = "wsrep_sync_wait = 7"
READ = f"select evidence from {{target}} {PLAIN} where id = 1"
WRITE = "update {target} set evidence = %s where id = 1 and {alone}"
MEMBERS = "select node_uuid, node_name from mysql.wsrep_cluster_members"
ABSENT = frozenset({"1146", "1049"})
# The other node's write came first, as a deadlock, as a conflict in certification, or in time.
BEATEN = frozenset({"1205", "1213", "1180", "1020"})


@frozen
class Cluster:
    """A cluster, by what its nodes share, and the node that a session is on."""

    state: str
    node: str


def read_cluster(session: MySQLSession) -> Cluster:
    """The cluster of a session whose node says that it is in one."""
    found = {str(name).lower(): str(value) for name, value in session.query_all(STATE)}
    return Cluster(found["wsrep_cluster_state_uuid"], found["wsrep_gcomm_uuid"])


class Claim:
    """The claim of one executor, written by its guard, which holds the node's own lock."""

    def __init__(self, session: MySQLSession, cluster: Cluster) -> None:
        self._session = session
        self._cluster = cluster

    def take(self) -> bool:
        """Whether the cluster is claimed, or has no ledger yet; false: another node has it."""
        try:
            self._ask("start transaction")
            marks = self._read(locking=True)
            if marks is None:
                self._ask("commit")
                return True
            if self._other(marks):
                self._ask("rollback")
                return False
            self._write({**marks, HOLDER: self._own()})
            self._ask("commit")
        except ServerError as refused:
            with suppress(ServerError):
                self._ask("rollback")
            if refused.code in BEATEN:
                return False
            raise
        return True

    def release(self) -> None:
        """Gives the claim back, as far as the server can be asked."""
        with suppress(Unreachable, ServerError):
            marks = self._read()
            if marks and self._is_own(marks):
                self._write({name: value for name, value in marks.items() if name != HOLDER})

    def is_held(self) -> bool:
        """Whether the claim is ours still, or none is needed yet."""
        marks = self._read()
        return marks is None or self._is_own(marks)

    def is_written(self) -> bool:
        """Whether the ledger names us as the one who has claimed the cluster."""
        marks = self._read()
        return marks is not None and self._is_own(marks)

    def holder(self) -> LockHolder | None:
        """The executor on another node that has claimed the cluster."""
        marks = self._read()
        if not marks or not (found := self._other(marks)):
            return None
        node, pid, since, user = found
        place = f"the cluster's node {self._names().get(node) or node}"
        return LockHolder(int(pid), user, place, since, "", "", True, "")

    def _other(self, marks: dict[str, str]) -> tuple[str, ...] | None:
        """The parts of a claim of another node that is a member, as far as is shown."""
        parts = tuple(marks.get(HOLDER, "").split(",", 3))
        if len(parts) < 4 or parts[0] == self._cluster.node:
            return None
        names = self._names()
        return parts if not names or parts[0] in names else None

    def _is_own(self, marks: dict[str, str]) -> bool:
        """Another executor on this node cannot have the node's own lock, which we hold."""
        return marks.get(HOLDER, "").split(",", 1)[0] == self._cluster.node

    def _own(self) -> str:
        ((pid, since, user),) = self._ask(
            "select connection_id(), date_format(utc_timestamp(), '%Y-%m-%dT%TZ'), current_user()"
        )
        return f"{self._cluster.node},{pid},{since},{user}"

    def _read(self, *, locking: bool = False) -> dict[str, str] | None:
        """The evidence that the ledger keeps; None where there is no ledger."""
        try:
            rows = self._ask(self._named(READ) + " for update" * locking)
        except ServerError as refused:
            if refused.code in ABSENT:
                return None
            raise
        return decode_evidence(rows[0][0]) if rows else None

    def _write(self, marks: dict[str, str]) -> None:
        with explained():
            self._session.run_on(self._connection, self._named(WRITE), (encode_evidence(marks),))

    def _names(self) -> dict[str, str]:
        """The members by their ids; none where the role may not read them."""
        with suppress(ServerError):
            return {str(node): str(name) for node, name in self._ask(MEMBERS)}
        return {}

    def _ask(self, sql: str) -> list[Any]:
        with explained():
            return self._session.run_on(self._connection, sql)[1]

    @property
    def _connection(self) -> Any:
        return self._session.guard or self._session.work

    def _named(self, sql: str) -> str:
        schema = self._session.history_schema
        target = f"{self._session.quote(schema)}.`lockgate_target`"
        condition = alone(schema, {"lockgate_target": target}, at_once=1)
        return sql.format(target=target, alone=condition)
