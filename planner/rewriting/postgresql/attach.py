"""ATTACH PARTITION: the rows are proved to fit by a CHECK, before any lock on the whole.

https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
"""

from __future__ import annotations

from lockgate.planner.database.facts import Layout
from lockgate.planner.reading.postgresql.nodes import Node, only, relation
from lockgate.planner.reading.postgresql.weighing.proofs import partition_column
from lockgate.planner.reading.sizes import find_table
from lockgate.planner.rewriting.names import server_name
from lockgate.planner.rewriting.piece import (
    DependsOnTables,
    NoSafeForm,
    Original,
    Pieces,
    SafePart,
    alter_table,
)
from lockgate.planner.rewriting.postgresql.constraint import dropped, in_two
from lockgate.planner.rewriting.postgresql.not_null import column_node

KINDS = ("AlterTableStmt",)
LABEL = "bound"


def rewrite(original: Original) -> Pieces | None:
    """A CHECK of the bound on the new partition, its opposite on the default one, then both go
    with the statement that attaches."""
    if original.command["subtype"] != "AT_AttachPartition":
        return None
    facts = original.table_facts
    whole = facts.layout if facts else None
    if whole is None:
        raise DependsOnTables("by which column the table is partitioned is not known")
    column = partition_column(whole)
    if column is None:
        raise NoSafeForm("only partitions by one column are known here")
    partition = original.command["def"]["PartitionCmd"]
    inside = _condition(partition["bound"], column)
    new = partition["name"]
    checks = [(new, inside)]
    if whole.default:
        outside = {"BoolExpr": {"boolop": "NOT_EXPR", "args": [inside]}}
        checks.append((_default(original, whole), outside))
    named = [(table, server_name(table["relname"], [], LABEL), test) for table, test in checks]
    proofs = [in_two(table, _check(name, test)) for table, name, test in named]
    gone = [
        SafePart(alter_table(table, dropped(name)), "attach", back=proof)
        for (table, name, _), proof in zip(named, proofs, strict=True)
    ]
    bound = {"PartitionCmd": {"name": new}}
    back = SafePart(original.altered({"subtype": "AT_DetachPartition", "def": bound}), "attach")
    attached = SafePart(original.sql, "attach", back=(back,))
    return (*(piece for proof in proofs for piece in proof), attached, *gone)


def _default(original: Original, whole: Layout) -> Node:
    known = find_table(relation({"relname": whole.default}), original.facts)
    schema, _, name = whole.default.rpartition(".")
    if known is None:
        raise NoSafeForm("the default partition is not known")
    named = {"relname": name, "inh": True, "relpersistence": "p"}
    return {**named, "schemaname": schema} if schema else named


def _check(name: str, test: Node) -> Node:
    return {"contype": "CONSTR_CHECK", "conname": name, "is_enforced": True, "raw_expr": test}


def _condition(bound: Node, column: str) -> Node:
    """What the server itself asks of the rows of a partition."""
    given = {"NullTest": {"arg": column_node(column), "nulltesttype": "IS_NOT_NULL"}}
    if bound.get("is_default"):
        raise NoSafeForm("the rows of a default partition are those that fit nowhere else")
    if "listdatums" in bound:
        values = bound["listdatums"]
        if any(one.get("A_Const", {}).get("isnull") for one in values):
            raise NoSafeForm("a partition of NULL is not known here")
        test = _expression("AEXPR_IN", "=", column, {"List": {"items": values}})
        return _all([given, test])
    limits = [(">=", bound["lowerdatums"][0]), ("<", bound["upperdatums"][0])]
    tests = [
        _expression("AEXPR_OP", operator, column, value)
        for operator, value in limits
        if only(value)[0] != "ColumnRef"  # MINVALUE and MAXVALUE
    ]
    return _all([given, *tests])


def _expression(kind: str, operator: str, column: str, value: Node) -> Node:
    name = [{"String": {"sval": operator}}]
    return {"A_Expr": {"kind": kind, "name": name, "lexpr": column_node(column), "rexpr": value}}


def _all(tests: list[Node]) -> Node:
    return {"BoolExpr": {"boolop": "AND_EXPR", "args": tests}} if len(tests) > 1 else tests[0]
