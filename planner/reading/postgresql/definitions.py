"""What CREATE, ALTER and DROP of PostgreSQL do, read from their parse trees.

https://www.postgresql.org/docs/current/sql-commands.html
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.reading.postgresql.alter import (
    constraints_of,
    parents,
    read_bound,
    read_clause,
)
from lockgate.planner.reading.postgresql.locks import (
    ACCESS_EXCLUSIVE,
    SHARE,
    SHARE_ROW_EXCLUSIVE,
    SHARE_UPDATE_EXCLUSIVE,
    hold,
)
from lockgate.planner.reading.postgresql.nodes import (
    Node,
    Path,
    called,
    is_temporary,
    named,
    relation,
    texts,
    walk,
)
from lockgate.planner.reading.postgresql.outlines import (
    alteration,
    made_in,
    outline_table,
    outline_view,
)
from lockgate.planner.reading.postgresql.rows import (
    WRITERS,
    ends_with_transaction,
    read_filled,
    read_write,
)
from lockgate.planner.reading.reading import (
    Clause,
    ConcurrentIndex,
    Object,
    Reading,
)
from lockgate.planner.value import replace

KINDS = {"matview": "materialized view", "tabconstraint": "constraint", "column": "table"}
RELATIONS = frozenset({"table", "view", "sequence", "index", "materialized view", "foreign table"})
# Of these only their table is locked.
ON_TABLE = frozenset({"trigger", "policy", "rule"})
# With CASCADE these take nothing along that holds data.
HARMLESS = frozenset(
    [
        *("view", "materialized view", "sequence", "index", "trigger", "policy", "rule"),
        *("statistic ext", "publication", "event trigger", "foreign server", "foreign table"),
        *("fdw", "opclass", "opfamily", "transform", "aggregate"),
    ]
)
INDEX_SETTINGS = frozenset({"set rel options", "reset rel options", "set statistics"})


def kind_of(objtype: str) -> str:
    """An ObjectType in words.

    >>> kind_of("OBJECT_MATVIEW"), kind_of("OBJECT_FOREIGN_TABLE")
    ('materialized view', 'foreign table')
    """
    name = objtype.removeprefix("OBJECT_").lower()
    return KINDS.get(name, name.replace("_", " "))


def read_create_table(_kind: str, node: Node, path: Path) -> Reading:
    """CREATE TABLE, also of a partition and of a foreign table."""
    is_foreign = "base" in node or "baseStmt" in node
    node = node.get("base") or node.get("baseStmt") or node
    table = relation(node["relation"], made_in(path))
    temporary = is_temporary(node["relation"])
    holds = [hold(one, SHARE_ROW_EXCLUSIVE) for one in _referenced(node, path)]
    above = [relation(one["RangeVar"], path) for one in node.get("inhRelations", [])]
    is_partition, bound = "partbound" in node, read_bound(node.get("partbound", {}))
    lock = ACCESS_EXCLUSIVE if is_partition else SHARE_UPDATE_EXCLUSIVE
    holds += [hold(one, lock) for one in above]
    return Reading(
        "create",
        () if temporary else (table,),
        bool(node.get("if_not_exists")),
        temporary=temporary,
        tables_written=(table,) if temporary else (),
        kind="create table",
        outline=tuple(outline_table(node)),
        holds=tuple(one for one in holds if one.on != table),
        clauses=(
            *(Clause("add partition", one, bound=bound) for one in above if is_partition),
            *ends_with_transaction(node, table),
        ),
        leaves="unknown" if temporary else "nothing",
        runs_nothing=not (temporary or is_foreign or is_partition or _evaluates(node)),
    )


def _evaluates(node: Node) -> bool:
    """Whether a new table may compute expressions: those of its indexes. Others are only stored."""
    return any(
        "TableLikeClause" in one or one.get("Constraint", {}).get("contype") == "CONSTR_EXCLUSION"
        for one in node.get("tableElts", [])
    )


def _referenced(node: Node, path: Path) -> Iterator[Object]:
    for one in node.get("tableElts", []):
        if "ColumnDef" in one:
            yield from parents(constraints_of(one["ColumnDef"]), path)
        yield from parents([one.get("Constraint", {})], path)


def read_create_table_as(_kind: str, node: Node, path: Path) -> Reading:
    """CREATE TABLE AS and CREATE MATERIALIZED VIEW."""
    kind = kind_of(node["objtype"])
    reading = read_filled(node["into"], node["query"], made_in(path), kind)
    reading = replace(reading, conditional=bool(node.get("if_not_exists")))
    if kind == "materialized view" and reading.objects:
        read = what_it_reads(reading.objects[0], node["query"], path)
        return replace(reading, clauses=(*reading.clauses, read))
    return reading


def read_view(_kind: str, node: Node, path: Path) -> Reading:
    """CREATE VIEW; with OR REPLACE it alters one that is there."""
    view = relation(node["view"], made_in(path), "view")
    temporary, replaces = is_temporary(node["view"]), bool(node.get("replace"))
    return Reading(
        "create",
        () if temporary else (view,),
        replaces=replaces,
        temporary=temporary,
        kind="create view",
        outline=tuple(outline_view(node)),
        clauses=(
            *([Clause("replace view", view)] * replaces),
            what_it_reads(view, node["query"], path),
        ),
        leaves="unknown" if temporary else "nothing",
    )


def what_it_reads(view: Object, query: Node, path: Path) -> Clause:
    """The relations that a view may read, and the columns of them; `*` for all."""
    found = [*walk(query)]
    fields = [one["fields"][-1] for kind, one in found if kind == "ColumnRef"]
    columns = tuple(sorted({one.get("String", {}).get("sval", "*") for one in fields}))
    others = tuple(relation(one, path) for kind, one in found if kind == "RangeVar")
    return Clause("read", view, columns=columns, others=tuple(dict.fromkeys(others)))


def read_create_index(_kind: str, node: Node, path: Path) -> Reading:
    """CREATE INDEX."""
    concurrently = bool(node.get("concurrent"))
    built = hold(
        relation(node["relation"], path), SHARE_UPDATE_EXCLUSIVE if concurrently else SHARE, "scan"
    )
    name = node.get("idxname")
    index = Object("index", name, built.on.schema, built.on.path) if name else None
    conditional = bool(node.get("if_not_exists"))
    words = ["concurrently"] * concurrently + ["if not exists"] * conditional
    words += ["only"] if not node["relation"].get("inh") else []
    # Whether these have an index to build, the tables that are there say.
    is_sure = not {"if not exists", "only"} & set(words)
    keys = tuple(one["IndexElem"].get("name", "") for one in node["indexParams"])
    action = "name index" if is_sure else "build index"
    clause = Clause(action, built.on, name or "", keys, words=frozenset(words))
    return Reading(
        "alter",
        (built.on,),
        conditional,
        kind="create index",
        holds=(built,) if is_sure else (),
        clauses=(clause,),
        outside_only=concurrently,
        commits="itself" if concurrently else "never",
        fails_whole=not concurrently,
        repeatable=not concurrently or index is not None,
        concurrent=ConcurrentIndex("build", index, built.on) if concurrently else None,
    )


def read_on_table(kind: str, node: Node, path: Path) -> Reading:
    """CREATE and ALTER of what belongs to a table, which is altered by each of them."""
    table = relation(node.get("relation") or node["table"], path)
    lock = SHARE_ROW_EXCLUSIVE if kind == "CreateTrigStmt" else ACCESS_EXCLUSIVE
    words = {"CreateTrigStmt": "create trigger", "RuleStmt": "create rule"}
    reading = alteration(words.get(kind, f"{kind[:-10].lower()} policy"), hold(table, lock))
    if kind == "CreateTrigStmt":
        calls = called({"FuncCall": node, "when": node.get("whenClause")})
        reading = replace(reading, opaque=bool(calls), calls_own=calls)
    # What a rule is to do is looked at, and locked, as if it were done.
    done = [read_write(inner, one, path) for each in node.get("actions", [])
            for inner, one in each.items() if inner in WRITERS]  # fmt: skip
    others = tuple(one for each in done for one in each.holds if one.on != table)
    reading = replace(reading, holds=(*reading.holds, *others))
    emptied = tuple(
        relation(one["relation"], path)
        for what, one in walk(node.get("actions", []))
        if what == "DeleteStmt"
    )
    if not emptied:
        return reading
    lost = f"what the rule {node['rulename']} deletes, whenever it acts"
    return replace(reading, tables_written=emptied, loses=(lost,))


def read_create_statistics(_kind: str, node: Node, path: Path) -> Reading:
    """CREATE STATISTICS."""
    tables = [relation(one["RangeVar"], path) for one in node["relations"] if "RangeVar" in one]
    return alteration("create statistics", *(hold(one, SHARE_UPDATE_EXCLUSIVE) for one in tables))


def read_alter_table(_kind: str, node: Node, path: Path) -> Reading:
    """ALTER TABLE, and of the other relations what is no other statement."""
    kind = kind_of(node["objtype"])
    table = relation(node["relation"], path, kind if kind in RELATIONS else "table")
    conditional = bool(node.get("missing_ok"))
    clauses = tuple(read_clause(one["AlterTableCmd"], table, path) for one in node["cmds"])
    if kind == "type":
        return Reading("alter", (table,), conditional, kind="alter type", clauses=clauses)
    if kind in ("index", "view"):
        is_brief = kind == "index" and all(one.action in INDEX_SETTINGS for one in clauses)
        lock = SHARE_UPDATE_EXCLUSIVE if is_brief else ACCESS_EXCLUSIVE
        return Reading("alter", (table,), conditional, kind=f"alter {kind}",
                       holds=(hold(table, lock),))  # fmt: skip
    detaches = any(
        one.action == "detach partition" and "concurrent" in one.words for one in clauses
    )
    return Reading(
        "alter",
        (table,),
        conditional,
        columns_added=tuple(one.name for one in clauses if one.action == "add column"),
        columns_dropped=tuple(one.name for one in clauses if one.action == "drop column"),
        kind=f"alter {kind}",
        clauses=clauses,
        outside_only=detaches,
        commits="may" if detaches else "never",
        fails_whole=not detaches,
    )


def read_rename(_kind: str, node: Node, path: Path) -> Reading:
    """RENAME of a relation, a column or a constraint, and of anything else."""
    kind = kind_of(node["renameType"])
    new = node.get("newname", "")
    if kind == "schema":
        names = (Object(kind, node["subname"]), Object(kind, new))
        return Reading("alter", names, kind="alter schema")
    if "relation" not in node:
        return Reading("alter", tuple(_objects(kind, [node.get("object", {})], path)),
                       kind=f"alter {kind}")  # fmt: skip
    owner = kind_of(node.get("relationType", "OBJECT_TABLE")) if "subname" in node else kind
    is_renamed = kind in RELATIONS and node["renameType"] != "OBJECT_COLUMN"
    table = relation(node["relation"], path, owner if owner in RELATIONS else "table")
    lock = SHARE_UPDATE_EXCLUSIVE if kind == "index" else ACCESS_EXCLUSIVE
    renamed = Object(table.kind, new, table.schema, table.path)
    is_column = node["renameType"] == "OBJECT_COLUMN"
    return Reading(
        "alter",
        (table,),
        bool(node.get("missing_ok")),
        renames=((table, renamed),) if is_renamed else (),
        columns_renamed=((node["subname"], new),) if is_column else (),
        kind=f"alter {kind if kind in ON_TABLE else table.kind}",
        holds=(hold(table, lock),),
    )


def read_other_change(kind: str, node: Node, path: Path) -> Reading:
    """ALTER … SET SCHEMA, OWNER TO, DEPENDS ON."""
    objtype = kind_of(node.get("objectType") or node.get("objtype") or "OBJECT_TABLE")
    if "relation" not in node:
        return Reading("alter", tuple(_objects(objtype, [node.get("object", {})], path)),
                       kind=f"alter {objtype}")  # fmt: skip
    moved = relation(node["relation"], path, objtype if objtype in RELATIONS else "table")
    schema = node.get("newschema", "")
    return Reading("alter", (moved,), bool(node.get("missing_ok")), kind=f"alter {objtype}",
                   holds=(hold(moved, ACCESS_EXCLUSIVE),),
                   clauses=(Clause("set schema", moved, schema),) if schema else ())  # fmt: skip


def _objects(kind: str, nodes: list[Node], path: Path) -> Iterator[Object]:
    for node in nodes:
        if "List" in node:
            yield named(kind, texts(node["List"]["items"]), path)
        elif "TypeName" in node:
            yield named(kind, texts(node["TypeName"]["names"]), path)
        elif "ObjectWithArgs" in node:
            yield named(kind, texts(node["ObjectWithArgs"]["objname"]), path)
        elif "String" in node:
            yield Object(kind, node["String"]["sval"])


def read_drop(_kind: str, node: Node, path: Path) -> Reading:
    """DROP of anything but a database, a role and the like."""
    kind = kind_of(node["removeType"])
    conditional = bool(node.get("missing_ok"))
    if kind in ON_TABLE:
        parts = [texts(one["List"]["items"]) for one in node["objects"]]
        owned = [(named("table", one[:-1], path), one[-1]) for one in parts]
        holds = (hold(table, ACCESS_EXCLUSIVE) for table, _ in owned)
        clauses = tuple(Clause(f"drop {kind}", *one) for one in owned)
        return replace(alteration(f"drop {kind}", *holds), clauses=clauses)
    objects = tuple(_objects(kind, node["objects"], path))
    concurrently = bool(node.get("concurrent"))
    cascades = node.get("behavior") == "DROP_CASCADE"
    lock = SHARE_UPDATE_EXCLUSIVE if concurrently else ACCESS_EXCLUSIVE
    words = frozenset(["cascade"] * cascades + ["concurrently"] * concurrently)
    return Reading(
        "drop",
        objects,
        conditional,
        kind=f"drop {kind}",
        holds=tuple(hold(one, lock) for one in objects) if kind in RELATIONS else (),
        loses=tuple(_lost(kind, objects, cascades)),
        clauses=tuple(Clause(f"drop {kind}", one, words=words) for one in objects),
        outside_only=concurrently,
        commits="itself" if concurrently else "never",
        fails_whole=not concurrently,
        concurrent=ConcurrentIndex("drop", objects[0], None) if concurrently else None,
        runs_nothing=True,
    )


def read_drop_owned(_kind: str, node: Node, _path: Path) -> Reading:
    """DROP OWNED BY."""
    words = frozenset({"cascade"} if node.get("behavior") == "DROP_CASCADE" else ())
    names = (one["RoleSpec"].get("rolename", "") for one in node["roles"])
    clauses = tuple(Clause("drop owned", Object("role", one), words=words) for one in names)
    lost = ("everything that a role owns",)
    return Reading("drop", kind="drop owned", loses=lost, clauses=clauses)


def _lost(kind: str, objects: tuple[Object, ...], cascades: bool) -> Iterator[str]:
    """What goes with its rows; without CASCADE only what no rows depend on can be dropped."""
    for one in objects:
        if kind == "table" or (cascades and kind not in HARMLESS):
            name = f"{one.schema}.{one.name}" if one.schema else one.name
            yield f"the {kind} {name}"


def read_comment(statement: str, node: Node, path: Path) -> Reading:
    """COMMENT ON and SECURITY LABEL ON."""
    kind = kind_of(node["objtype"])
    parts = texts(node["object"].get("List", {}).get("items", []))
    if node["objtype"] == "OBJECT_COLUMN":
        parts = parts[:-1]
    words = "security label" if statement == "SecLabelStmt" else "comment"
    if kind not in RELATIONS or not parts:
        return Reading("alter", kind=words)
    return alteration(words, hold(named(kind, parts, path), SHARE_UPDATE_EXCLUSIVE))
