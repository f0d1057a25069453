"""What the plan has made itself, followed from one statement to the next.

Judges nothing. Where it is not certain that a name leads to what the plan has made, it says no.
"""

from __future__ import annotations

from collections.abc import Iterable

from lockgate.planner.database.facts import Facts
from lockgate.planner.reading.reading import Clause, Object, Reading
from lockgate.planner.reading.sizes import find_table
from lockgate.planner.review.held_locks import as_relation

Key = tuple[str, str, str, str]
"""Kind, name, where it is, and the role by which a schema of the user's own name is found."""

# Dropping others takes with CASCADE what was there before, as columns of a type.
HOLDERS = frozenset({"table", "schema"})
ROLES = ("role", "session_authorization")
# What makes an index of a table.
INDEXES = frozenset({"name index", "build index"})
TEMPORARY = "pg_temp"
UNKNOWN = "?"
OWN_SCHEMA = "$user"
# A schema that is gone uncovers the tables of those after it in the search_path, and another path
# may be that of the sessions to come.
UNCOVERS = frozenset({"drop schema", "alter schema", "alter role set", "alter database set"})
# What brings a table's rows under another, with which they are dropped and emptied.
JOINS = frozenset({"attach partition", "add inherit", "exchange partition",
                   "exchange unseen partition"})  # fmt: skip


class Names:
    """Names of one kind of making, each with whether it was made for certain."""

    def __init__(self) -> None:
        self._keys: dict[str, dict[Key, bool]] = {}
        """By the name in lower case: a server may not tell cases apart."""

    def add(self, key: Key, certain: bool) -> None:
        known = self._keys.setdefault(key[1].lower(), {})
        known[key] = certain or known.get(key, False)

    def find(self, key: Key | None) -> bool | None:
        """Whether it was made for certain; None: it is not known to be made."""
        return self._keys.get(key[1].lower(), {}).get(key) if key else None

    def remove(self, key: Key) -> None:
        self._keys[key[1].lower()].pop(key)

    def forget(self, name: str) -> None:
        """Forgets all of a name, wherever they are."""
        self._keys.pop(name.lower(), None)

    def clear(self) -> None:
        self._keys.clear()

    def is_alike(self, one: Object) -> bool:
        """Whether one of this name may be meant: a name without a schema may be of any."""
        known = self._keys.get(one.name.lower(), ())
        return any(key[:2] == (one.kind, one.name) and not (one.schema and key[2]) for key in known)


