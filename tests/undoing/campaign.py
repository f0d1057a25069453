"""Random plans that are made to fail, and what is left of each in the database.

A plan is promised to be undone, or the statement for which it is not is left out of it: so what
runs here is what lockgate has promised.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lockgate.executors.events import Event, StatementFinished
from lockgate.planner.errors import LockgateError, StatementFailed, Unresolved
from lockgate.planner.plan.plan import Plan
from tests.executors.building import apply_plan, open_test_engine, plan_for
from tests.faults.difference import show_difference
from tests.undoing.others import COLLISIONS, Others, broken_promises, definitions
from tests.undoing.picture import take_picture
from tests.undoing.plans import random_plan

WORLD = Path(__file__).with_name("world.sql")
NOTE = re.compile(r"-- (only|charset|mode): (\S*)")
FAILURE = "create table fails (a int, a int)"
COPIES = 64e6
JOINED = 0.15
"""The part of the plans beside which other sessions write; the database is made again then."""
CULPRIT = re.compile(r"its statement (\d+)")
"""As a verdict names the statement for which a section cannot be undone."""

MODES = {
    "strict": {},
    "lax": {"sql_mode": "''"},
    "own": {
        "sql_mode": "'ANSI,NO_BACKSLASH_ESCAPES,ALLOW_INVALID_DATES'",
        "autocommit": "0",
        "default_storage_engine": "MyISAM",
        "sql_select_limit": "3",
    },
    "poor": {},
}
"""What the server gives each session, by the name of a world; in the last one the role has no
rights but those on the database and on what lockgate makes beside it."""

POOR = "poor_migrator"
OWN_RIGHTS = (
    f"create user if not exists {POOR}",
    f"grant all on `{{db}}`.* to {POOR}",
    f"grant create, drop, alter, insert, select on `{{db}}\\_lockgate\\_%`.* to {POOR}",
)

RIGHTS = (
    "create user if not exists 'looker'@'%'",
    "grant select on `{db}`.parents to 'looker'@'%'",
    "grant select (note), update (note) on `{db}`.children to 'looker'@'%'",
    "grant execute on procedure `{db}`.shout to 'looker'@'%' with grant option",
    "grant execute on function `{db}`.twice to 'looker'@'%'",
)


@dataclass
class Tally:
    """What became of the plans."""

    ends: Counter[str] = field(default_factory=Counter)
    statements: Counter[str] = field(default_factory=Counter)
    """How many had each guarantee."""

    differences: list[str] = field(default_factory=list)

    def table(self) -> str:
        """For people."""
        ends = ", ".join(f"{count} {end}" for end, count in sorted(self.ends.items()))
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.statements.items()))
        return f"{ends}; {kinds}; {len(self.differences)} differences"


class World:
    """A database of world.sql under the settings of one mode, and a session that looks at it."""

    def __init__(self, server: Any, mode: str) -> None:
        self._server, self._mode = server, mode
        self.database = ""
        self._make()

    def run(self, seeds: Iterable[int], tally: Tally, *, everywhere: bool) -> None:
        """Fails each plan behind its last statement; `everywhere`: behind each of them."""
        for seed in seeds:
            plan = random_plan(self._server.engine, seed)
            for end in range(1, len(plan) + 1) if everywhere else [len(plan)]:
                name = f"{self._mode} {seed}.{end}"
                joined = random.Random(name).random() < JOINED
                self._fail(name, plan[:end], tally, joined=joined)

    def close(self) -> None:
        self._engines.close()
        self._looking.close()
        self._server.drop_database(self.database)

    def _make(self) -> None:
        self.database = self._server.new_database()
        build_world(self._server, self.database)
        self._looking = self._server.connect(self.database)
        with self._looking.cursor() as cursor:
            cursor.execute(f"set session autocommit = 1, sql_select_limit = {2**64 - 1}")
        self._engines = ExitStack()
        if self._mode == "poor":
            with self._server.connect(None) as connection, connection.cursor() as cursor:
                for sql in OWN_RIGHTS:
                    cursor.execute(sql.format(db=self.database))
        user = {"user": POOR} if self._mode == "poor" else {}
        opening = open_test_engine(self._server, self.database, **user)
        self._engine = self._engines.enter_context(opening)
        self._end(plan_for(self._engine, {"001_fails": FAILURE}))  # makes the ledger's tables
        self._before = self._look()

    def _fail(self, name: str, statements: list[str], tally: Tally, *, joined: bool) -> None:
        plan = self._promised(statements)
        if plan is None:
            tally.ends["not planned"] += 1
            return
        tally.statements.update(one.guarantee for one in _statements(plan))
        others = Others(self._server, self.database, name, len(statements)) if joined else None
        ended = self._end(plan, others)
        written = others.written if others else []
        undone = "undone beside others" if written else "undone"
        end = undone if isinstance(ended, StatementFailed) else type(ended).__name__
        if others and written:
            difference, end = self._look_beside(others, plan, ended, end)
        else:
            difference = show_difference(self._before, self._look())
            difference = difference or "" if end == undone else f"{end}\n{difference}"
        tally.ends[end] += 1
        if difference:
            said = "".join(f"{one.guarantee}: {one.sql};\n" for one in _statements(plan))
            beside = "".join(f"others: {sql};\n" for sql in written)
            tally.differences.append(f"{name}\n{said}{beside}{ended!r}\n{difference}")
        if difference or written:
            self.close()
            self._make()

    def _look_beside(
        self, others: Others, plan: Plan, ended: Exception | None, end: str
    ) -> tuple[str, str]:
        """What does not hold where others have written, and how the run ended."""
        if isinstance(ended, Unresolved) and any(one in str(ended) for one in COLLISIONS):
            return "", "stuck by others"
        if not isinstance(ended, StatementFailed):
            return end, end
        now = self._look()
        with self._looking.cursor() as cursor:
            sqls = [one.sql for one in _statements(plan)]
            broken = list(broken_promises(cursor, others, sqls, plan.warnings))
        return show_difference(definitions(self._before), definitions(now)) or "\n".join(
            broken
        ), end

    def _promised(self, statements: list[str]) -> Plan | None:
        """The plan, without what is not promised to be undone; None: a part cannot be read."""
        for _ in range(len(statements) + 1):
            text = "".join(f"{sql};\n" for sql in [*statements, FAILURE])
            try:
                plan = plan_for(self._engine, {"001_random": text}, copy_limit=COPIES)
            except LockgateError:
                return None
            if plan.verdict.startswith("ATOMIC") and "PARTS" not in plan.verdict:
                return plan
            culprit = CULPRIT.search(plan.verdict)
            lost = int(culprit[1]) - 1 if culprit else len(statements) - 1
            statements = [sql for place, sql in enumerate(statements) if place != lost]
        return None

    def _end(self, plan: Plan, others: Others | None = None) -> Exception | None:
        def emit(event: Event) -> None:
            if others and isinstance(event, StatementFinished):
                others.after_statement()

        try:
            apply_plan(self._engine, plan, emit=emit)
        except Exception as error:
            return error
        return None

    def _look(self) -> str:
        with self._looking.cursor() as cursor:
            return take_picture(cursor, self.database)


def _statements(plan: Plan) -> list[Any]:
    return [one for step in plan.steps for one in step.statements]


@contextmanager
def opened_world(server: Any, mode: str) -> Iterator[World]:
    """A world, while the server gives its sessions the settings of a mode."""
    with _given(server, MODES[mode]):
        world = World(server, mode)
        try:
            yield world
        finally:
            world.close()


@contextmanager
def _given(server: Any, settings: dict[str, str]) -> Iterator[None]:
    with server.connect(None) as connection, connection.cursor() as cursor:
        for name in settings:
            cursor.execute(f"set @{name} = @@global.{name}")
        try:
            for name, value in settings.items():
                cursor.execute(f"set global {name} = {value}")
            yield
        finally:
            for name in settings:
                cursor.execute(f"set global {name} = @{name}")


def build_world(server: Any, database: str) -> None:
    """Fills an empty database with world.sql, and gives rights on it to another user."""
    mode, charset = "STRICT_TRANS_TABLES", "utf8mb4"
    with server.connect(database) as connection, connection.cursor() as cursor:
        for engine, notes, sql in read_world():
            for what, value in notes:
                mode, charset = (value, charset) if what == "mode" else (mode, value)
            if engine in ("", server.engine):
                cursor.execute(f"set names {charset}, sql_mode = '{mode}'")
                connection.encoding = charset.replace("utf8mb4", "utf8")
                cursor.execute(sql)
        connection.encoding = "utf8"
        for sql in RIGHTS:
            cursor.execute(sql.format(db=database))


def read_world() -> Iterator[tuple[str, list[tuple[str, str]], str]]:
    """Each statement: of which engine alone, the notes before it, and its text."""
    only, notes = "", []
    for line in WORLD.read_text().splitlines():
        if noted := NOTE.match(line):
            if noted[1] == "only":
                only = noted[2]
            else:
                notes.append((noted[1], noted[2]))
        elif line and not line.startswith("--"):
            yield only, notes, line.removesuffix(";")
            only, notes = "", []
