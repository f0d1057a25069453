"""The one reading of a statement of PostgreSQL, by the server's own grammar.

A statement that the grammar does not take is `unread`, and judged by the strictest answer.
https://www.postgresql.org/docs/current/sql-commands.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

from lockgate.planner.reading.calls import own_calls
from lockgate.planner.reading.postgresql import definitions, other_objects, outlines, rows
from lockgate.planner.reading.postgresql.calling import (
    made_functions,
    runs_text,
    with_calls,
    with_functions,
)
from lockgate.planner.reading.postgresql.grammar import NotRead, parse
from lockgate.planner.reading.postgresql.head import shorten, words_of
from lockgate.planner.reading.postgresql.locks import (
    ACCESS_EXCLUSIVE,
    EXCLUSIVE,
    LOCKS,
    SHARE_UPDATE_EXCLUSIVE,
    hold,
)
from lockgate.planner.reading.postgresql.nodes import (
    UNKNOWN_PATH,
    Node,
    Path,
    called,
    constant,
    is_on,
    option,
    relation,
    spaced,
    texts,
)
from lockgate.planner.reading.reaching import changes_rights, find_everyone, read_reaching
from lockgate.planner.reading.reading import (
    READ_ONCE,
    Clause,
    Commits,
    ConcurrentIndex,
    Leaves,
    Object,
    Reading,
    Verb,
    not_read,
)
from lockgate.planner.sql.cursor import read_tokens
from lockgate.planner.sql.dialect import POSTGRESQL
from lockgate.planner.sql.placeholders import readable
from lockgate.planner.value import replace

Reader = Callable[[str, Node, Path], Reading]
LOCK_MODES = ("", *LOCKS)
# A procedure or a block may end transactions with these; so may a procedure that it calls.
ENDINGS = frozenset({"commit", "rollback", "call"})
BEFORE = frozenset({";", "begin", "then", "else", "loop"})
# What they do is done outside of the database too, so the server allows them no block.
OUTSIDE = frozenset({"CreatedbStmt", "DropdbStmt", "CreateTableSpaceStmt", "DropTableSpaceStmt",
                     "AlterSystemStmt"})  # fmt: skip
SUBSCRIPTIONS = frozenset(
    {"CreateSubscriptionStmt", "AlterSubscriptionStmt", "DropSubscriptionStmt"}
)
OF_SESSION = ("advisory", "lock_timeout")
BRIEF = frozenset({"local", "transaction", "constraints"})


@lru_cache(maxsize=READ_ONCE)
def read(sql: str, path: Path = None) -> Reading:
    """What one statement does; never raises. `path` is where the session looks for names without
    a schema, None where nothing has changed that.

    >>> read("create index on t (a)").holds[0].lock
    'SHARE'
    """
    sql = readable(sql, POSTGRESQL)
    reading, brief = _read(sql, path), words_of(sql)
    reaches, gives = (find(sql, POSTGRESQL, brief) for find in (read_reaching, changes_rights))
    names, opaque = _named_of_session(sql), reading.opaque or runs_text(brief)
    if not (gives or reaches or names or opaque):
        return reading
    return replace(
        reading, reaches_out=reaches, changes_rights=gives, names=names, opaque=opaque,
        gives_everyone=find_everyone(sql, POSTGRESQL) if gives else "",
    )  # fmt: skip


def _named_of_session(sql: str) -> tuple[str, ...]:
    """Found anywhere in the text, since the strings of code are not read: perhaps a false alarm."""
    text = shorten(sql).lower()
    return tuple(name for name in OF_SESSION if name in text)


def _read(sql: str, path: Path) -> Reading:
    try:
        kind, node = parse(shorten(sql))
    except NotRead as error:
        return not_read(error.why, error.at)
    reader = READERS.get(kind)
    reading = reader(kind, node, path) if reader else _other(kind, node)
    return with_calls(reading, sql, kind, node, path)


def read_all(statements: Iterable[str], *, transactional: bool = True) -> Iterator[Reading]:
    """The readings of a section's statements, each as those before it have left the session."""
    path: Path = None
    in_utc = True
    made: set[str] = set()
    for sql in statements:
        reading = with_functions(read(sql, path), made)
        made |= made_functions(reading)
        yield reading if in_utc else _elsewhere(reading)
        in_utc = in_utc and not _may_set_zone(reading)
        if reading.search_path is not None and (transactional or reading.leaves != "nothing"):
            path = reading.search_path or None


