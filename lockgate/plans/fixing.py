"""Safe forms of migrations that are not applied yet: written, proved, and measured.

Original and rewritten run on two scratch databases; what does not leave the same catalogue, object
by object, is not offered. It must not print, nor write a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lockgate.executors.rehearsal import Stage
from lockgate.planner.building.compare import compare, refuse_broken_history
from lockgate.planner.database.catalogue import Catalogue, differences
from lockgate.planner.errors import Interrupted, LockgateError, RunError, UsageError
from lockgate.planner.migrations.format import parse_sections
from lockgate.planner.migrations.formats.lockgate import read_migration
from lockgate.planner.migrations.migration import Migration, Sections
from lockgate.planner.plan.drift import name_objects
from lockgate.planner.reading.reader import ImpactReader
from lockgate.planner.review.section import ReviewTerms, Subject, read_subject
from lockgate.planner.rewriting.files import NewFile, compose
from lockgate.planner.rewriting.piece import Pieces
from lockgate.planner.rewriting.proposal import Cost, NotOffered, Proposal
from lockgate.planner.rewriting.rewrite import Rewriting, rewrite_section
from lockgate.planner.rewriting.suggestion import rewrites
from lockgate.planner.value import frozen, replace
from lockgate.planner.versions import is_numbered, plain_version, version_key
from lockgate.plans.offers import settle_offers
from lockgate.plans.rehearsal import open_stage
from lockgate.workspace import Workspace, load_migrations, read_settled, refuse_other_format


@frozen
class _Seen:
    """What files left on a scratch database, and after their way back; None: they have none."""

    made: Catalogue
    left: Catalogue | None
    costs: tuple[Cost, ...]
    was: Catalogue
    """What was there before."""
    partly: tuple[tuple[str, Catalogue, Catalogue], ...] = ()
    """Of each file but the first what was there before it, and after its way back."""


def propose(work: Workspace, name: str | None) -> Iterator[Proposal]:
    """One for each migration, of those that are not applied, in which a statement keeps others out
    for long; `name` is the one file, or its version, that is asked for.

    Raises:
        UsageError: there is no such file, or it is applied; or no scratch database can be made.
        StatementFailed: the migrations before it do not run.
    """
    refuse_other_format(work.environment)
    directory = load_migrations(work.environment)
    comparison = compare(directory.migrations, read_settled(work.engine))
    refuse_broken_history(comparison)
    files = list(directory.migrations)
    pending = [one for one in files if one not in comparison.applied and not one.repeatable]
    for migration in [_find(name, files, pending)] if name else pending:
        proposal = _propose(work, files, migration)
        if proposal is not None:
            yield proposal
            if proposal.files:
                made = _read(work, proposal.files)
                files = _in_place(files, migration, made)


def _find(name: str, files: Sequence[Migration], pending: Sequence[Migration]) -> Migration:
    wanted = Path(name).name
    version = plain_version(wanted)
    found = next(
        (one for one in files if wanted == one.filename or version == plain_version(one.version)),
        None,
    )
    if found is None:
        raise UsageError(f"There is no migration {name}.", do="`migrate status` lists them.")
    if found not in pending:
        raise UsageError(
            f"{found.filename} cannot be rewritten: it is applied, or runs whenever it changes.",
            why="A file that was applied must stay as it is.",
            do="What it has done can be looked at with `migrate plan`, before it is applied.",
        )
    return found


def _in_place(
    files: Sequence[Migration], old: Migration, made: Sequence[Migration]
) -> list[Migration]:
    """The folder with a migration's files in its place: its own where it was, the others last."""
    return [*(made[0] if one is old else one for one in files), *made[1:]]


def _read(work: Workspace, files: Sequence[NewFile]) -> list[Migration]:
    dialect = work.engine.server.dialect
    return [read_migration(one.name, one.text.encode(), dialect) for one in files]


