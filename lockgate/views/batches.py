"""What a statement in batches means for a reviewer: how it is cut, how much that is, and what is
there if it stops."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.plan.proof import StepCost
from lockgate.planner.plan.statement import Batch, Limit
from lockgate.planner.quantities import format_duration, format_size

STOPS = "if it stops, the batches that are done stay, and the same command goes on after them"


def describe_batch(batch: Batch) -> str:
    """How a statement runs in batches, as clauses.

    >>> from lockgate.planner.plan.statement import Named
    >>> batch = Batch(key=("id",), table=Named(kind="table", name="t"), size=5000, target_ms=1000,
    ...               slots=(), types=("bigint",), rows=2_000_000, bytes=1 << 30)
    >>> describe_batch(batch).partition("; if")[0]
    'along t (id bigint), about 400 batches of 5,000 rows, ~2,000,000 rows, 1GB, each about 1s'
    """
    return "; ".join((", ".join(_how(batch)), STOPS, *_conditions(batch)))


def _how(batch: Batch) -> Iterator[str]:
    types = batch.types or ("",) * len(batch.key)
    key = ", ".join(f"{one} {kind}".strip() for one, kind in zip(batch.key, types, strict=True))
    yield f"along {batch.table.name} ({key})"
    if batch.batches is None:
        yield f"batches of {batch.size:,} rows, how many is not known"
    else:
        yield f"about {batch.batches:,} batches of {batch.size:,} rows"
        yield f"~{batch.rows:,} rows"
        yield format_size(batch.bytes or 0)
    yield f"each about {format_duration(batch.target_ms / 1000)}"
    if batch.pause_ms:
        yield f"{format_duration(batch.pause_ms / 1000)} between two"


def _conditions(batch: Batch) -> Iterator[str]:
    if batch.throttles:
        yield f"the next one waits for {' and '.join(map(spell_limit, batch.throttles))}"
    if batch.until:
        yield f"at the end {batch.until} must hold, or the table is walked again"


def spell_cost(cost: StepCost) -> str:
    """What a step has cost where it ran, as clauses.

    >>> spell_cost(StepCost(batches=3, rows=5000, batches_ms=1234, others_waited_ms=90_000,
    ...                     others_waiting=4))
    '3 batches in 1s, 5,000 rows changed; other sessions waited 90s in all, up to 4 at once'
    """
    told = []
    if cost.batches is not None:
        seconds = format_duration(round((cost.batches_ms or 0) / 1000))
        told.append(f"{cost.batches:,} batches in {seconds}, {cost.rows or 0:,} rows changed")
    if cost.others_waited_ms is not None:
        seconds = format_duration(round(cost.others_waited_ms / 1000))
        told.append(f"other sessions waited {seconds} in all, up to {cost.others_waiting} at once")
    return "; ".join(told)


def spell_limit(limit: Limit) -> str:
    """A limit as its file has it.

    >>> spell_limit(Limit(gauge="lag", below=5000)), spell_limit(Limit(gauge="running", below=40))
    ('lag<5s', 'running<40')
    """
    if limit.gauge == "running":
        return f"running<{limit.below}"
    if limit.gauge == "wal":
        return f"wal<{format_size(limit.below)}"
    return f"{limit.gauge}<{format_duration(limit.below / 1000)}"