def _may_set_zone(reading: Reading) -> bool:
    """Whether the session may have another time zone after it than UTC, in which lockgate begins
    each section."""
    if reading.verb == "set":
        return not reading.settings or "timezone" in reading.settings
    runs_code = reading.opaque and reading.verb == "other"
    return runs_code or (reading.kind == "select" and reading.leaves != "nothing")


def _elsewhere(reading: Reading) -> Reading:
    """The reading of a statement whose session may be in any time zone: the rows of a new type
    depend on it, and no other clause does."""
    clauses = tuple(
        replace(one, words=one.words | {"any zone"}) if one.action == "alter column type" else one
        for one in reading.clauses
    )
    return replace(reading, clauses=clauses)


def _other(kind: str, node: Node) -> Reading:
    """A statement that takes no lock for which others wait, by the name of its node."""
    reading, setting = _by_name(kind, node), node.get("setstmt", {})
    is_path = setting.get("name", "").lower() == "search_path"
    moves = is_path or setting.get("kind") == "VAR_RESET_ALL"
    return replace(reading, moves_default=True) if moves else reading


def _by_name(kind: str, node: Node) -> Reading:
    words = spaced(kind.removesuffix("Stmt"))
    first, _, rest = words.partition(" ")
    if kind in OUTSIDE or kind in SUBSCRIPTIONS or _moves(kind, node):
        return _outside(kind, node)
    if first in ("create", "define"):
        return outlines.made(rest, outlines.first_name(node), node)
    verbs: dict[str, Verb] = {"alter": "alter", "drop": "drop"}
    return Reading(verbs.get(first, "other"), kind=words)


def _moves(kind: str, node: Node) -> bool:
    return kind == "AlterDatabaseStmt" and option(node.get("options", []), "tablespace") is not None


def _outside(kind: str, node: Node) -> Reading:
    """What a transaction block may not hold, or only perhaps."""
    words = {"CreatedbStmt": "create database", "DropdbStmt": "drop database"}
    options = node.get("options", [])
    connects = not any(
        option(options, one) is not None and not is_on(options, one)
        for one in ("connect", "create_slot")
    )
    name = words.get(kind, spaced(kind.removesuffix("Stmt")).replace("table space", "tablespace"))
    is_certain = kind not in SUBSCRIPTIONS or (kind == "CreateSubscriptionStmt" and connects)
    lost = (f"the database {node['dbname']}",) if kind == "DropdbStmt" else ()
    verbs: dict[str, Verb] = {"create": "create", "alter": "alter", "drop": "drop"}
    first, _, rest = name.partition(" ")
    return Reading(
        verbs.get(first, "other"), (Object(rest, outlines.first_name(node)),), kind=name,
        loses=lost, outside_only=is_certain, commits="itself", repeatable=False,
    )  # fmt: skip


def _reindex(_kind: str, node: Node, path: Path) -> Reading:
    kind = node["kind"].removeprefix("REINDEX_OBJECT_").lower()
    concurrently = is_on(node.get("params", []), "concurrently")
    plain = Reading("maintain", kind=f"reindex {kind}", outside_only=True, commits="itself",
                    fails_whole=False, repeatable=not concurrently)  # fmt: skip
    if "relation" not in node:
        return plain
    one = relation(node["relation"], path, kind)
    index, table = (one, None) if kind == "index" else (None, one)
    rebuilt = ConcurrentIndex("rebuild", index, table) if concurrently else None
    words = frozenset({"concurrently"} if concurrently else ())
    return replace(plain, outside_only=concurrently, concurrent=rebuilt,
                   clauses=(Clause("reindex", one, words=words),))  # fmt: skip


def _vacuum(_kind: str, node: Node, path: Path) -> Reading:
    vacuums = bool(node.get("is_vacuumcmd"))
    full = is_on(node.get("options", []), "full")
    lock = ACCESS_EXCLUSIVE if full else SHARE_UPDATE_EXCLUSIVE
    named = [one["VacuumRelation"].get("relation") for one in node.get("rels", [])]
    tables = [relation(one, path) for one in named if one]
    kind = ("vacuum full" if full else "vacuum") if vacuums else "analyze"
    return Reading(
        "maintain", kind=kind, outside_only=vacuums, commits="itself", fails_whole=False,
        holds=tuple(hold(one, lock, "rewrite" if full else "none") for one in tables),
    )  # fmt: skip


