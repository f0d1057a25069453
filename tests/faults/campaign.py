"""Faults one after another on one bench, until there are enough or the time is over."""

import time
from collections.abc import Iterator, Sequence
from itertools import islice

from tests.faults.bench import Bench, Prepared, Unprepared
from tests.faults.choice import choose_place, choose_rounds, list_failing
from tests.faults.fault import Fault, Variant
from tests.faults.judgement import Verdict, judge, judge_natural

PATIENCE = 20
"""How often a fault that did not come to be, or was done already, may be skipped for each one."""


def run_natural(bench: Bench, variants: Sequence[Variant]) -> Iterator[Verdict]:
    """Each plan with a refused statement, and no other fault."""
    for variant in list_failing(variants):
        yield replay(bench, Fault(variant, "natural"))


def run_faults(
    bench: Bench, variants: Sequence[Variant], count: int, until: float
) -> Iterator[Verdict]:
    """`count` faults that were really done, or as many as there are till `until` (monotonic)."""
    seen: set[Fault] = set()
    done = 0
    for variant, turn in islice(choose_rounds(variants), count * PATIENCE):
        if done >= count or time.monotonic() > until:
            return
        fault = _choose(bench, variant, turn)
        if fault is None or fault in seen:
            continue
        seen.add(fault)
        verdict = replay(bench, fault)
        if verdict.struck or verdict.violations:
            done += 1
            yield verdict


def replay(bench: Bench, fault: Fault) -> Verdict:
    """What one fault, done alone, comes to."""
    try:
        prepared = bench.prepare(fault.variant)
        if fault.kind == "natural":
            return judge_natural(prepared)
        return judge(fault, prepared, bench.inject(prepared, fault))
    except Unprepared as error:
        return Verdict(fault, "", "", (str(error),))


def _choose(bench: Bench, variant: Variant, turn: int) -> Fault | None:
    """A fault to a plan; None for a plan that cannot be had, of which `run_whole` tells."""
    prepared = _prepare(bench, variant)
    if prepared is None:
        return None
    kind, number, side = choose_place(variant, turn, len(prepared.messages))
    return Fault(variant, kind, number, side)


def _prepare(bench: Bench, variant: Variant) -> Prepared | None:
    try:
        return bench.prepare(variant)
    except Unprepared:
        return None


def run_whole(bench: Bench, variants: Sequence[Variant]) -> Iterator[Verdict]:
    """The plans that cannot be had at all: each one is a violation."""
    for variant in variants:
        try:
            bench.prepare(variant)
        except Unprepared as error:
            yield Verdict(Fault(variant, "natural"), "", "", (str(error),))
