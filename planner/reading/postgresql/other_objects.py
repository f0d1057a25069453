"""What CREATE and ALTER of functions, event triggers, domains, sequences and publications do.

https://www.postgresql.org/docs/current/sql-commands.html
"""

from __future__ import annotations

from lockgate.planner.reading.calls import own_calls
from lockgate.planner.reading.code_text import each_code
from lockgate.planner.reading.postgresql.alter import constraint_words
from lockgate.planner.reading.postgresql.locks import (
    SHARE_ROW_EXCLUSIVE,
    SHARE_UPDATE_EXCLUSIVE,
    hold,
)
from lockgate.planner.reading.postgresql.nodes import (
    Node,
    Path,
    called,
    named,
    relation,
    texts,
    type_name,
    walk,
)
from lockgate.planner.reading.postgresql.outlines import (
    alteration,
    first_name,
    made,
    made_in,
    outline_function,
)
from lockgate.planner.reading.reading import Clause, Object, Reading, Verb
from lockgate.planner.reading.stored import runs_other_code, takes_all, takes_away
from lockgate.planner.sql.dialect import POSTGRESQL
from lockgate.planner.value import replace

TRIGGERS = frozenset({"trigger", "event_trigger"})


def read_create_function(_kind: str, node: Node, _path: Path) -> Reading:
    """CREATE FUNCTION and CREATE PROCEDURE. What returns a trigger runs without being called."""
    name = first_name(node)
    codes = [
        code
        for kind, one in walk(node.get("options", []))
        if kind == "String"
        for code in each_code(one.get("sval", ""), POSTGRESQL)
    ]
    body = node.get("sql_body", {})
    calls = called(body).union(*(own_calls(code.found, "postgresql") for code in codes))
    takes = _takes_all(body) or any(code.is_cut or takes_all(code.found) for code in codes)
    reading = replace(made("function", name, node), calls_own=calls, takes_when_called=takes,
                      outline=tuple(outline_function(node)))  # fmt: skip
    if type_name(node.get("returnType", {})) not in TRIGGERS:
        return reading
    others = bool(calls) or any(runs_other_code(code.found) for code in codes)
    # So it may where it has more tokens than are read.
    if any(code.is_cut or takes_away(code.found) for code in codes):
        lost = f"what the trigger function {name} takes away, whenever it runs"
        reading = replace(reading, loses=(lost,))
    return replace(reading, opaque=others)


def _takes_all(body: Node) -> bool:
    """Whether a body that is no string deletes what no condition names: it can do no DDL."""
    return any(kind == "DeleteStmt" and "whereClause" not in one for kind, one in walk(body))


def read_event_trigger(_kind: str, node: Node, _path: Path) -> Reading:
    """CREATE EVENT TRIGGER: its function runs with the rights of everybody who changes a schema."""
    made_one = (Object("event trigger", node["trigname"]),)
    return Reading("create", made_one, kind="create event trigger", opaque=True)


def read_publication(kind: str, node: Node, path: Path) -> Reading:
    """CREATE PUBLICATION and ALTER PUBLICATION: of each table that is added, and only named."""
    named = [one["PublicationObjSpec"].get("pubtable") for one in node.get("pubobjects", [])]
    tables = [relation(one["relation"], path) for one in named if one]
    holds = tuple(hold(one, SHARE_UPDATE_EXCLUSIVE) for one in tables)
    verb: Verb = "create" if kind.startswith("Create") else "alter"
    return Reading(verb, (Object("publication", node["pubname"]),), kind=f"{verb} publication",
                   holds=holds)  # fmt: skip


def read_alter_sequence(_kind: str, node: Node, path: Path) -> Reading:
    """ALTER SEQUENCE: who takes a value waits."""
    sequence = relation(node["sequence"], path, "sequence")
    return replace(alteration("alter sequence", hold(sequence, SHARE_ROW_EXCLUSIVE)),
                   conditional=bool(node.get("missing_ok")))  # fmt: skip


def read_create_domain(_kind: str, node: Node, path: Path) -> Reading:
    """CREATE DOMAIN; what it is made of decides whether a column of it is written."""
    domain = named("domain", texts(node["domainname"]), made_in(path))
    found = (one["Constraint"]["contype"] for one in node.get("constraints", []))
    words = frozenset(one for one in found if one in ("CONSTR_CHECK", "CONSTR_NOTNULL"))
    clause = Clause("make domain", domain, type=type_name(node["typeName"]), words=words)
    return Reading("create", (domain,), kind="create domain", clauses=(clause,))


def read_domain_change(_kind: str, node: Node, path: Path) -> Reading:
    """ALTER DOMAIN: a constraint is checked in every table that uses the domain."""
    domain = named("domain", texts(node["typeName"]), path)
    words: frozenset[str] = frozenset()
    if "Constraint" in node.get("def", {}):
        words = constraint_words(node["def"]["Constraint"])
    actions = {"C": "add constraint", "O": "set not null", "V": "validate constraint"}
    action = f"domain {actions.get(node['subtype'], 'other')}"
    return Reading("alter", (domain,), kind="alter domain",
                   clauses=(Clause(action, domain, words=words),))  # fmt: skip
