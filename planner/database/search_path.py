"""The text of PostgreSQL's search_path as the names of schemas.

Knows no database: `$user` stays as it is.
"""

from __future__ import annotations


def split_path(text: str) -> tuple[str, ...]:
    """The schemas in the text of a search_path.

    >>> split_path('"$user", public, "B"')
    ('$user', 'public', 'B')
    """
    parts = [part.strip() for part in text.split(",")]
    return tuple(part[1:-1] if part[:1] == '"' else part.lower() for part in parts if part)
