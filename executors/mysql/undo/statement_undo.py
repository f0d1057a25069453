"""Undoing on MySQL and MariaDB: from the journal's pre-images and what the database is now.

Each piece is derived afresh and may be done again, so one code serves a refused statement, a
signal, a killed process and a killed server. A crash leaves the rest for the next who looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from pymysql.charset import charset_by_name

from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.table.definition import Table, is_same_table, read_table
from lockgate.executors.mysql.table.restoration import SQL_MODE, restore_table
from lockgate.executors.mysql.undo.images import Image, read_triggers, take_image
from lockgate.executors.mysql.undo.intents import Copy, Intent, moved
from lockgate.executors.mysql.undo.row_proof import LOCKED, UNRETURNED, refuse_unlike_copy
from lockgate.executors.states import Outcome
from lockgate.planner.quoting import backquoted, quoted_account
from lockgate.planner.reading.reading import Object
from lockgate.planner.sql.cursor import read_tokens

if TYPE_CHECKING:
    from lockgate.executors.mysql.session import MySQLSession
    from lockgate.executors.mysql.undo.graveyard import Graveyard
    from lockgate.planner.sql.dialect import Dialect

PATIENCE = 60  # seconds to wait for each lock: undoing is not given up lightly
SETTINGS = (
    "set session foreign_key_checks = 0, session unique_checks = 1, session autocommit = 1, "
    f"session lock_wait_timeout = {PATIENCE}, session innodb_lock_wait_timeout = {PATIENCE}, "
    f"session sql_safe_updates = 0, session time_zone = '+00:00', session sql_mode = '{SQL_MODE}'"
)
ROUNDS = 3  # some attributes show only when others are as they were
FOREIGN_CHANGE = "1412"  # "table definition has changed"; the server's own code for it
LIMITS = ("max_execution_time", "max_statement_time")
# A later server may want more of a table than it did when this one was made.
LENIENT = ("sql_require_primary_key = 0", "innodb_strict_mode = 0")
SEMICOLON_ENDS = {"mysql": "/**/", "mariadb": "\n;/**/"}
"""What follows a body whose last byte is a semicolon, by the dialect's name: the server strips
those at a packet's end. MySQL keeps the one at which a body ends, MariaDB one of a last comment."""
EXISTS = "select 1 from information_schema.tables where table_schema = %s and table_name = %s"


