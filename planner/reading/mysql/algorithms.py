"""How MySQL and MariaDB carry out each operation of an ALTER TABLE: algorithm, lock, rebuild.

Measured: each is the first ALGORITHM and LOCK that the server accepts; it reads no SQL.
A plan predicts by `WAYS`; only what `fix` offers is asked of a server, by `OFFERS`.
https://dev.mysql.com/doc/refman/en/innodb-online-ddl-operations.html
https://mariadb.com/kb/en/innodb-online-ddl-operations-with-the-instant-alter-algorithm/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lockgate.planner.reading.reading import Blocked, Hold, Object, Work
from lockgate.planner.value import frozen, replace

# From the best to the worst.
ALGORITHMS = ("instant", "nocopy", "inplace", "copy")
LOCKS: dict[str, Blocked] = {"NONE": "nothing", "SHARED": "writes", "EXCLUSIVE": "reads"}


@frozen
class Way:
    """How an operation is carried out. `among_others` is the work that it causes when it shares
    its ALTER TABLE with an operation that is not instant."""

    algorithm: str
    lock: str = "NONE"
    work: Work = "none"
    among_others: Work = "none"
    certain: bool = True


INSTANT = Way("instant")
COLUMN = Way("instant", among_others="rewrite")
NAME = Way("inplace")
INDEX = Way("inplace", work="scan")
REBUILD = Way("inplace", work="rewrite")
READ_ONLY = Way("inplace", "SHARED", "scan")
REBUILD_READ_ONLY = Way("inplace", "SHARED", "rewrite")
COPY = Way("copy", "SHARED", "rewrite")
ONLINE_COPY = replace(COPY, lock="NONE")
UNKNOWN = replace(COPY, certain=False)

CHANGE_VIRTUAL = "change virtual column"
"""Its expression: whether it is another one, the definitions do not tell for certain."""
COPIES_ONLINE_SINCE = {"mariadb": 110200}
"""The first version that copies a table while others write to it, by the dialect's name.

https://mariadb.com/kb/en/online-schema-change/
"""


@frozen
class Offer:
    """A way in which others go on, as a statement asks for it; no LOCK where none may be named."""

    algorithm: str
    lock: str = ""


OFFERS: Mapping[str, tuple[Offer, ...]] = {
    "mysql": (Offer("INSTANT"), Offer("INPLACE", "NONE")),
    "mariadb": (
        Offer("INSTANT"),
        Offer("NOCOPY", "NONE"),
        Offer("INPLACE", "NONE"),
        Offer("COPY", "NONE"),
    ),
}
"""From the best on, by the dialect's name. The server refuses those that it cannot keep."""

COMMON = {
    "add auto_increment column": REBUILD_READ_ONLY,
    "add expression index": READ_ONLY,
    "add unique expression index": COPY,
    "add system versioning": COPY,
    "drop system versioning": REBUILD_READ_ONLY,
    "drop column of an index": REBUILD,
    "add check": COPY,
    "add column": COLUMN,
    "add column with a computed default": COPY,
    "add column with an index": REBUILD,
    "add column with a reference": COPY,
    "add foreign key": COPY,
    "add fulltext index": READ_ONLY,
    "add first fulltext index": REBUILD_READ_ONLY,
    "add first fulltext index beside numbers": READ_ONLY,
    "add index": INDEX,
    "add list partition": NAME,
    "add partition": UNKNOWN,
    "add primary key": REBUILD,
    "add spatial index": READ_ONLY,
    "add stored column": COPY,
    "add vector index": READ_ONLY,
    "add virtual column": INSTANT,
    "change column's default or comment": INSTANT,
    "change column's type": COPY,
    "change nullability": REBUILD,
    "change partitions": REBUILD_READ_ONLY,
    "change primary key": REBUILD,
    "change virtual column of an index": COPY,
    "convert character set": COPY,
    "drop check": INSTANT,
    "drop column": COLUMN,
    "drop index": NAME,
    "drop partition": NAME,
    "drop primary key": COPY,
    "drop virtual column": INSTANT,
    "exchange partition": READ_ONLY,
    "exchange unseen partition": NAME,
    "partition": COPY,
    "rebuild": REBUILD,
    "rename": INSTANT,
    "truncate partition": INSTANT,
}
WAYS: Mapping[str, Mapping[str, Way]] = {
    "mysql": COMMON
    | {
        "add column with a check": COPY,
        "add column with an expression": COPY,
        "add column with an expression and an index": COPY,
        "add column amid virtual ones": COLUMN,
        "add virtual column first": COPY,
        "change collation": NAME,
        "change collation of a text index": COPY,
        "change collation of an index": COPY,
        "change index": NAME,
        "change nullability beside stored columns": REBUILD,
        CHANGE_VIRTUAL: COPY,
        "change options": NAME,
        "drop column with its index": REBUILD,
        "drop foreign key": NAME,
        "lengthen column": NAME,
        "lengthen short column": COPY,
        "move column": REBUILD,
    },
    "mariadb": COMMON
    | {
        "add column with a check": COLUMN,
        "add column with an expression": COLUMN,
        "add column with an expression and an index": REBUILD,
        "add column amid virtual ones": COPY,
        "add virtual column first": INSTANT,
        "change collation": INSTANT,
        "change collation of a text index": READ_ONLY,
        "change collation of an index": INDEX,
        "change index": INSTANT,
        "change nullability beside stored columns": UNKNOWN,
        CHANGE_VIRTUAL: INSTANT,
        "change options": INSTANT,
        "drop column with its index": NAME,
        "drop foreign key": INSTANT,
        "lengthen column": INSTANT,
        "lengthen short column": INSTANT,
        "move column": COLUMN,
    },
}
"""By the dialect's name and the operation."""

