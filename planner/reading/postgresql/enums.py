"""New values of enums, which PostgreSQL refuses to use in the transaction that adds them.

Decides nothing. https://www.postgresql.org/docs/current/sql-altertype.html
"""

from __future__ import annotations

import re

from lockgate.planner.reading.postgresql.grammar import NotRead, parse
from lockgate.planner.reading.postgresql.nodes import texts
from lockgate.planner.sql.cursor import read_tokens
from lockgate.planner.sql.dialect import POSTGRESQL

# They read all values of a type: https://www.postgresql.org/docs/current/functions-enum.html
READ_ALL = frozenset({"enum_first", "enum_last", "enum_range"})
# No statement that makes or changes an enum is longer, but in order to be slow.
LONGEST = 100_000
SPARES_MADE = 170000


class NewValues:
    """The values that a transaction adds to enums and may not use, by the server's version; 0 is
    the newest. From version 17 on it may use those of a type that it makes itself."""

    def __init__(self, version: int = 0) -> None:
        self._spares_made = version == 0 or version >= SPARES_MADE
        self._added: dict[str, None] = {}
        self._made: set[str] = set()

    def follow(self, sql: str, kind: str) -> None:
        """Takes in a statement that runs in the transaction; `kind` is that of its reading."""
        if kind not in ("create enum", "alter type") or len(sql) > LONGEST:
            return
        try:
            node_kind, node = parse(sql)
        except NotRead:
            return
        name = (texts(node.get("typeName", [])) or [""])[-1]
        if kind == "create enum" and self._spares_made:
            self._made.add(name)
        elif node_kind == "AlterEnumStmt" and "oldVal" not in node and name not in self._made:
            self._added[node["newVal"]] = None

    def used_by(self, sql: str, copy_data: str | None = None) -> str | None:
        """The value among them that a statement may use; None: none.

        Every string is searched, also those of code and of arrays, so one may be found in vain.
        """
        if not self._added:
            return None
        tokens = list(read_tokens(sql, POSTGRESQL).rest())
        strings = [token.text for token in tokens if token.kind == "string"]
        text = "\n".join([*strings, copy_data or ""])
        if any(token.word in READ_ALL for token in tokens):
            return next(iter(self._added))
        return next((value for value in self._added if _is_in(value, text)), None)


def _is_in(value: str, text: str) -> bool:
    """Whether a text has the value as a word of its own, spelled as a string would."""
    spelled = re.escape(value.replace("'", "''"))
    return re.search(rf"(?<!\w){spelled}(?!\w)", text) is not None