class OwnObjects:
    """What is there by the plan's own doing when the next statement begins."""

    def __init__(self) -> None:
        self._made = Names()
        self._temporary = Names()
        self.begin_section()

    def begin_section(self) -> None:
        """Forgets what a section has left in its session: the next one has a new one."""
        self._temporary.clear()
        self._database = ""
        self._role = ""
        self._is_lost = False
        """Where names without a schema lead to is not known any more."""

    def is_own(self, one: Object) -> bool:
        """Whether it is certain that the plan has made it: to drop it loses nothing."""
        known = self._find_temporary(one)
        if known is None:
            known = self._made.find(self._key(one))
        return bool(known) and as_relation(one).kind in HOLDERS

    def is_new(self, one: Object, facts: Facts) -> bool:
        """Whether no other session uses it yet. A table that the database has is new only by the
        very name by which another was made."""
        if self._find_temporary(one) is not None or self._made.find(self._key(one)) is not None:
            return True
        relation = as_relation(one)
        is_alike = self._made.is_alike(relation) or self._temporary.is_alike(relation)
        return is_alike and find_table(one, facts) is None

    def follow(self, reading: Reading, facts: Facts, transactional: bool) -> None:
        """Follows a statement that has run."""
        self._follow_session(reading, transactional)
        for clause in reading.clauses:
            if clause.action in JOINS:
                self._join((clause.table, *clause.others))
            elif clause.action == "set schema":
                self._move(clause.table, clause.name)
            elif clause.action in INDEXES and self.is_new(clause.table, facts):
                self._index(clause)
        is_gone = any(clause.action == "on commit drop" for clause in reading.clauses)
        if reading.verb == "create" and (transactional or not is_gone):
            self._create(reading, facts)
        elif reading.verb == "drop":
            for one in reading.objects:
                self._drop(one)
            for one in reading.tables_written if reading.temporary else ():
                self._drop_temporary(one)
        for old, new in reading.renames:
            self._rename(old, new, reading)

    def _follow_session(self, reading: Reading, transactional: bool) -> None:
        if reading.kind.startswith("rollback"):
            self._made.clear()
            self._temporary.clear()
            self._is_lost = True
        if reading.kind in UNCOVERS:
            self._made.clear()
        self._database = reading.chosen_database or self._database
        if reading.kind == "select" and reading.leaves == "settings":
            self._is_lost = self._is_lost or reading.search_path is None
        if reading.kind == "discard":
            self._role = ""
            self._temporary.clear()
        for name in ROLES:
            if name in reading.settings and (transactional or reading.leaves != "nothing"):
                self._role = f"{name} {reading.settings[name]}"

    def _key(self, one: Object) -> Key | None:
        relation = as_relation(one)
        where = one.schema or (one.path[0] if one.path else self._database)
        if where == UNKNOWN or (self._is_lost and not one.schema):
            return None
        role = self._role if where in ("", OWN_SCHEMA) else ""
        return relation.kind, relation.name, where, role

    def _temporary_key(self, one: Object) -> Key | None:
        """Temporary tables come first, unless the search_path names their schema later."""
        if self._is_lost or TEMPORARY in one.path[1:]:
            return None
        key = self._key(one)
        return (*key[:2], "", self._role) if key and key[2] == TEMPORARY else key

    def _find_temporary(self, one: Object) -> bool | None:
        return self._temporary.find(self._temporary_key(one))

    def _create(self, reading: Reading, facts: Facts) -> None:
        for one in reading.tables_written if reading.temporary else reading.objects:
            key = self._key(one)
            certain = not reading.conditional
            if reading.temporary or (key and key[2] == TEMPORARY):
                temporary = self._temporary_key(one)
                if temporary:
                    self._temporary.add(temporary, certain)
            # What IF NOT EXISTS makes is not new where the database has it already.
            elif key and (certain or not find_table(one, facts)):
                self._made.add(key, certain)

    def _index(self, clause: Clause) -> None:
        """An index of a table that no other session uses yet; by the name that the server gives it,
        if the statement gives none."""
        table = clause.table
        given = clause.name or "_".join([table.name, *clause.columns, "idx"])
        key = self._key(Object("index", given, table.schema, table.path))
        if key:
            self._made.add(key, certain=True)

    def _drop(self, one: Object) -> None:
        key, temporary = self._key(one), self._temporary_key(one)
        if temporary and self._temporary.find(temporary) is not None:
            self._temporary.remove(temporary)
        elif key and self._made.find(key) is not None:
            self._made.remove(key)
        elif as_relation(one).kind == "table":
            self._forget(one.name)

    def _drop_temporary(self, one: Object) -> None:
        key = self._temporary_key(one)
        if key and self._temporary.find(key) is not None:
            self._temporary.remove(key)
        else:
            self._temporary.forget(one.name)

    def _forget(self, name: str) -> None:
        self._made.forget(name)
        self._temporary.forget(name)

    def _rename(self, old: Object, new: Object, reading: Reading) -> None:
        """RENAME TABLE passes temporary tables over on some servers, ALTER TABLE on none; a name
        that is taken over from another database may be that of the session's own."""
        is_temporary = self._find_temporary(old) is not None
        known = (self._temporary.find(self._temporary_key(old)) if is_temporary
                 else self._made.find(self._key(old)))  # fmt: skip
        if is_temporary and reading.verb == "rename":
            self._forget(old.name)
            known = None
        self._drop(old)
        self._forget(new.name)
        key = self._temporary_key(new) if is_temporary else self._key(new)
        follows = reading.verb == "rename" or not old.schema or not self._database
        if known is not None and key and follows:
            (self._temporary if is_temporary else self._made).add(key, certain=known)

    def _move(self, one: Object, schema: str) -> None:
        """SET SCHEMA. What was there before makes a schema that the plan has made no longer its
        own."""
        is_own = self.is_own(one)
        self._drop(one)
        self._forget(one.name)
        moved = self._key(Object(one.kind, one.name, schema))
        if is_own and moved:
            self._made.add(moved, certain=True)
        elif not is_own:
            self._made.forget(schema)

    def _join(self, tables: Iterable[Object]) -> None:
        """All are the plan's own or none."""
        found = tuple(tables)
        if not all(self.is_own(one) for one in found):
            for one in found:
                self._forget(one.name)
