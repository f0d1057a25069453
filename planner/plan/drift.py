"""Drift: a schema that is not what its migrations make, or not what a plan was made for.

Reads no catalogue: an engine does.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from lockgate.planner.database.catalogue import (
    DATABASE,
    Catalogue,
    ObjectDifference,
    Side,
    differences,
)
from lockgate.planner.errors import Denied, StalePlan
from lockgate.planner.plan.plan import Change, Plan
from lockgate.planner.quoting import double_quoted
from lockgate.planner.value import frozen

# The creator of a database decides on these, and no migration does: the DATABASE's own
# attributes, and MySQL's rights on all of it, which are in `grants` without an object.
GRANTS = "grants"
PUBLIC = "schema public"
ON_AN_OBJECT = re.compile(r"'[^']*'@'[^']*' on ")
NAMED = 5
# The last `on`: a trigger may be named as if it were on another table.
BEFORE_A_NAME = "(?:[a-z]+ )+(?:.+ on (?!.* on ))?"


def made_by_migrations(catalogue: Catalogue) -> Catalogue:
    """The catalogue without what the creator of a database decides on."""
    objects = {name: text for name, text in catalogue.objects.items() if name != DATABASE}
    granted = [line for line in objects.pop(GRANTS, "").split("\n") if ON_AN_OBJECT.match(line)]
    return Catalogue(objects | ({GRANTS: "\n".join(granted)} if granted else {}))


def without_tables(catalogue: Catalogue, tables: Iterable[tuple[str, str]]) -> Catalogue:
    """The catalogue without these tables, by schema and name, and without their sequences. A schema
    without a name of a table goes with all that is in it."""
    places = tuple(tables)
    names = {name for schema, table in places for name in (table, f"{schema}.{table}")}
    gone = tuple(f"sequence {name}_" for name in names)
    schemas = {schema for schema, table in places if not table}
    objects = {
        name: text
        for name, text in catalogue.objects.items()
        if name.removeprefix("table ") not in names
        and not name.startswith(gone)
        and not _is_within(name, schemas)
    }
    return Catalogue(objects)


def _is_within(name: str, schemas: Collection[str]) -> bool:
    """Whether an object is one of these schemas, or in one.

    >>> _is_within("schema app", {"app"}), _is_within("table app.t", {"app"})
    (True, True)
    >>> _is_within("table app", {"app"})
    False
    """
    kind, _, rest = name.partition(" ")
    schema, dot, _ = rest.partition(".")
    return schema in schemas and (kind == "schema" or bool(dot))


@frozen
class Managed:
    """What of a database its migrations answer for: not what other programs make, whose name, or
    that of the table it is on, is like one of the patterns of a shell in `unmanaged`; and where a
    `schema` is named, nothing outside of it."""

    unmanaged: Sequence[str] = ()
    schema: str = ""

    def of(self, side: Side) -> Mapping[str, str]:
        """These objects of a database, with their texts or digests.

        >>> found = {"table app.day_1": "", "trigger t on app.day_1": "", "table app.days": ""}
        >>> list(Managed(["app.day_*"]).of(found))
        ['table app.days']
        >>> list(Managed(schema="app").of({"schema app": "", "extension app": "", "view b.v": ""}))
        ['schema app']
        """
        objects = side.objects if isinstance(side, Catalogue) else side
        others = [re.compile(BEFORE_A_NAME + fnmatch.translate(like)) for like in self.unmanaged]
        quoted = f"(?:{re.escape(self.schema)}|{re.escape(double_quoted(self.schema))})"
        within = re.compile(rf"schema {quoted}$|{BEFORE_A_NAME}{quoted}\." if self.schema else "")
        return {
            name: text
            for name, text in objects.items()
            if within.match(name) and not any(pattern.match(name) for pattern in others)
        }


ALL = Managed()


def name_objects(found: Sequence[ObjectDifference | Change]) -> str:
    """The objects by name, as many as a sentence takes.

    >>> changed = ObjectDifference("table t", "changed")
    >>> name_objects([changed, ObjectDifference("view v", "removed")])
    'table t (changed), view v (removed)'
    """
    return _named([f"{each.object} ({each.change})" for each in found])


def show_lines(found: Sequence[ObjectDifference | Change]) -> str:
    """The first lines in which objects differ, each below the name of its object.

    >>> print(show_lines([ObjectDifference("table t", "changed", ("+column a: type int",))]))
    <BLANKLINE>
      table t
        +column a: type int
    """
    lines = [
        line
        for each in found[:NAMED]
        for line in (f"  {each.object}", *(f"    {one}" for one in each.lines[:NAMED]))
        if each.lines and each.change == "changed"
    ]
    return "".join(f"\n{line}" for line in lines)


def name_passed(passed: Sequence[str]) -> str:
    """A sentence on the objects of which something was not compared; empty where there are none.

    >>> name_passed(["table t"])
    'Owners, rights or settings that no migration gives were not compared: table t.'
    """
    told = "Owners, rights or settings that no migration gives were not compared"
    return f"{told}: {_named(passed)}." if passed else ""


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def with_fingerprint(plan: Plan, digests: Mapping[str, str]) -> Plan:
    """The plan for the schema with these digests and no other; not sealed again."""
    return plan.model_copy(update={"fingerprint": dict(digests)})


def refuse_changed_schema(plan: Plan, catalogue: Catalogue, managed: Managed = ALL) -> None:
    """Raises StalePlan when the schema is not the one that the plan was made for, in what is
    `managed` by migrations."""
    found = differences(managed.of(plan.fingerprint or {}), managed.of(catalogue.digests()))
    if found:
        raise StalePlan(
            f"The schema has changed since the plan was made: {name_objects(found)}.",
            why="It was changed past lockgate, and the plan was reviewed without that "
            "(`drift: check`). Nothing was run.",
            do="See `migrate drift`; then make a new plan with `migrate plan`.",
        )


def refuse_unknown_schema(plan: Plan) -> None:
    """Raises Denied when the plan does not say which schema it was made for."""
    if plan.fingerprint is None:
        raise Denied(
            "The plan does not say which schema it was made for.",
            why="The environment takes only plans whose schema can be checked (`drift: check`).",
            do="Make a new plan with `migrate plan`.",
        )