def _propose(work: Workspace, files: list[Migration], migration: Migration) -> Proposal | None:
    dialect = work.engine.server.dialect
    sections = parse_sections(migration, dialect, work.environment.variables)
    if not rewrite_section(_subject(sections, ReviewTerms(dialect))):
        return None
    before, up = NewFile(migration.filename, migration.text), sections.up
    if not rewrites(migration, has_ways=bool(up.online or up.conditions)):
        if not migration.template:
            return None
        why = "the file is a template"
        return Proposal(before, (), not_offered=(NotOffered(up.line, why),))
    return _Search(work, files, migration, sections).best(before)


def _subject(sections: Sections, terms: ReviewTerms) -> Subject:
    up = sections.up
    return read_subject(up.statements, "up", up.transactional, terms, up.delimiter_left)


@dataclass
class _Search:
    """The search for what can be proved of one migration, among the files of its folder."""

    work: Workspace
    files: list[Migration]
    migration: Migration
    sections: Sections
    proved: dict[tuple[int, ...], _Seen] = field(default_factory=dict)
    """What rewritings left, by the places of their statements."""
    after: list[Migration] = field(default_factory=list)
    """The files after it that run too."""

    def best(self, before: NewFile) -> Proposal | None:
        """All rewritings that are proved together, with the costs of both forms."""
        found = self._find()
        if not found:
            return None
        original = self._run_original()
        none = {one.place: NotOffered(one.line, one.why) for one in found if not one.pieces}
        chosen = [one for one in found if one.pieces]
        refused = none | self._prove(chosen, original)
        kept = _replacing([one for one in chosen if one.place not in refused])
        rest = tuple(refused[place] for place in sorted(refused))
        if not kept:
            return Proposal(before, (), not_offered=rest)
        seen = self.proved[tuple(kept)]
        return Proposal(
            before, self._compose(kept), original.costs, seen.costs, rest,
            len(seen.made.objects), seen.left is not None,
        )  # fmt: skip

    def _prove(self, chosen: Sequence[Rewriting], original: _Seen) -> dict[int, NotOffered]:
        """Those that are not proved, by the place of their statement: where all together are not,
        each is tried by itself, and those that are proved together once more."""
        failure = self._failure(chosen, original) if chosen else None
        if failure is None:
            return {}
        if len(chosen) == 1:
            return {chosen[0].place: NotOffered(chosen[0].line, failure)}
        alone = {one.place: self._failure([one], original) for one in chosen}
        rest = [one for one in chosen if alone[one.place] is None]
        if rest == list(chosen) or (len(rest) > 1 and self._failure(rest, original)):
            return {one.place: NotOffered(one.line, failure) for one in chosen}
        return {
            one.place: NotOffered(one.line, why)
            for one in chosen
            if (why := alone[one.place]) is not None
        }

    def _failure(self, chosen: Sequence[Rewriting], original: _Seen) -> str | None:
        """Why these are not proved together, as a clause; None: they are."""
        pieces = _replacing(chosen)
        try:
            seen = self._run(_read(self.work, self._compose(pieces)))
        except RunError as failed:
            return f"its safe form does not run: {failed.what}"
        except Interrupted:
            raise
        except LockgateError as wrong:
            return f"its safe form cannot be written: {wrong.what}"
        self.proved[tuple(pieces)] = seen
        return _unlike(original, seen)

    def _compose(self, pieces: dict[int, Pieces]) -> tuple[NewFile, ...]:
        return compose(self.migration, self.sections, pieces, self._last())

    def _last(self) -> str:
        numbered = [one.version for one in self.files if is_numbered(one.version)]
        return max(numbered, key=version_key)

    def _find(self) -> tuple[Rewriting, ...]:
        """What may be rewritten, by the tables before it; and of what the server is asked for, what
        it takes."""
        with self._base([self.migration]) as stage:
            terms = ReviewTerms(self.work.engine.server.dialect, stage.engine.survey.read_facts())
            down = self.sections.down.statements if self.sections.down else ()
            subject = _subject(self.sections, terms)
            found = rewrite_section(subject, [one.sql for one in down])
            texts = [one.sql for one in self.sections.up.statements]
            return tuple(settle_offers(found, texts, stage.engine.session))

    def _run_original(self) -> _Seen:
        """What it leaves; where it fails in its transaction, what its statements leave one by one.
        Files after it that fail are left out.

        Raises:
            StatementFailed: it fails so too.
        """
        for files in dict.fromkeys((tuple(self._rest), ())):
            self.after = list(files)
            with suppress(RunError):
                return self._run([self.migration])
        alone = replace(self.sections.up, transactional=False)
        outside = compose(self.migration, replace(self.sections, up=alone), {}, self._last())
        return self._run(_read(self.work, outside))

    @property
    def _rest(self) -> list[Migration]:
        return self.files[self.files.index(self.migration) + 1 :]

    def _run(self, made: Sequence[Migration]) -> _Seen:
        with self._base(made) as stage:
            return self._play(stage, made)

    @contextmanager
    def _base(self, made: Sequence[Migration]) -> Iterator[Stage]:
        """A scratch database with all that runs before the migration."""
        place = self.files.index(self.migration)
        with open_stage(self.work, [*self.files, *made]) as stage:
            stage.replay(self.files[:place])
            yield stage

    def _play(self, stage: Stage, made: Sequence[Migration]) -> _Seen:
        """What these files leave in place of the migration, with those after it."""
        was = stage.expected()
        costs = list(self._measured(stage, made[0]))
        if self.after:
            stage.play("up", self.after)
        before = list[Catalogue]()
        for one in made[1:]:
            before.append(stage.expected())
            costs += self._measured(stage, one)
        catalogue = stage.expected()
        if self.sections.down is None:
            return _Seen(catalogue, None, tuple(costs), was)
        partly = list[tuple[str, Catalogue, Catalogue]]()
        for one, wanted in zip(made[:0:-1], reversed(before), strict=True):
            stage.play("down", [one])
            partly.append((one.filename, wanted, stage.expected()))
        left = None
        if not self.after:
            stage.play("down", made[:1])
            left = stage.expected()
        return _Seen(catalogue, left, tuple(costs), was, tuple(partly))

    def _measured(self, stage: Stage, migration: Migration) -> Iterator[Cost]:
        """The costs of a migration's statements, which are run; by the tables as they are then."""
        dialect, facts = stage.engine.server.dialect, stage.engine.survey.read_facts()
        up = parse_sections(migration, dialect, self.work.environment.variables).up
        texts = [one.sql for one in up.statements]
        impacts = ImpactReader(dialect, facts).read(texts, transactional=up.transactional)
        with stage.engine.units.measuring() as gauge:
            stage.play("up", [migration], gauge.hear)
        for sql, seen, impact in zip(texts, gauge.measured, impacts, strict=True):
            yield Cost(sql, seen.locks, impact.holds)


def _replacing(chosen: Sequence[Rewriting]) -> dict[int, Pieces]:
    """What is in the place of each statement; nothing where one before it covers it."""
    return {
        one.place + number: () if number else one.pieces
        for one in chosen
        for number in range(one.covers)
    }


def _unlike(original: _Seen, seen: _Seen) -> str | None:
    """In what the two differ, as a clause; None: in nothing."""
    if found := differences(original.made, seen.made):
        return f"its safe form does not make the same: {name_objects(found)}"
    kept = set[str]()
    if original.left is not None and seen.left is not None:
        if found := differences(original.left, seen.left):
            return f"its way back does not leave the same: {name_objects(found)}"
        kept = {one.object for one in differences(original.was, original.left)}
    for name, wanted, left in seen.partly:
        other = [one for one in differences(wanted, left) if one.object not in kept]
        if other:
            return f"the way back of {name} alone does not leave the same: {name_objects(other)}"
    return None
