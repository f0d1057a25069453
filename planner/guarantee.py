"""Guarantees: what stays in the database when a plan stops at a given statement."""

from __future__ import annotations

import re
from collections.abc import Sequence

from planner.dialect import Dialect
from planner.plan import Guarantee, Step
from planner.statements import Statement

# Statements that MySQL and MariaDB can undo with their transaction. All others are taken to
# commit it: https://dev.mysql.com/doc/refman/8.4/en/implicit-commit.html
TRANSACTIONAL_WORDS = frozenset(
    {"select", "insert", "update", "delete", "replace", "with", "values", "table", "do", "set"}
)
# What no rollback of MySQL or MariaDB takes back, though it leaves the transaction open.
# https://dev.mysql.com/doc/refman/8.4/en/set-variable.html
LASTING = re.compile(
    r"set\s+(?:password|default\s+role)\b|set\b(?:.*,)?\s*(?:(?:global|persist|persist_only)\s|"
    r"@@(?:global|persist|persist_only)\s*\.[^,=]*=)",
    re.IGNORECASE | re.DOTALL,
)
ONE_TRANSACTION = "ATOMIC (one transaction)"


def guarantee(statement: Statement, dialect: Dialect, transactional: bool) -> Guarantee:
    """What a statement promises: undone with its transaction, or kept as soon as it ran."""
    if not transactional:
        return "point-of-no-return"
    if dialect.transactional_ddl:
        return "transactional"
    undone = statement.words[:1] and statement.words[0] in TRANSACTIONAL_WORDS
    if undone and not LASTING.match(statement.sql):
        return "transactional"
    return "point-of-no-return"


def verdict(steps: Sequence[Step]) -> str:
    """What a failure in the middle of these steps would leave behind, as a phrase."""
    for number, step in enumerate(steps, 1):
        for count, statement in enumerate(step.statements, 1):
            if statement.guarantee == "point-of-no-return":
                first_word = statement.sql.split(None, 1)[0].upper()
                return (
                    f"NOT ATOMIC after step {number} statement {count}: "
                    f"{first_word} is kept at once and cannot be rolled back"
                )
        if number < len(steps) and not _share_transaction(step, steps[number]):
            return f"NOT ATOMIC after step {number}: the next step is a transaction of its own"
    return ONE_TRANSACTION


def _share_transaction(step: Step, following: Step) -> bool:
    return step.transaction is not None and step.transaction == following.transaction
