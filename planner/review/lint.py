"""Runs the lint rules over sections, joins what an outer linter found, and applies waivers.

Reads no file and runs no process: the caller brings the outer findings.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.finding import REHEARSED, Finding
from lockgate.planner.migrations.waiver import Waiver
from lockgate.planner.review import rules
from lockgate.planner.review.squawk_rules import RULES as SQUAWK_RULES
from lockgate.planner.review.squawk_rules import UNREAD, drop_repeated

if TYPE_CHECKING:
    from lockgate.planner.review.section import Subject


def lint(
    subject: Subject, waivers: Iterable[Waiver] = (), outer: Sequence[Finding] = ()
) -> tuple[Finding, ...]:
    """All findings of a section, by line, with the reasons of those that are waived.

    Raises:
        MigrationFileError: a waiver names no rule.
    """
    waivers = tuple(waivers)
    refuse_unknown(waivers)
    own = [each for rule in _rules() for each in _uncovered(rule, subject, outer)]
    found = sorted([*own, *drop_repeated(outer)], key=lambda one: (one.line, one.code))
    return tuple(waived(finding, waivers) for finding in found)


@cache
def rule_codes() -> tuple[str, ...]:
    """The code of every rule, those of rehearsals too, in the order of the alphabet."""
    return tuple(sorted({*rules.own_codes(), *SQUAWK_RULES, UNREAD, *REHEARSED}))


def unknown_waivers(waivers: Iterable[Waiver]) -> tuple[Waiver, ...]:
    """Those that name no rule."""
    return tuple(waiver for waiver in waivers if waiver.code not in rule_codes())


def refuse_unknown(waivers: Iterable[Waiver]) -> None:
    """Raises MigrationFileError for a waiver that names no rule."""
    for waiver in unknown_waivers(waivers):
        near = get_close_matches(waiver.code, rule_codes(), n=1)
        raise MigrationFileError(
            f"`allow {waiver.code}` names no rule",
            line=waiver.line,
            do=f"Did you mean `{near[0]}`?" if near else "See docs/reference/lint.md.",
        )


def waived(finding: Finding, waivers: Iterable[Waiver]) -> Finding:
    """The finding with the reason of the first waiver that is meant for it."""
    for waiver in waivers:
        is_meant = waiver.code == finding.code or waiver.code in _covering(finding.code)
        if is_meant and waiver.statement in (0, finding.statement):
            return finding.model_copy(update={"allowed": waiver.reason})
    return finding


@cache
def _rules() -> tuple[ModuleType, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(rules.__path__))
    return tuple(importlib.import_module(f"{rules.__name__}.{name}") for name in names)


def _uncovered(rule: ModuleType, subject: Subject, outer: Sequence[Finding]) -> Iterator[Finding]:
    for finding in rule.find(subject):
        covering = _covering(finding.code)
        if not any(one.code in covering and one.statement == finding.statement for one in outer):
            yield finding


@cache
def _covering(code: str) -> frozenset[str]:
    """The outer rules that say the same: a waiver of one of them is a waiver of ours."""
    own = (rule for rule in _rules() if code == rule.CODE)
    return next((getattr(rule, "COVERED_BY", frozenset()) for rule in own), frozenset())
