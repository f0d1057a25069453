"""The tables as the statements of a plan leave them one by one, as far as a plan can know.

Begins with the facts of a live database; judges nothing, and forgets what it cannot follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lockgate.planner.database.facts import Facts, ForeignKey
from lockgate.planner.database.mentioned import Mentions
from lockgate.planner.reading.absence import Absence
from lockgate.planner.reading.made import Made
from lockgate.planner.reading.reading import Object, Reading
from lockgate.planner.reading.table import INNODB, Table, altered, known_table
from lockgate.planner.value import replace

ENGINE_SETTINGS = frozenset({"default_storage_engine", "storage_engine"})
ON = frozenset({"1", "on", "'on'", "true", "default"})


class Schema:
    """The tables of a database, and of the session what matters to them."""

    def __init__(self, facts: Facts) -> None:
        self.tables = {name: known_table(table) for name, table in facts.tables.items()}
        self._spellings: dict[str, tuple[str, ...]] = {}
        """By a name in lower case those that tables have, or had."""
        for name in self.tables:
            self._note_spelling(name)
        self.views = set(facts.views)
        self.broken_views = set(facts.broken_views)
        self.functions = {name.lower() for name in facts.functions}
        self._code = dict(facts.code)
        self.foreign_keys = list(facts.foreign_keys)
        self._server_engine = facts.default_engine
        self.has_sequences = facts.has_sequences
        """One is there that the unit has not made."""
        self._mentions = dict(facts.mentions)
        self._new_sequences: set[str] = set()
        self._strict_server = facts.strict
        self.made = Made(facts)
        self._absence = Absence(facts)
        self._touched: set[str] = set()
        self.begin_section()

    def begin_section(self) -> None:
        """Forgets what a section has left in its session: the next one has a new one."""
        self.temporary: set[str] = set()
        self.strict = self._strict_server
        self.made.begin_section()
        self.checks_foreign_keys = True
        self._default_engine = self._server_engine

    def begin_unit(self) -> None:
        """Forgets what is new: it will not be undone with what comes."""
        for name in self._touched & self.tables.keys():
            old = replace(self.tables[name], is_new=False, new_columns=frozenset())
            self.tables[name] = replace(old, misses_columns=False)
        self._touched.clear()
        self.has_sequences = self.has_sequences or bool(self._new_sequences)
        self._new_sequences.clear()
        self.made.begin_unit()

    def copy(self) -> Schema:
        """One that goes its own way from here."""
        twin = Schema(Facts())
        twin.__dict__.update(self.__dict__)
        for name, value in self.__dict__.items():
            if isinstance(value, dict | set | list):
                setattr(twin, name, value.copy())
        twin.made = self.made.copy()
        twin._absence = self._absence.copy()
        return twin

    def find(self, named: Object) -> Table | None:
        """The table of a name; None if none is known."""
        return self.tables.get(named.name)

    def missing(self, effect: Reading) -> str:
        """A table that a statement would change and that is not there; empty: none is known."""
        return self._absence.missing(effect)

    def is_new(self, name: str) -> bool:
        """Whether the unit has made this table."""
        table = self.tables.get(name)
        return table is not None and table.is_new

    def is_all_innodb(self) -> bool:
        """Whether every table that is known can be rolled back."""
        return all(table.engine == INNODB for table in self.tables.values())

    def reach(self, mentions: Mentions) -> Mentions:
        """What a text mentions, by itself and through views."""
        found, passed = mentions, frozenset[str]()
        while views := found.names & self._mentions.keys() - passed:
            passed |= views
            for view in views:
                found |= self._mentions[view]
        return found

    def behind(self, named: Object) -> list[Table]:
        """The tables that a name may lead to, through views too."""
        return [self.tables[name] for name in self.names_behind(named)]

    def names_behind(self, named: Object) -> list[str]:
        """The names of these tables."""
        if named.name in self.tables:
            return [named.name]
        names = self.reach(Mentions(frozenset({named.name.lower()}))).names
        return [name for one in sorted(names) for name in self.spelled(one)]

    def spelled(self, name: str) -> list[str]:
        """The tables that have this name, in whatever case."""
        return [one for one in self._spellings.get(name.lower(), ()) if one in self.tables]

    def children(self, parent: str) -> list[ForeignKey]:
        """The foreign keys that refer to a table, in whatever case its name is."""
        return [key for key in self.foreign_keys if key.parent.lower() == parent.lower()]

    def unseen(self, calls: frozenset[str]) -> frozenset[str]:
        """Those of these functions that may change rows, or of which that is not known."""
        return frozenset(name for name in calls & self.functions if not self._only_reads(name))

    def _only_reads(self, function: str) -> bool:
        waiting, passed = {function}, set[str]()
        while waiting:
            name = waiting.pop()
            passed.add(name)
            code = self.reach(self._code[name]) if name in self._code else None
            if code is None or code.writes or code.sequences:
                return False
            waiting |= (code.calls & self.functions) - passed
        return True

    def _note_spelling(self, name: str) -> None:
        known = self._spellings.get(name.lower(), ())
        if name not in known:
            self._spellings[name.lower()] = (*known, name)

    def moved(self, effect: Reading) -> frozenset[str]:
        """The sequences that a statement moves, but those that are undone with the unit."""
        found = frozenset[str]()
        if effect.takes_values:
            found |= self._own_sequences(effect) if effect.temporary else frozenset()
            found |= self.reach(effect.mentions).sequences
        if effect.gives_defaults:
            written = (one for one in effect.tables_written if one.name not in self.temporary)
            tables = (table for one in written for table in self.behind(one))
            found = found.union(*(table.sequences for table in tables))
        return self.lasting(found)

    def lasting(self, sequences: frozenset[str]) -> frozenset[str]:
        """Those of these sequences that the unit has not made."""
        return sequences - self._new_sequences

    def apply(self, effect: Reading) -> None:
        """Follows a statement that has run."""
        self._set(effect.settings)
        self.made.apply(effect)
        self._absence.follow(effect)
        if effect.temporary:
            names = {table.name for table in effect.tables_written}
            self.temporary = self.temporary | names if effect.verb == "create" else (
                self.temporary - names)  # fmt: skip
        if effect.verb == "create":
            self._create(effect)
        elif effect.verb == "alter" and effect.objects[:1] and effect.objects[0].kind == "table":
            self._alter(effect.objects[0].name, effect)
        elif effect.verb == "alter":
            self._define_views(effect)
        elif effect.verb == "drop":
            self._drop(effect.objects)
        self._refer(effect)
        for old, new in effect.renames:
            self._rename(old.name, new.name)

    def _set(self, settings: Mapping[str, str]) -> None:
        if "foreign_key_checks" in settings:
            self.checks_foreign_keys = settings["foreign_key_checks"].lower() in ON
        if "sql_mode" in settings:
            self.strict = False
        if ENGINE_SETTINGS & settings.keys():
            self._default_engine = ""

    def _create(self, effect: Reading) -> None:
        self._define_views(effect)
        for made in effect.objects:
            if made.kind == "view":
                self.views.add(made.name)
                self.broken_views.discard(made.name)
            elif made.kind == "sequence":
                self.has_sequences |= effect.conditional
                self._new_sequences |= set() if effect.conditional else {made.name.lower()}
            elif made.kind == "function":
                self._define_function(made.name.lower(), effect)
            elif made.kind == "table" and not (effect.conditional and self._may_have(made.name)):
                made_as = Table(
                    self._engine(effect),
                    versioned=self._versioned(effect),
                    is_new=True,
                    sequences=self._own_sequences(effect),
                )
                self._put(made.name, made_as)
        table = effect.trigger_table and self.find(effect.trigger_table)
        if table and effect.trigger_table:
            triggers = table.triggers | {effect.objects[0].name}
            known = table.triggered if table.triggers else Mentions()
            triggered = known and known | effect.mentions
            watched = replace(table, triggers=triggers, triggered=triggered)
            self._put(effect.trigger_table.name, watched)

    def _define_views(self, effect: Reading) -> None:
        for view in effect.objects:
            if view.kind == "view":
                name = view.name.lower()
                kept = self._mentions.get(name) if effect.conditional else None
                self._mentions[name] = (kept or Mentions()) | effect.mentions

    def _define_function(self, name: str, effect: Reading) -> None:
        """IF NOT EXISTS leaves one that is there, of which then nothing more is known."""
        self._code[name] = effect.mentions
        if (effect.conditional and name in self.functions) or "language" in effect.mentions.names:
            del self._code[name]
        self.functions.add(name)

    def _own_sequences(self, effect: Reading) -> frozenset[str]:
        """Those that the defaults of a table that a statement makes may take values of."""
        like = effect.made_like and self.find(effect.made_like)
        return effect.mentions.sequences | (like.sequences if like else frozenset())

    def _may_have(self, name: str) -> bool:
        """Whether a table, a view or a sequence has this name, as they share their names, on a
        server that may not tell cases apart."""
        lower = name.lower()
        is_view = lower in map(str.lower, self.views)
        return bool(self.spelled(lower)) or is_view or self.has_sequences

    def _engine(self, effect: Reading) -> str:
        if effect.made_like is None:
            return effect.storage_engine or self._default_engine
        like = self.find(effect.made_like)
        return like.engine if like else ""

    def _versioned(self, effect: Reading) -> bool:
        like = self.find(effect.made_like) if effect.made_like else None
        return like.versioned if like else bool(effect.versions)

    def _put(self, name: str, table: Table) -> None:
        self.tables[name] = table
        self._note_spelling(name)
        self._touched.add(name)

    def _alter(self, name: str, effect: Reading) -> None:
        table = self.tables.get(name)
        if table is not None:
            self._put(name, altered(table, effect))

    def _drop(self, objects: Iterable[Object]) -> None:
        for gone in objects:
            if gone.kind == "table":
                self.tables.pop(gone.name, None)
                gone_key = gone.name.lower()
                self.foreign_keys = [k for k in self.foreign_keys if k.child.lower() != gone_key]
            elif gone.kind == "view":
                self.views.discard(gone.name)
                self._mentions.pop(gone.name.lower(), None)
                self.broken_views.discard(gone.name)
            elif gone.kind == "trigger":
                self._drop_trigger(gone.name)
            elif gone.kind == "function":
                self.functions.discard(gone.name.lower())

    def _drop_trigger(self, trigger: str) -> None:
        for name, table in self.tables.items():
            if trigger in table.triggers:
                self.tables[name] = replace(table, triggers=table.triggers - {trigger})

    def _rename(self, old: str, new: str) -> None:
        table = self.tables.pop(old, None)
        if table is not None:
            self._put(new, table)
        view = self._mentions.pop(old.lower(), None)
        if view is not None:
            self._mentions[new.lower()] = view
        self._new_sequences -= {old.lower(), new.lower()}
        self.foreign_keys = [_renamed(key, old, new) for key in self.foreign_keys]

    def _refer(self, effect: Reading) -> None:
        """Follows foreign keys; the rules of those that it adds are not told apart."""
        if not effect.objects or effect.objects[0].kind != "table":
            return
        child = effect.objects[0].name
        untied = {(child.lower(), name.lower()) for name in effect.untied}
        self.foreign_keys = [
            key for key in self.foreign_keys if (key.child.lower(), key.name.lower()) not in untied
        ]
        for parent in effect.parents:
            carries = parent in effect.cascades_from
            key = ForeignKey(child, parent.name, on_update=carries, on_delete=carries)
            self.foreign_keys.append(key)


def _renamed(key: ForeignKey, old: str, new: str) -> ForeignKey:
    child = new if key.child.lower() == old.lower() else key.child
    return replace(
        key, child=child, parent=new if key.parent.lower() == old.lower() else key.parent
    )