def _cluster(_kind: str, node: Node, path: Path) -> Reading:
    one = relation(node["relation"], path) if "relation" in node else None
    holds = (hold(one, ACCESS_EXCLUSIVE, "rewrite"),) if one else ()
    return Reading("maintain", kind="cluster", holds=holds, outside_only=one is None,
                   clauses=(Clause("cluster", one),) if one else (),
                   commits="itself", fails_whole=False)  # fmt: skip


def _refresh(_kind: str, node: Node, path: Path) -> Reading:
    view = relation(node["relation"], path, "materialized view")
    # CONCURRENTLY compares the rows, and writes those that differ: readers do not wait, and nothing
    # else writes a materialized view but another REFRESH.
    quiet = replace(hold(view, EXCLUSIVE, "scan"), blocks="nothing")
    loud = hold(view, ACCESS_EXCLUSIVE, "rewrite")
    held = quiet if node.get("concurrent") else loud
    if node.get("skipData"):
        held = hold(view, ACCESS_EXCLUSIVE)
    return Reading("maintain", kind="refresh materialized view", holds=(held,),
                   queries=not node.get("skipData"))  # fmt: skip


def _lock(_kind: str, node: Node, path: Path) -> Reading:
    mode = LOCK_MODES[node["mode"]]
    tables = [relation(one["RangeVar"], path) for one in node["relations"]]
    return Reading("other", kind="lock table", holds=tuple(hold(one, mode) for one in tables),
                   clauses=tuple(Clause("lock", one, words=frozenset({mode})) for one in tables),
                   )  # fmt: skip


def _call(_kind: str, node: Node, _path: Path) -> Reading:
    calls = frozenset(texts(node["funccall"]["funcname"])[-1:]) | called(node)
    return Reading("other", kind="call", opaque=True, leaves="unknown", commits="may",
                   fails_whole=False, repeatable=False, calls_own=calls)  # fmt: skip


def _do(_kind: str, node: Node, _path: Path) -> Reading:
    body = str(option(node["args"], "as") or "")
    cursor = read_tokens(body, POSTGRESQL)
    calls = own_calls(list(cursor.ahead().rest()), "postgresql")
    found = [token.name.lower() or token.text for token in cursor.rest()]
    words = set(found)
    ends = any(word in ENDINGS and before != "on" for before, word in pairwise(["", *found]))
    moves = cursor.is_cut or words & {"search_path", "set_config"}
    commits: Commits = "may" if cursor.is_cut or ends else "never"
    return Reading("other", kind="do", opaque=True, outside_only=_ends_transaction(found),
                   leaves="unknown", commits=commits,
                   fails_whole=commits == "never", repeatable=commits == "never",
                   search_path=UNKNOWN_PATH if moves else None, calls_own=calls)  # fmt: skip


def _ends_transaction(words: list[str]) -> bool:
    """Whether COMMIT or ROLLBACK is a statement of a block's body."""
    around = zip([";", *words], words, [*words[1:], ";"], strict=False)
    return any(
        word in ("commit", "rollback") and before in BEFORE and after in (";", "and")
        for before, word, after in around
    )


def _execute(_kind: str, _node: Node, _path: Path) -> Reading:
    return Reading("other", kind="execute", opaque=True, leaves="unknown")


def _set(_kind: str, node: Node, _path: Path) -> Reading:
    name = node.get("name", "").lower()
    how = node["kind"]
    leaves: Leaves = "nothing" if node.get("is_local") or how == "VAR_SET_MULTI" else "settings"
    path: tuple[str, ...] | None = None
    if name == "search_path" or how == "VAR_RESET_ALL":
        values = [constant(one) for one in node.get("args", [])]
        if how == "VAR_SET_VALUE":
            known = tuple(str(one) for one in values if one)
            path = UNKNOWN_PATH if None in values or not known else known
        else:
            path = ()  # as the session began
    arguments = ", ".join(str(constant(one)) for one in node.get("args", []))
    return Reading("set", kind="set", settings={name: arguments} if name else {}, leaves=leaves,
                   search_path=path)  # fmt: skip


def _leaves(_kind: str, _node: Node, _path: Path) -> Reading:
    return Reading("other", kind=spaced(_kind.removesuffix("Stmt")), leaves="unknown")


def _discard(_kind: str, node: Node, _path: Path) -> Reading:
    return Reading("set", kind="discard", leaves="unknown", search_path=(),
                   outside_only=node.get("target") == "DISCARD_ALL")  # fmt: skip


