"""A plan made once more, from its own text and the live ledger, and compared with what it says.

What it says of itself is not believed: all that follows from its files, the history and the
environment has to be what lockgate would write. Opens no file and asks no server.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from lockgate.planner.building.build import Setting, make_skip, make_step, plan_steps
from lockgate.planner.building.readings import with_absent, with_readings
from lockgate.planner.building.records import forget_step, record_step
from lockgate.planner.building.stored_runs import AppliedMigration, down_step
from lockgate.planner.errors import ContradictedPlan, StalePlan, WrongTarget
from lockgate.planner.guarantees.guarantee import rank
from lockgate.planner.hidden import is_visible
from lockgate.planner.plan.plan import FORMAT_VERSION, Plan, Step
from lockgate.planner.plan.record import Record
from lockgate.planner.plan.statement import Batch, Online, PlannedStatement
from lockgate.planner.value import frozen, replace

if TYPE_CHECKING:
    from lockgate.planner.database.ledger import Ledger
    from lockgate.planner.migrations.migration import Migration
    from lockgate.planner.versions import VersionKey

WHY = "Its digest is over what it says, and anybody can compute that: it proves no truth."
DO = "Make a new plan with `migrate plan`, and find out who has changed this one."
# What `rereading` compares, which may say more, and what a run of the rules makes again.
APART = frozenset({"findings", "touches", "loses", "takes", "fires"})
# The words of a lockgate: those of another one may be others. `rereading` holds them to the truth.
WORDS = frozenset({"guarantee", "reason", "reading"})
BY_TABLES = frozenset({"transaction", "guarantee", "reason"})
"""What depends on the tables, where the server commits DDL by itself."""


@frozen
class Source:
    """All that a plan is made from: its migrations, what the history has, and its environment."""

    migrations: Sequence[Migration]
    ledger: Ledger
    applied: Sequence[AppliedMigration]
    setting: Setting


def refuse_unlike(plan: Plan, source: Source) -> None:
    """Raises an error when the plan is not the one that is made from these; a plan that another
    lockgate made may have other words for the same.

    The ledger is at the plan's base, and nothing of the plan is begun.

    Raises:
        WrongTarget: it is for another project.
        StalePlan: the server or its tables are not those that it was made for.
        ContradictedPlan: it says what does not follow.
    """
    _refuse_unlike_whole(plan, source)
    found = _differences(plan, source)
    if not found:
        return
    others = (_differences(plan, _limited(source, limit)) for limit in (None, math.inf))
    if _has_own_tables(source) and not all(others):
        return  # a table is as large as it is estimated: it was copied or not by the past estimate
    raise _refusal(found[0], source)


def _has_own_tables(source: Source) -> bool:
    """Whether the tables of now decide on what can be undone."""
    return not source.setting.server.dialect.transactional_ddl


def _limited(source: Source, limit: float | None) -> Source:
    return replace(source, setting=replace(source.setting, copy_limit=limit))


@frozen
class _Difference:
    """What of a plan is not as it would be made: the field, and where it is."""

    place: str
    field: str


def _refusal(found: _Difference, source: Source) -> StalePlan | ContradictedPlan:
    if found.field in BY_TABLES and _has_own_tables(source):
        return StalePlan(
            f"By the tables of now the plan would be another: {found.place}: `{found.field}`.",
            why="It was judged by other tables, or it was changed.",
            do="Make a new plan with `migrate plan`, and have it reviewed.",
        )
    return _contradicted(found.place, found.field)


def _contradicted(place: str, field: str) -> ContradictedPlan:
    return ContradictedPlan(
        f"The plan contradicts itself: {place}: its `{field}` is not what its files, the history "
        "and the environment make it.",
        why=WHY,
        do=DO,
    )


def _refuse_unlike_whole(plan: Plan, source: Source) -> None:
    """Refuses what the plan says of itself as a whole, but for its steps."""
    setting, ledger = source.setting, source.ledger
    if len({step.key for step in plan.steps}) < len(plan.steps):
        raise _contradicted("its steps", "version")
    if plan.project != setting.project:
        raise WrongTarget(
            f"The plan is for the project {plan.project}, and this is {setting.project}.",
            why="A plan is applied in the one environment that it was made for.",
            do="Make a plan in this project.",
        )
    _refuse_other_release(plan, setting)
    known = plan.target.uuid is not None
    if known is not plan.base.present or (plan.base.serial > 0) > known:
        raise _contradicted("its base", "present")
    runs = [step for step in plan.steps if not step.record]
    if plan.steps and (plan.fresh is None) is bool(runs and not known):
        raise _contradicted("the first plan of a database", "fresh")
    adopts = any(step.record and step.record.why == "adopt" for step in plan.steps)
    if plan.steps and adopts is not (plan.adopted is not None):
        raise _contradicted("what it takes over", "adopted")
    if ledger.serial != plan.base.serial or ledger.digest != plan.base.digest:
        raise _contradicted("its base", "digest")


def _refuse_other_release(plan: Plan, setting: Setting) -> None:
    """Refuses a server of another release: the text may mean something else to it, or need other
    locks. Of another minor version of PostgreSQL or MySQL it does not; it is read again by it."""
    told, dialect = plan.target.server_number, setting.server.dialect
    if told is None and plan.format_version == FORMAT_VERSION:
        raise _contradicted("its target", "server_number")
    step = 10_000 if dialect.transactional_ddl else 100
    if told is not None and told // step != dialect.version // step:
        raise StalePlan(
            f"The plan was made for the version {told} of the server; this is {dialect.version}.",
            why="The same text can do something else there, and it was judged by the other.",
            do="Make a new plan with `migrate plan`, and have it reviewed.",
        )


def _differences(plan: Plan, source: Source) -> list[_Difference]:
    """What is not as it would be made."""
    honest = remake(plan, source)
    same_words = plan.tool_version == source.setting.tool_version
    apart = APART if same_words and plan.format_version == FORMAT_VERSION else APART | WORDS
    pairs = enumerate(zip(plan.steps, honest.steps, strict=True), 1)
    found = [one for number, pair in pairs for one in _unlike_step(number, *pair, apart)]
    if plan.result != honest.result:
        found.append(_Difference("its end", "result"))
    if apart is APART and plan.verdict != honest.verdict:
        field = "guarantee" if _has_own_tables(source) else "verdict"
        found.append(_Difference("its verdict", field))
    if rank(plan.verdict) > rank(honest.verdict):
        found.append(_Difference("its verdict", "verdict"))
    return found


def _unlike_step(
    number: int, step: Step, honest: Step, apart: frozenset[str]
) -> Iterator[_Difference]:
    place = f"step {number} ({step.file})"
    for field in Step.model_fields:
        told, made = getattr(step, field), getattr(honest, field)
        if field in apart or told == made:
            continue
        is_list = field in ("statements", "rollback")
        if not is_list or told is None or made is None or len(told) != len(made):
            yield _Difference(place, field)
        else:
            # Of its way back no plan says what it touches and loses.
            but = apart if field == "statements" else apart - APART
            yield from _unlike_statements(place, told, made, but)


def _unlike_statements(
    place: str,
    told: Sequence[PlannedStatement],
    made: Sequence[PlannedStatement],
    apart: frozenset[str],
) -> Iterator[_Difference]:
    for number, (one, other) in enumerate(zip(told, made, strict=True), 1):
        for field in type(one).model_fields:
            if field not in apart and _said(one, field) != _said(other, field):
                yield _Difference(f"{place} statement {number}", field)


def _said(statement: PlannedStatement, field: str) -> object:
    """What a statement says, without how large its table is estimated, or what a program says."""
    value = getattr(statement, field)
    return value.written if isinstance(value, Batch | Online) else value


def remake(plan: Plan, source: Source) -> Plan:
    """The plan of the same steps, made again."""
    known = {migration.key: migration for migration in source.migrations}
    steps = [
        _remake_step(number, step, known.get(step.key), source)
        for number, step in enumerate(plan.steps, 1)
    ]
    setting = source.setting
    # What is absent by the plan has been looked for; what was there when it was made may be gone.
    read = with_absent(with_readings(steps, setting.server.dialect), plan.steps)
    if plan.steps and all(step.record and not step.record.is_skip for step in plan.steps):
        setting = replace(setting, transaction="plan")
    return plan_steps(read, source.ledger, setting)


def _remake_step(number: int, step: Step, migration: Migration | None, source: Source) -> Step:
    entries = {entry.key: entry for entry in source.ledger.entries}
    entry, place = entries.get(step.key), f"step {number} ({step.file})"
    if step.direction == "up":
        if migration is None or (entry is not None and not migration.repeatable):
            raise _contradicted(place, "version")
        return _up_again(place, step, migration, source, entry.checksum if entry else None)
    if entry is None or entry.checksum != step.checksum:
        raise _contradicted(place, "version")
    if step.record and not step.record.is_skip:
        return forget_step(entry)
    if step.record:
        return _skip_again(place, step, migration, entry.version, source.setting)
    if migration is None:
        return down_step(_find(step.key, source.applied), source.setting.server.dialect)
    made = make_step(migration, "down", entry.version, _rendering(step, source.setting))
    return made.model_copy(update={"file": step.file})  # that which the database has kept, or now


def _skip_again(
    place: str, step: Step, migration: Migration | None, version: str, setting: Setting
) -> Step:
    reason = step.record.reason if step.record else ""
    if migration is None or not is_visible(reason):
        raise _contradicted(place, "record")
    made = make_skip(migration, version, reason, _rendering(step, setting))
    return made.model_copy(update={"file": step.file})  # that which the database has kept, or now


def _up_again(
    place: str, step: Step, migration: Migration, source: Source, replaced: str | None
) -> Step:
    if step.record is None:
        setting = _rendering(step, source.setting)
        made = make_step(migration, "up", migration.version, setting)
        return made.model_copy(update={"replaces": replaced}) if replaced else made
    record = step.record
    if record.why in ("forget", "skip"):
        raise _contradicted(place, "record")
    record = record if record.why == "adopt" else Record(why=record.why)
    return record_step(migration, record, source.setting)


def _rendering(step: Step, setting: Setting) -> Setting:
    """With the variables that `bind` has found to be those of the step."""
    variables: Mapping[str, str] | None = step.text.variables if step.text else None
    return setting if variables is None else replace(setting, variables=variables)


def _find(key: VersionKey, applied: Sequence[AppliedMigration]) -> AppliedMigration:
    return next(one for one in applied if one.key == key)
