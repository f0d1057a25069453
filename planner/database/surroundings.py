"""What of a schema its surroundings decide on, and no migration: who owns it, who else may use it,
and what its database had before the first migration. A replay is compared without that.

Reads no catalogue, and says nothing of two states of one database, where all of it counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

from lockgate.planner.database.catalogue import Catalogue, ObjectDifference, differences
from lockgate.planner.value import frozen

Rights = frozenset[tuple[str, str]]
"""Who may do what; of a right of all, `EVERYBODY`."""

# An attribute of a line of its own, or the last of a part's but its comment.
PRIVILEGES = re.compile(
    r'(?:^|(?<=: )|, )privileges (\[(?:"(?:[^"\\]|\\.)*"(?:, )?)*\])(?=, comment |$)'
)
# https://www.postgresql.org/docs/current/ddl-priv.html
ACL_ITEM = re.compile(r'("(?:[^"]|"")*"|[^="]*)=([a-zA-Z*]*)/')
RIGHT = re.compile(r"\w\*?")
EVERYBODY = ""
EVERYBODYS = {("function ", "procedure ", "aggregate "): "X", ("type ", "domain "): "U"}
DEFAULT_SCHEMA = "public"
MAKER = ("owner ", "definer ")
# MySQL keeps with its code how the session was set that made it; an extension keeps the version of
# the day on which it was made, over all upgrades of its server.
OF_MAKER = {
    ("view ", "trigger ", "procedure ", "function ", "event "): (
        "sql_mode ", "character_set_client ", "collation_connection ", "database_collation ",
    ),
    ("extension ",): ("version ",),
}  # fmt: skip
LISTS = ("grants", "default privileges")
"""Objects of which each line tells of somebody else's rights."""
OF_ADMINISTRATORS = (
    "schema ", "extension ", "publication ", "foreign data wrapper ", "server ", "event trigger ",
)  # fmt: skip
IN_SCHEMA = re.compile(r'(?:[a-z]+ )+(?:.+ on (?!.* on ))?("(?:[^"]|"")*"|\w+)\.')


@frozen
class Drift:
    """How a live schema differs from a replay; `passed` are the objects of which only that differs
    on which no migration decides."""

    differences: tuple[ObjectDifference, ...]
    passed: tuple[str, ...] = ()


@frozen
class Surroundings:
    """The account that a replay runs as, and what its database held before it."""

    user: str = ""
    born: Catalogue = Catalogue({})

    def compare(self, expected: Catalogue, found: Catalogue) -> Drift:
        """How what was found differs from what the replay has made.

        >>> made = Catalogue({"table t": "owner me\\ncolumn a: type int"})
        >>> text = 'owner ann\\nprivileges ["bob=r/ann"]\\ncolumn a: type int'
        >>> live = Catalogue({"table t": text})
        >>> Surroundings("me").compare(made, live)
        Drift(differences=(), passed=('table t',))
        """
        old, new = dict(expected.objects), dict(found.objects)
        passed = []
        for name in new.keys() & {*old, *LISTS}:
            before = old.get(name, ""), new[name]
            left, right = self._compared(name, *map(_split, before, (name, name)))
            old[name], new[name] = left, right
            if before[0] != before[1] and left == right:
                passed.append(name)
                del old[name], new[name]
        return Drift(differences(Catalogue(old), Catalogue(new)), tuple(sorted(passed)))

    def _compared(self, name: str, expected: _Text, found: _Text) -> tuple[str, str]:
        """What counts of an object on both sides."""
        born = _split(self.born.objects.get(name, ""), name)
        is_born = name in self.born.objects
        left, right = list(expected.lines), list(found.lines)
        if is_born and expected.lines == born.lines:
            right = [*left]
        if expected.maker not in (self.user, born.maker):
            left, right = [f"owner {expected.maker}", *left], [f"owner {found.maker}", *right]
        for part in sorted(expected.rights.keys() | born.rights.keys()):
            made, there = (side.rights.get(part, _given(name)) for side in (expected, found))
            before = born.rights.get(part, frozenset())
            given, taken = made - before, before - made
            if not is_born:
                taken = frozenset(one for one in there - made if one[0] == EVERYBODY)
            left.append(_said(part, given))
            right.append(_said(part, there & (given | taken)))
        return "\n".join(left), "\n".join(right)


@frozen
class _Text:
    """An object's text, taken apart: `rights` are by the part of it."""

    maker: str
    lines: tuple[str, ...]
    rights: dict[str, Rights]


def _split(text: str, name: str) -> _Text:
    maker, lines, rights = "", [], {}
    passed = tuple(at for kinds, told in OF_MAKER.items() if name.startswith(kinds) for at in told)
    for line in text.split("\n"):
        match = None if line.startswith("  ") else PRIVILEGES.search(line)
        if line.startswith(MAKER):
            maker = _plain(line.partition(" ")[2])
        elif match:
            part, rest = line[: match.start()].partition(": ")[0], _without(line, match)
            rights[part] = frozenset(_rights(json.loads(match[1]), maker))
            lines += [rest] if rest and name not in LISTS else []
        elif line and not line.startswith(passed):
            lines.append(line)
    return _Text(maker, tuple(lines), rights)


def _given(name: str) -> Rights:
    """What everybody may do with an object of which no one has said anything."""
    rights = (right for kinds, right in EVERYBODYS.items() if name.startswith(kinds))
    return frozenset((EVERYBODY, right) for right in rights)


def _without(line: str, match: re.Match[str]) -> str:
    return line[: match.start()] + line[match.end() :]


def _rights(items: list[str], owner: str) -> Iterator[tuple[str, str]]:
    """Each right with who has it, but the owner's, and without who gave it; MySQL's are by name,
    of the account that the line names. Who may pass a right on has it too."""
    for item in items:
        match = ACL_ITEM.match(item)
        if match is None:
            yield "it", item
        elif not owner or _plain(match[1]) != owner:
            for right in RIGHT.findall(match[2]):
                yield from ((_plain(match[1]), each) for each in {right, right[0]})


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _said(part: str, rights: Rights) -> str:
    told = ", ".join(f"{role or 'everybody'} {right}" for role, right in sorted(rights))
    return f"{part}: privileges of {told}".removeprefix(": ")


def is_beside(found: ObjectDifference, named: Collection[str]) -> bool:
    """Whether an object is one that administrators make, or in a schema of others; and no migration
    has a word for it, of those that are `named`.

    >>> [is_beside(ObjectDifference(name, "added"), {"citext", "app"})
    ...  for name in ("extension dblink", "extension citext", "table audit.log", "table app.b",
    ...              "table public.b", "table t")]
    [True, False, True, False, False, False]
    """
    match = IN_SCHEMA.match(found.object)
    if found.object.startswith(OF_ADMINISTRATORS):
        name = found.object.split(" ")[-1]
    elif match and match[1] != DEFAULT_SCHEMA:
        name = match[1]
    else:
        return False
    return found.change == "added" and _plain(name) not in named