def _transaction(_kind: str, node: Node, _path: Path) -> Reading:
    kind = node["kind"].removeprefix("TRANS_STMT_").lower().replace("_", " ")
    kind = "prepare transaction" if kind == "prepare" else kind
    is_prepared = kind in ("commit prepared", "rollback prepared")
    return Reading("other", kind=kind, outside_only=is_prepared, repeatable=not is_prepared,
                   commits="itself" if is_prepared else "never")  # fmt: skip


def _checkpoint(_kind: str, _node: Node, _path: Path) -> Reading:
    return Reading("maintain", kind="checkpoint", commits="itself")


def _explain(_kind: str, node: Node, path: Path) -> Reading:
    """Only with ANALYZE the statement is run; its tables are locked all the same."""
    ((kind, inner),) = node["query"].items()
    reader = READERS.get(kind)
    if reader is None:
        return Reading("read", kind="explain")
    reading = reader(kind, inner, path)
    if is_on(node.get("options", []), "analyze"):
        return reading
    holds = reading.holds if kind in rows.WRITERS else ()
    return Reading("read", kind="explain", holds=holds)


def _enum(_kind: str, node: Node, _path: Path) -> Reading:
    return Reading("alter", (Object("type", outlines.first_name(node)),), kind="alter type")


def _schema(_kind: str, node: Node, path: Path) -> Reading:
    """With what is made in it by the same statement."""
    name = node.get("schemaname") or node.get("authrole", {}).get("rolename", "")
    inside = [READERS[kind](kind, one, (name, *(path or ())))
              for element in node.get("schemaElts", [])
              for kind, one in element.items() if kind in READERS]  # fmt: skip
    schema = outlines.made("schema", name, node)
    objects = (*schema.objects, *(one for each in inside for one in each.objects))
    holds = tuple(one for each in inside for one in each.holds)
    return replace(schema, objects=objects, holds=holds)


READERS: dict[str, Reader] = {
    "": lambda *_: Reading("read"),
    "AlterDomainStmt": other_objects.read_domain_change,
    "AlterEnumStmt": _enum,
    "AlterObjectDependsStmt": definitions.read_other_change,
    "AlterObjectSchemaStmt": definitions.read_other_change,
    "AlterPolicyStmt": definitions.read_on_table,
    "AlterPublicationStmt": other_objects.read_publication,
    "AlterSeqStmt": other_objects.read_alter_sequence,
    "AlterTableStmt": definitions.read_alter_table,
    "CallStmt": _call,
    "CheckPointStmt": _checkpoint,
    "ClusterStmt": _cluster,
    "CommentStmt": definitions.read_comment,
    "CopyStmt": rows.read_copy,
    "CreateDomainStmt": other_objects.read_create_domain,
    "CreateEventTrigStmt": other_objects.read_event_trigger,
    "CreateForeignTableStmt": definitions.read_create_table,
    "CreatePolicyStmt": definitions.read_on_table,
    "CreatePublicationStmt": other_objects.read_publication,
    "CreateSchemaStmt": _schema,
    "CreateStatsStmt": definitions.read_create_statistics,
    "CreateStmt": definitions.read_create_table,
    "CreateTableAsStmt": definitions.read_create_table_as,
    "CreateFunctionStmt": other_objects.read_create_function,
    "CreateTrigStmt": definitions.read_on_table,
    "DeallocateStmt": _leaves,
    "DeclareCursorStmt": _leaves,
    "DeleteStmt": rows.read_write,
    "DiscardStmt": _discard,
    "DoStmt": _do,
    "DropOwnedStmt": definitions.read_drop_owned,
    "DropStmt": definitions.read_drop,
    "ExecuteStmt": _execute,
    "ExplainStmt": _explain,
    "IndexStmt": definitions.read_create_index,
    "InsertStmt": rows.read_write,
    "ListenStmt": _leaves,
    "LoadStmt": _leaves,
    "LockStmt": _lock,
    "MergeStmt": rows.read_write,
    "PrepareStmt": _leaves,
    "RefreshMatViewStmt": _refresh,
    "ReindexStmt": _reindex,
    "RenameStmt": definitions.read_rename,
    "RuleStmt": definitions.read_on_table,
    "SecLabelStmt": definitions.read_comment,
    "SelectStmt": rows.read_select,
    "TransactionStmt": _transaction,
    "TruncateStmt": rows.read_truncate,
    "UnlistenStmt": _leaves,
    "UpdateStmt": rows.read_write,
    "VacuumStmt": _vacuum,
    "VariableSetStmt": _set,
    "ViewStmt": definitions.read_view,
}
