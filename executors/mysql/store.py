"""The ledger and its fence, the serial, on MySQL; runs nothing of a plan, as `units` do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import groupby, islice
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.executors.ledger.store import CLOSE_DEAD_RUNS, Store
from lockgate.executors.ledger.tables import OWN_NAMES, Tables
from lockgate.executors.lock import lost_lock
from lockgate.executors.mysql.ledger import (
    CREATE_TABLES,
    PLAIN,
    TABLES,
    about_tables,
    alone,
    explained,
    read_tables,
)
from lockgate.executors.mysql.limits import refuse_big
from lockgate.executors.mysql.nodes.cluster import BEATEN, Claim
from lockgate.executors.mysql.nodes.lineage import succeeded, with_servers
from lockgate.executors.mysql.session import MySQLSession
from lockgate.executors.states import RunStatus
from lockgate.planner.quoting import quoted_account
from lockgate.planner.value import replace

if TYPE_CHECKING:
    from lockgate.executors.engine import Row, Run, Survey
    from lockgate.executors.mysql.nodes.cluster import Cluster
    from lockgate.planner.database.ledger import Identity, Ledger
    from lockgate.planner.plan.plan import Plan, Step

# Another node has made a table, or a column, first. All make them in one order and stop at the
# first that is there, so one of them makes the rest, and lockgate_target last.
MADE = frozenset({"1050", "1060"})
IDENTIFY = (
    "insert into {target} (id, uuid, project, environment, evidence, serial) "
    "select 1, %s, %s, %s, %s, 0 from dual where {ledger.alone} "
    "on duplicate key update id = 1"
)
MOVE_SERIAL = (
    "update {target} set serial = serial + %s where id = 1 and serial = %s and {ledger.alone}"
)
# Of the newest run alone, with the serial that it has left.
KEEP_DIGESTS = (
    "update {runs} set digests = case when id = %s "
    "then concat((select serial from {target}), %s, %s) end "
    "where (id = %s or digests is not null) and {ledger.alone}"
)
EVIDENCE = "select evidence from {target} where id = 1"
NOTE_EVIDENCE = "update {target} set evidence = %s where id = 1 and {ledger.alone}"
RECORD = "insert into {history} (version, name, checksum, applied_at) values "
RECORDED = "(%s, %s, %s, coalesce(%s, current_timestamp(6)))"
AT_ONCE = 500  # rows of the history in one statement, far below any server's packet
REPLACE = (
    "update {history} set name = %s, checksum = %s, applied_at = current_timestamp(6) "
    "where version = %s and checksum = %s"
)
REMOVE = "delete from {history} where version = %s and checksum = %s"


class MySQLStore(Store):
    """The ledger of a MySQL database."""

    clock = "current_timestamp(6)"
    long_text = "mediumtext"
    plain = PLAIN

    @property
    def readers(self) -> str:
        return ", ".join(map(quoted_account, self.session.readers))

    session: MySQLSession

    @property
    def alone(self) -> str:
        tables = self.tables
        parts = [part for part, name in OWN_NAMES.items() if name in tables.names]
        parts += ["history"] * bool(tables.columns)
        names = [OWN_NAMES.get(part, self.session.history_name) for part in parts]
        opened = [self.named(f"{{{part}}}") for part in parts]
        places = dict(zip(names, opened, strict=True))
        return alone(self.session.history_schema, places, at_once=self.session.names_at_once)

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        with explained():
            return super().execute(sql, parameters)

    def query_all(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with explained():
            return super().query_all(sql, parameters)

    def read_ledger(self) -> Ledger:
        """The ledger; after a failover with the identity of the server that it is on now."""
        with explained():
            ledger = super().read_ledger()
        if ledger.identity is None or not self.session.fails_over:
            return ledger
        return replace(ledger, identity=succeeded(self.session, ledger.identity))

    def execute_aside(self, sql: str, parameters: Sequence[object]) -> int:
        """Runs a statement over the ledger's tables by the guard's session: durable on return."""
        with explained():
            return self.session.execute_aside(self.named(sql), parameters)

    def close_tables(self) -> None:
        self.execute("select 1 from dual where {ledger.alone}")

    def ensure_tables(self, identity: Identity) -> None:
        if self.session.cluster:
            self._claim_first(self.session.cluster, identity)
        self._ensure_tables(None)
        values = (identity.uuid, identity.project, identity.environment, identity.evidence)
        self.execute(IDENTIFY, values)

    def _claim_first(self, cluster: Cluster, identity: Identity) -> None:
        """Claims a cluster that had no ledger to be claimed in when the lock was taken. Only who
        makes the identity has it: what another node has made, it may have applied already.

        Raises:
            Locked: another node was faster.
        """
        claim = Claim(self.session, cluster)
        if claim.is_written():
            return
        self._forget_tables()
        try:
            self._ensure_tables(None)
        except ServerError as refused:
            if refused.code in MADE | BEATEN:
                raise lost_lock() from refused
            raise
        values = (identity.uuid, identity.project, identity.environment, identity.evidence)
        made = 0
        with suppress(ServerError):
            made = self.execute(IDENTIFY, values)
        if not made or not claim.take():
            raise lost_lock()

    def begin_run(self, run: Run, identity: Identity) -> None:
        (limit,) = self.session.query_one("select @@max_allowed_packet") or (0,)
        refuse_big(run, limit)
        if self.session.cluster:
            self._claim_first(self.session.cluster, identity)
        self._ensure_tables(run.plan)
        self.ensure_tables(identity)
        self._note_servers()
        with self.transaction():
            self.execute(CLOSE_DEAD_RUNS)
            for sql, parameters in self.beginning(run, RunStatus.LOCKED):
                self.execute(sql, parameters)

    def _note_servers(self) -> None:
        """Notes with the identity which servers may take the place of this one."""
        row = self.query_one(EVIDENCE) if self.session.fails_over else None
        if row and (evidence := with_servers(self.session, row[0])) != row[0]:
            self.execute(NOTE_EVIDENCE, (evidence,))

    def record_migration(self, step: Step, serial: int) -> None:
        with self.session.transaction():
            self.move_history([step], serial)

    def keep_digests(self, run_id: str, by: str, survey: Survey) -> None:
        digests = json.dumps(survey.read_digests(), ensure_ascii=False)
        values = (run_id, f"\n{by}\n", digests, run_id)
        self.write((KEEP_DIGESTS, values))

    def move_history(self, steps: Sequence[Step], serial: int) -> None:
        """The steps' changes of the history table, in the caller's transaction.

        Raises:
            Locked: the serial or a row is not as expected: another executor has written.
        """
        if self.execute(MOVE_SERIAL, (len(steps), serial)) != 1:
            raise lost_lock()
        for is_new, some in groupby(steps, _is_new):
            while changed := tuple(islice(some, AT_ONCE if is_new else 1)):
                sql, values = _recorded(changed) if is_new else _changed(*changed)
                if self.execute(sql, values) != len(changed):
                    raise lost_lock()

    def _find_tables(self, own: Iterable[str]) -> Tables:
        names = [self.session.history_name, *own]
        asked = about_tables(self.session.history_schema, self.session.history_name, names)
        return read_tables(self.session.query_all(TABLES, asked), self.session.history_name)

    def _ensure_tables(self, plan: Plan | None) -> None:
        """Makes the tables that this plan needs where they do not exist."""
        tables = self._tables or self.tables
        if missing := tables.missing(CREATE_TABLES, plan, has_readers=bool(self.readers)):
            self._create_tables(missing)
            self._forget_tables(plan)

    def _create_tables(self, missing: Iterable[str]) -> None:
        if self.session.lacks_schema:
            self.session.execute(
                f"create database if not exists {self.session.quote(self.session.history_schema)}"
            )
        for sql in missing:
            self.execute(sql)


def _is_new(step: Step) -> bool:
    return step.direction == "up" and step.replaces is None


def _recorded(steps: Sequence[Step]) -> tuple[str, tuple[object, ...]]:
    """What enters new rows in the history, and its parameters."""
    values: list[object] = []
    for step in steps:
        at = step.record and step.record.applied_at  # the session is in UTC
        values += [step.version, step.name, step.checksum, at and at.replace(tzinfo=None)]
    return RECORD + ", ".join([RECORDED] * len(steps)), tuple(values)


def _changed(step: Step) -> tuple[str, tuple[object, ...]]:
    """What changes a row of the history or takes it away, and its parameters."""
    if step.replaces is None:
        return REMOVE, (step.version, step.checksum)
    return REPLACE, (step.name, step.checksum, step.version, step.replaces)
