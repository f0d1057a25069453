"""The units of a plan where the server commits DDL by itself: what is kept or undone together.

Reads no server: the facts are given. What one statement promises, `statement_guarantees` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, get_args

from lockgate.planner.guarantees.guarantee import (
    WRITTEN_ALONE,
    Cause,
    Judgement,
    Part,
    place_of_batches,
    sum_up,
)
from lockgate.planner.guarantees.statement_guarantees import (
    TRANSACTIONAL,
    Chance,
    Promise,
    Terms,
    weigh,
)
from lockgate.planner.plan.statement import Guarantee, PlannedStatement
from lockgate.planner.reading.mysql.reader import read
from lockgate.planner.reading.tables import Schema
from lockgate.planner.value import frozen, replace

if TYPE_CHECKING:
    from lockgate.planner.database.facts import Facts
    from lockgate.planner.plan.plan import Plan, Step
    from lockgate.planner.sql.dialect import Dialect

# From the best to the weakest.
RANKS: tuple[Guarantee, ...] = get_args(Guarantee)

IN_PIECES = "its section cannot be undone as a whole, for its "
# What the files and the environment ask for.
ALONE = "the next step says `transaction:false`"
IN_BATCHES = "the next step runs in batches"
EACH_STEP = "each step is a unit of its own by `transaction: step`"

Mode = Literal["plan", "step"]
SectionChances = tuple[Chance, ...]
Promises = tuple[Promise, ...]


@frozen
class _Group:
    """Consecutive steps that are one unit, or one step that is none."""

    steps: tuple[Step, ...]
    promises: tuple[Promises, ...]
    is_unit: bool
    why: str = ""
    """Why no further step joins the unit, or why the step is none, as a clause."""


class _Running:
    """A unit that further steps may join; it is sound at any time."""

    def __init__(self, step: Step, section: SectionChances) -> None:
        self.steps = [step]
        self.sections = [section]
        self._final = _last_final(section)
        self._fragile = _fragile(section)

    def refuse(self, section: SectionChances) -> str:
        """Why a step cannot join, as a clause; empty: it can."""
        if self._final and section:
            return self._final.reason
        if self._fragile and (_commits(section) or _leaves_session(self.sections[-1])):
            return f"the next step would keep its rows for good: {self._fragile.reason}"
        culprit = _culprit(_settle([section])[0])
        return f"the next step cannot be undone as a whole, for its {culprit}" if culprit else ""

    def add(self, step: Step, section: SectionChances) -> None:
        """Takes in a step that was not refused."""
        keeps = not _commits(section) and not _leaves_session(self.sections[-1])
        self._fragile = (self._fragile if keeps else None) or _fragile(section)
        self._final = _last_final(section) if section else self._final
        self.steps.append(step)
        self.sections.append(section)

    def group(self, next_stays_out: str) -> _Group:
        """The unit, when no more joins it."""
        settled = tuple(_settle(self.sections))
        return _Group(tuple(self.steps), settled, True, next_stays_out)


def judge_units(steps: Sequence[Step], facts: Facts, terms: Terms, mode: Mode) -> Judgement:
    """The steps with their units and promises; those that come without a transaction keep that."""
    groups = list(_group(steps, Schema(facts), terms, mode))
    numbers = iter(range(1, len(groups) + 1))
    judged: list[Step] = []
    for group in groups:
        number = next(numbers) if group.is_unit else None
        for step, promises in zip(group.steps, group.promises, strict=True):
            judged.append(_promised(step, number, promises, terms, facts))
    return Judgement(
        tuple(judged), sum_up([_part(group) for group in groups]), tuple(_warnings(groups))
    )


def rejudge(
    plan: Plan, facts: Facts, dialect: Dialect, copy_limit: float | None, done: int = 0
) -> tuple[str, ...]:
    """A sentence for each statement that by these facts promises less than the plan says.

    `facts` are those of the database after the first `done` steps; `copy_limit` is in bytes.
    """
    terms = Terms(dialect, plan.target.database, copy_limit)
    schema = Schema(facts)
    found: list[str] = []
    for unit in plan.units(done):
        schema.begin_unit()
        sections = [_weigh_section(step.statements, schema, terms) for step in unit.steps]
        if unit.transaction is None:
            continue
        for step, promises in zip(unit.steps, _settle(sections), strict=True):
            found += _weaker(step, promises)
    return tuple(found)


def is_unit(plan: Plan, place: int, facts: Facts, dialect: Dialect) -> bool:
    """Whether the step at this place, from 0, can be undone as a whole and without copies, by the
    facts before the plan: how large a table is, a server only estimates."""
    terms, schema = Terms(dialect, plan.target.database), Schema(facts)
    for step in plan.steps[: place + 1]:
        schema.begin_unit()
        section = _weigh_section(step.statements, schema, terms)
    return not _culprit(_settle([section])[0])


def _weaker(step: Step, promises: Promises) -> Iterator[str]:
    for statement, promise in zip(step.statements, promises, strict=True):
        if RANKS.index(promise.guarantee) > RANKS.index(statement.guarantee):
            yield (
                f"{step.file}:{statement.line}: the plan says `{statement.guarantee}`, and now it "
                f"is `{promise.guarantee}`: {promise.reason}."
            )


def _group(steps: Sequence[Step], schema: Schema, terms: Terms, mode: Mode) -> Iterator[_Group]:
    running: _Running | None = None
    trial: Schema | None = None  # the same, and not copied for each step: a project has many tables
    for step in steps:
        why = _kept_apart(step, mode)
        if running and not why:
            trial = trial or schema.copy()
            section = _weigh_section(step.statements, trial, terms)
            why = running.refuse(section)
            if not why:
                running.add(step, section)
                _follow_section(step.statements, schema, terms)
                continue
        if running:
            yield running.group(why)
            running = None
        trial = None
        schema.begin_unit()
        section = _weigh_section(step.statements, schema, terms)
        alone = _alone(step, section)
        if alone:
            yield alone
        else:
            running = _Running(step, section)
    if running:
        yield running.group("")


def _kept_apart(step: Step, mode: Mode) -> str:
    if step.transaction is None:
        return IN_BATCHES if place_of_batches(step) else ALONE
    return EACH_STEP if mode == "step" else ""


def _alone(step: Step, section: SectionChances) -> _Group | None:
    """The group of a step that cannot be a unit; None if it can."""
    if step.transaction is None and place_of_batches(step):
        return _Group((step,), ((TRANSACTIONAL,),), False)
    if step.transaction is None:
        promises = tuple(
            Promise("point-of-no-return", WRITTEN_ALONE, chance.amid.partial) for chance in section
        )
        return _Group((step,), (promises,), False)
    culprit = _culprit(_settle([section])[0])
    if not culprit:
        return None
    why = IN_PIECES + culprit
    return _Group((step,), (_journaled(section, why),), False, why)


def _journaled(section: SectionChances, why: str) -> Promises:
    """What statements promise that are run one by one, each kept at once."""
    return tuple(
        chance.trailing
        if not chance.commits and chance.trailing.guarantee == "transactional"
        else chance.amid
        if chance.amid.is_final
        else Promise("point-of-no-return", why)
        for chance in section
    )


def _weigh_section(
    statements: Sequence[PlannedStatement], schema: Schema, terms: Terms
) -> SectionChances:
    """What the statements have in their order; the schema is then as they leave it."""
    schema.begin_section()
    chances = []
    for statement in statements:
        effect = read(statement.sql, terms.dialect)
        chances.append(weigh(effect, schema, terms))
        schema.apply(effect)
    return tuple(chances)


def _follow_section(statements: Sequence[PlannedStatement], schema: Schema, terms: Terms) -> None:
    """Leaves the schema as the statements do, which are weighed already."""
    schema.begin_section()
    for statement in statements:
        schema.apply(read(statement.sql, terms.dialect))


def _settle(sections: Sequence[SectionChances]) -> list[Promises]:
    """The promises of a unit's statements, by what comes after each of them.

    Where a session is renewed between two sections, its transaction ends too.
    """
    trailing = True
    settled: list[Promises] = []
    for place in reversed(range(len(sections))):
        section = sections[place]
        if place < len(sections) - 1 and _leaves_session(section):
            trailing = False
        promises = []
        for chance in reversed(section):
            trailing = trailing and not chance.commits
            promises.append(chance.trailing if trailing else chance.amid)
        settled.append(tuple(reversed(promises)))
    return settled[::-1]


def _culprit(promises: Promises) -> str:
    """The first that nothing undoes, and why, if others follow it or it may fail half-way."""
    for place, promise in enumerate(promises, 1):
        if promise.is_final and (promise.partial or place < len(promises)):
            return f"statement {place}: {promise.reason}"
    return ""


def _last_final(section: SectionChances) -> Promise | None:
    promises = _settle([section])[0]
    return promises[-1] if promises and promises[-1].is_final else None


def _fragile(section: SectionChances) -> Promise | None:
    """Of trailing rows the first that could not be undone if they were not trailing."""
    found = None
    for chance in reversed(section):
        if chance.commits:
            break
        found = chance.amid if chance.amid.is_final else found
    return found


def _commits(section: SectionChances) -> bool:
    return any(chance.commits for chance in section)


def _leaves_session(section: SectionChances) -> bool:
    return any(chance.leaves_session for chance in section)


def _promised(
    step: Step, number: int | None, promises: Promises, terms: Terms, facts: Facts
) -> Step:
    rollback = step.rollback
    if rollback and step.rollback_transactional:
        rollback = _promised_rollback(rollback, terms, facts)
    changes = {"transaction": number, "statements": _kept(step.statements, promises)}
    return step.model_copy(update={**changes, "rollback": rollback})


def _promised_rollback(
    statements: tuple[PlannedStatement, ...], terms: Terms, facts: Facts
) -> tuple[PlannedStatement, ...]:
    """The way back as a unit of its own, of tables that are not known yet."""
    unknown = replace(facts, tables={}, names=None)
    section = _weigh_section(statements, Schema(unknown), Terms(terms.dialect, terms.database))
    (promises,) = _settle([section])
    culprit = _culprit(promises)
    return _kept(statements, _journaled(section, IN_PIECES + culprit) if culprit else promises)


def _kept(
    statements: tuple[PlannedStatement, ...], promises: Promises
) -> tuple[PlannedStatement, ...]:
    return tuple(
        statement.model_copy(update={"guarantee": promise.guarantee, "reason": promise.reason})
        for statement, promise in zip(statements, promises, strict=True)
    )


def _part(group: _Group) -> Part:
    promises = [promise for section in group.promises for promise in section]
    plain = all(promise.guarantee == "transactional" for promise in promises)
    if group.is_unit:
        is_asked = group.why in ("", ALONE, IN_BATCHES, EACH_STEP)
        end = "" if is_asked else f"{group.steps[-1].file} ends a unit: {group.why}"
        return Part(plain, end=end)
    (step,), (section,) = group.steps, group.promises
    causes = (
        Cause(step.file, statement.line, promise.reason if promise.is_final else group.why)
        for place, (statement, promise) in enumerate(zip(step.statements, section, strict=True), 1)
        if promise.partial or place < len(section)
    )
    return Part(plain, tuple(causes), batches=place_of_batches(step))


def _warnings(groups: Sequence[_Group]) -> Iterator[str]:
    promises = [section for group in groups for section in group.promises]
    for number, section in enumerate(promises, 1):
        for place, promise in enumerate(section, 1):
            if promise.overwrites:
                yield (
                    f"Step {number} statement {place}: {promise.reason}. What others write "
                    "there between the statement and a rollback would be overwritten."
                )
    told = (promise.warning for section in promises for promise in section)
    yield from dict.fromkeys(filter(None, told))