class Undo:
    """The undoing of single statements, on a session that no section has touched."""

    def __init__(self, session: MySQLSession, graveyard: Graveyard) -> None:
        self._session = session
        self._graveyard = graveyard
        self._database = session.server.database
        session.execute(SETTINGS)
        for setting in (*LENIENT, *(f"{limit} = 0" for limit in LIMITS)):
            with suppress(ServerError):  # unknown to this server, or not ours to set
                session.execute(f"set session {setting}")

    def undo(self, intent: Intent, outcome: Outcome) -> None:
        """Makes everything but views as it was before one statement.

        Raises:
            ServerError: the server refuses a part of it.
        """
        self._rename_back(intent)
        for table, grave in intent.graves.items():
            self._graveyard.exhume(grave, table, intent.create("table", table))
        for image in intent.images:
            if image.kind == "table":
                self._restore_table(image, intent, outcome)
        for copy in intent.copies:
            if outcome in (Outcome.DONE, Outcome.UNDOING) or (
                outcome == Outcome.COPIED and not intent.writes_rows
            ):
                self._restore_rows(copy, intent)
        for image in intent.images:
            if image.kind != "table" and (image.kind != "view" or not image.create):
                self._restore(image)

    def refuse_foreign_change(self, intent: Intent) -> None:
        """Raises ServerError when a table is not as the statement left it: what somebody else
        has changed there since would be lost."""
        for image in intent.images:
            left = intent.after.get(image.name) if image.kind == "table" else None
            if left is None:
                continue
            present = self._image("table", image.name).create
            known = [text for text in (left, image.create) if text]
            if present and not any(is_same_table(text, present) for text in known):
                raise ServerError(
                    FOREIGN_CHANGE,
                    f"Table '{image.name}' was changed by another session since this run did",
                )

    def restore_views(self, images: Iterable[Image]) -> None:
        """Makes views as they were; each after those that it needs, whichever these are."""
        waiting = list(images)
        while waiting:
            refused: list[tuple[Image, ServerError]] = []
            for image in waiting:
                try:
                    self._restore(image)
                except ServerError as error:
                    refused.append((image, error))
            if len(refused) == len(waiting):
                raise refused[0][1]
            waiting = [image for image, _ in refused]

    def restore_counter(self, table: str, counter: int) -> None:
        """Sets AUTO_INCREMENT back; the server goes no lower than what the rows allow."""
        create = self._image("table", table).create
        if create and read_table(create).auto_increment not in (0, counter):
            self._session.execute(f"alter table {backquoted(table)} auto_increment = {counter}")

    def _rename_back(self, intent: Intent) -> None:
        if intent.witness:
            if self._graveyard.has(moved(intent.witness)):
                self._session.execute(rename_statement(intent, self._graveyard, back=True))
            return
        for old, new in reversed(intent.renames):
            if self._exists(new) and not self._exists(old):
                self._session.execute(f"rename table {backquoted(new)} to {backquoted(old)}")

    def _restore_table(self, image: Image, intent: Intent, outcome: Outcome) -> None:
        present = self._image("table", image.name).create
        if not image.create:
            if present:
                self._session.execute(f"drop table {backquoted(image.name)}")
            return
        if not present:
            raise ServerError("1146", f"The table {image.name} is gone")
        if is_same_table(image.create, present):
            return
        before = read_table(image.create)
        self._return_columns(before, read_table(present), image.name, intent)
        for _ in range(ROUNDS):
            now = read_table(self._image("table", image.name).create)
            rest = restore_table(backquoted(image.name), before, now, _renamed(intent))
            if not rest:
                return
            for sql in rest:
                self._session.execute(sql)
        now = read_table(self._image("table", image.name).create)
        if not before.is_same(now):
            raise ServerError(
                FOREIGN_CHANGE, f"Table '{image.name}' could not be made as it was before"
            )

    def _return_columns(self, before: Table, now: Table, name: str, intent: Intent) -> None:
        """Makes the columns again of which there are copies, with their values, before a unique
        key asks for these. Those that are of another type now do not become the old one: the
        server might refuse what is in them, and the copy has what was."""
        for copy in intent.copies:
            if copy.table != name or not copy.columns or not self._graveyard.has(copy.name):
                continue
            stale = [c for c in copy.columns if now.columns.get(c, before.columns[c])
                     != before.columns[c]]  # fmt: skip
            missing = [c for c in copy.columns if c not in now.columns]
            if missing or stale:
                added = [f"add column {before.fillable(c)}" for c in (*missing, *stale)]
                clauses = ", ".join((*(now.dropping(stale) if stale else ()), *added))
                self._session.execute(f"alter table {backquoted(copy.table)} {clauses}")
                self._fill(copy, [*missing, *stale], intent)

    def _restore_rows(self, copy: Copy, intent: Intent) -> None:
        if not self._graveyard.has(copy.name):
            return
        table = read_table(self._image("table", copy.table).create)
        self._drop_triggers(copy.table, intent, "UPDATE" if copy.columns else "")
        self._session.execute(LOCKED)
        if copy.columns:
            with self._session.transaction():
                self._fill(copy, copy.columns, intent)
                refuse_unlike_copy(
                    self._session, self._graveyard.place(copy.name), copy, UNRETURNED
                )
            return
        listed = ", ".join(map(backquoted, table.own_columns))
        with self._session.transaction():
            self._session.execute(f"delete from {backquoted(copy.table)}")
            self._session.execute(
                f"insert into {backquoted(copy.table)} ({listed}) "
                f"select {listed} from {self._graveyard.place(copy.name)}"
            )
            refuse_unlike_copy(self._session, self._graveyard.place(copy.name), copy, UNRETURNED)

    def _drop_triggers(self, table: str, intent: Intent, event: str = "") -> None:
        """Those of which the intent has images: they must not run when rows are put back."""
        for trigger in read_triggers(self._session.query_all, self._database, table, event):
            if not intent.create("trigger", trigger):
                raise ServerError(
                    FOREIGN_CHANGE,
                    f"The trigger '{trigger}' was made by another session since this run began",
                )
            self._session.execute(f"drop trigger {backquoted(trigger)}")

    def _fill(self, copy: Copy, names: Sequence[str], intent: Intent) -> None:
        """Gives columns the values of the copy, by the primary key, whose columns may have other
        names now; a column that updates itself stays as it is."""
        self._drop_triggers(copy.table, intent, "UPDATE")
        values = [f"kept.{backquoted(c)} = copied.{backquoted(c)}" for c in names]
        present = read_table(self._image("table", copy.table).create)
        values += [
            f"kept.{backquoted(c)} = kept.{backquoted(c)}"
            for c in present.updating_columns
            if c not in names
        ]
        renamed = {old.lower(): new for new, old in intent.columns.items()}
        kept = [c if c in present.columns else renamed[c.lower()] for c in copy.key]
        matched = " and ".join(
            f"kept.{backquoted(own)} = copied.{backquoted(c)}"
            for own, c in zip(kept, copy.key, strict=True)
        )
        self._session.execute(
            f"update {backquoted(copy.table)} kept join {self._graveyard.place(copy.name)} copied "
            f"on {matched} set {', '.join(values)}"
        )

    def _restore(self, image: Image) -> None:
        """Makes anything but a table as it was."""
        present = self._image(image.kind, image.name)
        if present == image or (present.create == image.create and image.kind == "view"):
            return
        if (present.create and image.kind != "view") or not image.create:
            named = quoted_account(image.name) if image.kind == "user" else backquoted(image.name)
            self._session.execute(f"drop {image.kind} if exists {named}")
        if image.create:
            self._create(image)

    def _create(self, image: Image) -> None:
        for name, value in (
            ("sql_mode", image.sql_mode),
            ("time_zone", image.time_zone),
            ("timestamp", image.made_at),  # an event that has ended is made by no later clock
            ("character_set_client", image.charset),
            ("collation_connection", image.collation),
        ):
            if value is not None:
                self._session.execute(f"set session {name} = %s", (value,))
        try:
            creation = self._creation(image)
            if creation.endswith(";"):
                creation += SEMICOLON_ENDS[self._session.server.dialect.name]
            self._session.send(creation, image.charset or "utf8mb4")
            self._session.execute("set names utf8mb4")
            if not image.comment.isascii():
                sql = f"alter {image.kind} {backquoted(image.name)} comment %s"
                self._session.execute(sql, (image.comment,))
            self._grant(image)
        finally:
            self._session.execute("set names utf8mb4, session timestamp = default")
            self._session.execute(SETTINGS)

    def _grant(self, image: Image) -> None:
        """Gives back the rights on a routine: the server took them away with it."""
        for user, host, rights in image.grants:
            named = [right for right in rights.split(",") if right != "Grant"]
            option = " with grant option" if "Grant" in rights.split(",") else ""
            self._session.execute(
                f"grant {', '.join(named) or 'usage'} on {image.kind} {backquoted(image.name)} "
                f"to {backquoted(user)}@{backquoted(host)}{option}"
            )

    def _creation(self, image: Image) -> str:
        if image.kind == "view":
            return image.create.replace("CREATE ", "CREATE OR REPLACE ", 1)
        if image.kind in ("procedure", "function"):
            return named_right(image)
        if image.kind != "trigger":
            return image.create
        for word, peer in (("follows", image.after), ("precedes", image.ahead_of)):
            if peer and self._image("trigger", peer).create:
                head = body_start(image.create, self._session.server.dialect)
                return f"{image.create[:head]} {word} {backquoted(peer)}{image.create[head:]}"
        return image.create

    def _image(self, kind: str, name: str) -> Image:
        return take_image(self._session.query_all, self._database, Object(kind, name))

    def _exists(self, name: str) -> bool:
        return self._session.query_one(EXISTS, (self._database, name)) is not None


