"""The users and routines that a unit of a plan has made: rights that it gives them go with them.

Follows the statements one by one, beside `tables`; judges nothing.
"""

from __future__ import annotations

from lockgate.planner.database.facts import Facts
from lockgate.planner.reading.reading import Object, Reading

FOLLOWED = frozenset({"user", "procedure", "function"})
KEEPS_USERS = "no_auto_create_user"  # https://mariadb.com/kb/en/sql-mode/


class Made:
    """What the unit has made for certain."""

    def __init__(self, facts: Facts) -> None:
        self._keeps_rights = facts.keeps_rights
        self._server_makes_users = facts.grants_make_users
        self._objects = frozenset[Object]()
        self.begin_section()

    def begin_section(self) -> None:
        """Forgets what a section has set in its session."""
        self._makes_users = self._server_makes_users

    def begin_unit(self) -> None:
        """Forgets what is new: it will not be undone with what comes."""
        self._objects = frozenset()

    def copy(self) -> Made:
        """One that goes its own way from here."""
        twin = Made(Facts())
        twin.__dict__.update(self.__dict__)
        return twin

    def apply(self, effect: Reading) -> None:
        """Follows a statement that has run."""
        mode = effect.settings.get("sql_mode")
        if mode is not None and self._makes_users is not None:
            self._makes_users = KEEPS_USERS not in mode.lower()
        found = {_key(one) for one in effect.objects if one.kind in FOLLOWED}
        if effect.verb == "create" and not (effect.conditional or effect.replaces):
            self._objects |= found
        elif effect.verb == "drop":
            self._objects -= found

    def rights_go_with(self, effect: Reading) -> str:
        """With what the rights go that a statement gives or takes, so that nothing else undoes it;
        empty: they stay."""
        routine, stay = effect.given_on, self._keeps_rights or self._makes_users
        if routine and not stay and _key(routine) in self._objects:
            return f"the {routine.kind} {routine.name}"
        users = {Object("user", name) for name in effect.given_to}
        return ", ".join(sorted(effect.given_to)) if users and users <= self._objects else ""


def _key(one: Object) -> Object:
    """A routine has one name in all cases, an account in one."""
    return one if one.kind == "user" else Object(one.kind, one.name.lower(), one.schema)
