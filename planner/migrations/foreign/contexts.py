"""Contexts and labels of Liquibase: which changesets are for a database.

Unlike Liquibase, which runs all of them when none is given, this asks for a decision.
https://github.com/liquibase/liquibase/blob/master/liquibase-standard/src/main/java/liquibase/util/ExpressionMatcher.java
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.value import frozen

CONTEXTS = ("context", "contextfilter")
LABELS = "labels"
INNERMOST = re.compile(r"\(([^()]*)\)")
OR = re.compile(r"\s*,\s*|\s+or\s+")
AND = re.compile(r"\s+and\s+")
DEEPEST = 20
TRUE, FALSE = ":true", ":false"


@frozen
class Decided:
    """What an environment says of its database: its contexts, and the labels that run there, as an
    expression; None where it says nothing."""

    contexts: tuple[str, ...] | None = None
    labels: str | None = None

    def find_undecided(self, attributes: Mapping[str, str]) -> tuple[str, ...]:
        """The attributes that need a decision there is not, as they are written."""
        said = {LABELS: self.labels, **dict.fromkeys(CONTEXTS, self.contexts)}
        return tuple(
            f"{key}:{value}"
            for key, value in attributes.items()
            if value and said.get(key.lower(), "") is None
        )

    def takes(self, attributes: Mapping[str, str]) -> bool:
        """Whether what has these attributes is for the database."""
        told = {key.lower(): value for key, value in attributes.items()}
        wanted = next((told[key] for key in CONTEXTS if told.get(key)), "")
        labels = [one.strip() for one in told.get(LABELS, "").split(",") if one.strip()]
        return (not wanted or holds(wanted, self.contexts or ())) and (
            not labels or holds(self.labels or "", labels)
        )


UNDECIDED = Decided()


def holds(expression: str, names: Collection[str]) -> bool:
    """Whether an expression of names is true where these are given; a comma is an `or`.

    >>> [holds("!(prod or staging) and eu", names) for names in (["EU"], ["eu", "prod"], [])]
    [True, False, False]

    Raises:
        MigrationFileError: it cannot be read.
    """
    known = {one.strip().lower() for one in names} | {TRUE}
    text = expression.lower()
    for _ in range(DEEPEST):
        text = INNERMOST.sub(lambda one: f" {TRUE if _flat(one[1], known) else FALSE} ", text)
    if "(" in text or ")" in text:
        raise MigrationFileError(
            f"the expression `{expression[:200]}` cannot be read",
            do="Close each parenthesis that it opens.",
        )
    return _flat(text, known)


def _flat(text: str, known: Collection[str]) -> bool:
    return any(all(_term(term, known) for term in AND.split(one)) for one in OR.split(text.strip()))


def _term(text: str, known: Collection[str]) -> bool:
    word = text.strip().removeprefix("@").strip()
    name = word.removeprefix("!") if word.startswith("!") else word.removeprefix("not ")
    return (name.strip() in known) != (name != word)