def named_right(image: Image) -> str:
    """A routine's definition; MySQL prints a name with other letters than ASCII as if each byte
    were a letter of the client's character set."""
    with suppress(UnicodeDecodeError):
        encoding = charset_by_name(image.charset or "utf8mb4").encoding
        printed = image.name.encode().decode(encoding)
        for mark in ("`", '"'):
            wrong = f"{mark}{printed}{mark}"
            if printed != image.name and wrong in image.create:
                return image.create.replace(wrong, f"{mark}{image.name}{mark}", 1)
    return image.create


def _renamed(intent: Intent) -> dict[str, str]:
    """The columns that come back by their names; a copy brings back others with their values."""
    copied = {name for copy in intent.copies for name in copy.columns}
    return {new: old for new, old in intent.columns.items() if old not in copied}


def rename_statement(intent: Intent, graveyard: Graveyard, *, back: bool = False) -> str:
    """RENAME TABLE with a witness in the graveyard, which the same atomic statement moves."""
    pairs = [(backquoted(old), backquoted(new)) for old, new in intent.renames]
    witness = graveyard.place(intent.witness), graveyard.place(moved(intent.witness))
    pairs.append(witness)
    if back:
        pairs = [(new, old) for old, new in reversed(pairs)]
    return "rename table " + ", ".join(f"{old} to {new}" for old, new in pairs)


def body_start(create_trigger: str, dialect: Dialect) -> int:
    """Where a trigger's order and body begin: the position after FOR EACH ROW.

    >>> from lockgate.planner.sql.dialect import MYSQL
    >>> body_start("create trigger g before insert on t for each row set @x = 1", MYSQL)
    48
    """
    cursor = read_tokens(create_trigger, dialect)
    while not cursor.at_end and not cursor.accept("for", "each"):
        cursor.take()
    return cursor.take().end
