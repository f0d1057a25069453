"""Running of a statement so that it can be undone: DROP TABLE buries, and rows are copied first.

Journals nothing, and commits nothing but what the server commits by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockgate.executors.mysql.catalogue.information_schema import under_mode
from lockgate.executors.mysql.table.definition import is_same_table, read_table
from lockgate.executors.mysql.table.restoration import SQL_MODE
from lockgate.executors.mysql.undo.images import Image, take_image
from lockgate.executors.mysql.undo.intents import Copy, Intent, moved
from lockgate.executors.mysql.undo.row_proof import LOCKED, UNCOPIED, refuse_unlike_copy
from lockgate.executors.mysql.undo.statement_undo import rename_statement
from lockgate.planner.quoting import backquoted
from lockgate.planner.reading.reading import Object, Reading

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession
    from lockgate.executors.mysql.undo.graveyard import Graveyard


class Forward:
    """The running of single statements on the work session."""

    def __init__(self, session: MySQLSession, graveyard: Graveyard) -> None:
        self._session = session
        self._graveyard = graveyard

    def prepare(self, intent: Intent) -> bool:
        """Makes what undoing needs beside the intent; whether that was anything.

        A crash before the end leaves a copy that the journal does not call whole.
        """
        if intent.copies:
            with under_mode(self._session, SQL_MODE):  # whatever lies there is copied as it is
                for copy in intent.copies:
                    self._copy(copy)
        if intent.witness:
            self._graveyard.open()
            self._session.execute(f"create table {self._graveyard.place(intent.witness)} (x int)")
        if intent.copies:
            self._session.execute("commit")  # the section may have set autocommit = 0
        return bool(intent.copies or intent.witness)

    def run(self, sql: str, effect: Reading, intent: Intent) -> int:
        """Runs a statement; the number of rows that it touched.

        Raises:
            ServerError: the server refuses it, or would.
        """
        if intent.graves:
            self._graveyard.refuse_drop(intent.graves, if_exists=effect.conditional)
            for table, grave in intent.graves.items():
                self._graveyard.bury(table, grave)
            return 0
        if intent.witness:
            return self._session.execute(rename_statement(intent, self._graveyard))
        return self._session.run_statement(sql)

    def has_happened(self, intent: Intent, effect: Reading) -> bool | None:
        """Whether a statement whose outcome was not noted took effect; None: it is not known, or
        the table was changed, and not as the statement would have changed it.

        One without effect, as CREATE TABLE IF NOT EXISTS may be, counts as not run.
        """
        if intent.witness:
            return self._graveyard.has(moved(intent.witness))
        if not intent.images or not effect.objects:
            return None
        now = [self._now(image.kind, image.name) for image in intent.images]
        if all(map(_is_same, intent.images, now)):
            return False
        tables = [text for image, text in zip(intent.images, now, strict=True)
                  if text and image.kind == "table"]  # fmt: skip
        if tables and not any(_shows(effect, text) for text in tables):
            return None
        # DROP of several may have dropped some, and MariaDB's CREATE OR REPLACE made nothing.
        half_way = {"drop": any(now), "create": not all(now)}
        return None if half_way.get(intent.verb) else True

    def _copy(self, copy: Copy) -> None:
        """Copies rows, and compares them while no other session can write them; it may until the
        statement itself runs."""
        source, target = backquoted(copy.table), self._graveyard.place(copy.name)
        if copy.columns:
            key, columns = ", ".join(map(backquoted, copy.key)), (*copy.key, *copy.columns)
            listed = ", ".join(map(backquoted, columns))
            made_of = f"(primary key ({key})) select {listed} from {source} where false"
        else:
            columns = read_table(self._now("table", copy.table)).own_columns
            listed = ", ".join(map(backquoted, columns))
            made_of = f"like {source}"
        self._session.execute(f"create table {target} {made_of}")
        self._session.execute(LOCKED)
        with self._session.transaction():
            self._session.execute(f"insert into {target} ({listed}) select {listed} from {source}")
            refuse_unlike_copy(self._session, target, copy, UNCOPIED)

    def _now(self, kind: str, name: str) -> str:
        query = self._session.observe
        return take_image(query, self._session.server.database, Object(kind, name)).create


def _shows(effect: Reading, create: str) -> bool:
    """Whether a table has the columns that a statement adds, and none of those that it drops."""
    present = {name.lower() for name in read_table(create).columns}
    there = {*effect.columns_added, *(new for _, new in effect.columns_renamed)}
    gone = {*effect.columns_dropped, *(old for old, _ in effect.columns_renamed)} - there
    return present.issuperset(map(str.lower, there)) and present.isdisjoint(map(str.lower, gone))


def _is_same(image: Image, now: str) -> bool:
    """Whether an object is as it was, but for a counter, which others may have moved on."""
    if image.kind == "table" and image.create and now:
        return is_same_table(image.create, now)
    return image.create == now