FULLTEXT, SPATIAL = "fulltext", "spatial"
ADD_FULLTEXT = "add fulltext index"
ADD_FIRST = "add first fulltext index"
ADD_NUMBERED = "add first fulltext index beside numbers"
VIRTUAL = frozenset(
    ["add expression index", "add unique expression index", "add virtual column",
     "add virtual column first", "drop virtual column"]
)  # fmt: skip
BESIDE_VIRTUAL: Mapping[str, frozenset[str]] = {
    "mysql": frozenset(["add column", "change column's default or comment", "drop column"]),
    "mariadb": frozenset(["drop column"]),
}
"""What an ALTER TABLE that adds or drops virtual columns may do besides, by the dialect's name, and
still be instant; an index costs others their writes, and all else is a copy."""
INDEXES_BESIDE_VIRTUAL: Mapping[str, frozenset[str]] = {
    "mysql": frozenset(["add index", ADD_FULLTEXT]),
    "mariadb": frozenset(["add index", ADD_FULLTEXT, "add spatial index"]),
}


@frozen
class Furnishing:
    """What of a table decides how it is altered. `kinds` are those of the indexes that are left."""

    kinds: frozenset[str] = frozenset()
    had_fulltext: bool = False
    numbers_texts: bool = False
    """It has a column for the numbers of texts, FTS_DOC_ID, in which a full-text index finds them;
    else the first one adds it, by a rebuild. That of a dropped index stays, and no catalogue shows
    it. https://dev.mysql.com/doc/refman/en/innodb-fulltext-index.html"""
    compressed: bool = False


DROPS_LISTS_APART = frozenset({"mariadb"})
"""Where DROP TABLE a, b drops one after the other, and a failure keeps what is dropped.

https://mariadb.com/kb/en/atomic-ddl/
"""


def combine(ways: Iterable[Way]) -> Way:
    """The one way of a statement that does several operations: the worst of each kind.

    >>> combine([COLUMN, INDEX]).work
    'rewrite'
    """
    found = list(ways) or [INSTANT]
    worst = max(found, key=lambda way: ALGORITHMS.index(way.algorithm))
    works: list[Work] = [way.work for way in found]
    if worst.algorithm != "instant":
        works += [way.among_others for way in found]
    order: tuple[Work, ...] = ("none", "scan", "rewrite")
    lock = max((way.lock for way in found), key=list(LOCKS).index)
    sure = all(way.certain for way in found if way.algorithm == worst.algorithm)
    return replace(worst, lock=lock, work=max(works, key=order.index), certain=sure)


def way_of(dialect: str, operations: Iterable[str], furnishing: Furnishing) -> Way:
    """How a server, by the dialect's name, does these operations in one ALTER TABLE.

    A table with a full-text index, or with one that was dropped in the same statement, and a
    compressed one add and drop no column instantly. Measured, as the rest.

    >>> text = Furnishing(frozenset([FULLTEXT]), had_fulltext=True)
    >>> way_of("mysql", ["add column"], text).algorithm
    'copy'
    """
    found = list(operations)
    texts = found.count(ADD_FULLTEXT)
    if not furnishing.had_fulltext:
        first = ADD_NUMBERED if furnishing.numbers_texts else ADD_FIRST
        found = [first if one == ADD_FULLTEXT else one for one in found]
    ways = [WAYS[dialect].get(each, UNKNOWN) for each in found]
    if furnishing.had_fulltext or furnishing.compressed:
        ways = [REBUILD if way.among_others == "rewrite" else way for way in ways]
        ways += [REBUILD] * ("drop column with its index" in found)
    way = _among_virtual(dialect, found, combine(ways))
    if texts > 1:  # "InnoDB presently supports one FULLTEXT index creation at a time"
        return COPY
    if way.work != "rewrite" or way.algorithm == "copy":
        return way
    if _makes_texts_again(dialect, texts, furnishing):
        return COPY
    return way if furnishing.kinds.isdisjoint({FULLTEXT, SPATIAL}) else replace(way, lock="SHARED")


def _makes_texts_again(dialect: str, added: int, furnishing: Furnishing) -> bool:
    """Whether a rebuild has to make more than one full-text index; on MySQL any but the first."""
    left = FULLTEXT in furnishing.kinds
    if dialect == "mysql":
        return left or (added > 0 and furnishing.had_fulltext)
    return left and added > 0


def _among_virtual(dialect: str, operations: list[str], way: Way) -> Way:
    """The way of operations that may share their ALTER TABLE with those of virtual columns."""
    virtual, others = VIRTUAL & {*operations}, {*operations} - VIRTUAL
    if CHANGE_VIRTUAL in others and (virtual or "drop column" in others):
        return COPY
    if not virtual or not others or way.algorithm == "copy":
        return way
    if others <= INDEXES_BESIDE_VIRTUAL[dialect] and virtual == {"add virtual column"}:
        return READ_ONLY
    moves = "drop virtual column" in virtual and "add column" in others
    adds_only_columns = others <= BESIDE_VIRTUAL[dialect] and "add expression index" not in virtual
    only_drops = dialect == "mysql" or virtual == {"drop virtual column"}
    return way if adds_only_columns and only_drops and not moves else COPY


def hold(table: Object, way: Way) -> Hold:
    """The lock on a table that is altered in this way."""
    return Hold(table, way.lock, LOCKS[way.lock], way.work, way.algorithm, way.certain)
