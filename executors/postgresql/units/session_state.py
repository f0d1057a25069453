"""What a statement of PostgreSQL leaves in its session, which a step that goes on must have.

Reads the statement alone: what a function does that it calls cannot be seen.
"""

from __future__ import annotations

import re
from typing import Literal

GAP = r"(?:\s|--[^\n]*\n|/\*.*?\*/)"
SET = re.compile(r"(?:set|reset)\b", re.IGNORECASE)
# Outside of a transaction these end with their own statement.
SHORT = re.compile(rf"set{GAP}++(?:local|constraints|transaction)\b", re.IGNORECASE | re.DOTALL)
# It calls nothing else, which to do twice could do harm.
SET_CONFIG = re.compile(
    r"select\b(?=.*\bset_config\()(?!.*(?<!\bset_config)(?<!\bcurrent_setting)\()"
    r"(?!.*\b(?:from|into)\b)",
    re.IGNORECASE | re.DOTALL,
)
STATELESS = re.compile(
    rf"create\b(?!{GAP}++(?:(?:or{GAP}++replace|global|local){GAP}++)*+temp(?:orary)?\b)(?!.*\bpg_temp\b)|"
    r"(?:alter|drop|comment|grant|revoke|insert|update|delete|merge|copy|truncate|reindex|vacuum|"
    r"analyze|analyse|refresh|cluster|security|import|reassign|checkpoint|notify)\b",
    re.IGNORECASE | re.DOTALL,
)

Left = Literal["nothing", "settings", "unknown"]


def left_by(sql: str) -> Left:
    """What a statement has left; `settings` are had again when it is run again.

    >>> left_by("set role app"), left_by("create table t ()"), left_by("create temp table t ()")
    ('settings', 'nothing', 'unknown')
    """
    if STATELESS.match(sql) or SHORT.match(sql):
        return "nothing"
    return "settings" if SET.match(sql) or SET_CONFIG.match(sql) else "unknown"
