"""Every error that lockgate raises on purpose; a caller decides by type, never by message.

Knows nothing of exit codes or of how an error is shown: `lockgate.exits` and the views do.

    LockgateError
    ├── UsageError                the command line asks for something that cannot be
    │   └── FileError             a file is wrong, at a known line
    │       ├── ConfigurationError    an environment file
    │       └── MigrationFileError    a migration file, or the set of them
    │           ├── MigrationFileErrors   several of them at once
    │           └── SplitError        its SQL cannot be cut into statements
    ├── HistoryError              files and database tell different stories
    │   ├── BrokenHistory         applied migrations were changed, or their files are gone
    │   ├── OutOfOrder            a pending migration is before an applied one
    │   ├── Occupied              the database has tables, and it is not said whose
    │   ├── StillRequired         a rollback would take away what another migration needs
    │   └── IrreversibleMigration a rollback is asked of a migration without a down section
    ├── InvalidPlan               a plan, or what travels with it, cannot be trusted
    │   ├── MalformedPlan         not a plan, or not readable as one
    │   ├── AlteredPlan           its digest does not fit its content
    │   ├── ContradictedPlan      its SQL is not its file's, or does more than it says
    │   ├── UnsupportedPlan       a format version that this lockgate does not know
    │   ├── ExpiredPlan           older than it may be, by the database's clock
    │   ├── OfflinePlan           made from a state file: for review alone
    │   └── BadSignature          what somebody has signed is not to be trusted
    ├── StalePlan                 the database has moved on since the plan was made
    ├── WrongTarget               another database, environment or a replica
    ├── Denied                    a policy says no
    ├── Locked                    somebody else holds the lock, or it was lost
    ├── Paused                    a run has stopped before its end, as it was asked to
    ├── Unreachable               no connection
    ├── RunError                  a run ended badly, perhaps at a known statement
    │   ├── Unresolved            it stopped half-way, or its outcome is unknown
    │   └── StatementFailed       the server refused a statement; everything was undone
    └── Interrupted               a signal asked us to stop; everything was undone
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from lockgate.planner.versions import is_numbered

Fault = Literal[
    "altered", "broken", "unknown", "expired", "not yet valid", "revoked", "namespace",
    "unverifiable",
]  # fmt: skip
"""What is wrong with a signature: it does not fit the text, it is none, or its key is not good."""


class LockgateError(Exception):
    """What happened, why that stops us, and what to do next; formatted late, by a view."""

    def __init__(self, what: str, *, why: str = "", do: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.do = do

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, self.why, self.do) if part)


class UsageError(LockgateError):
    """The command line or the configuration asks for something that cannot be."""


class FileError(UsageError):
    """A file is wrong at a known place. `line` and `column` count from 1; 0 means the file, or the
    line, as a whole."""

    def __init__(
        self,
        what: str,
        *,
        path: Path | None = None,
        line: int = 0,
        column: int = 0,
        why: str = "",
        do: str = "",
    ) -> None:
        super().__init__(what, why=why, do=do)
        self.path = path
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = f"{self.path or 'input'}:{self.line}" if self.line else str(self.path or "")
        place += f":{self.column}" if self.line and self.column else ""
        return f"{place}: {super().__str__()}" if place else super().__str__()


class ConfigurationError(FileError):
    """An environment file is wrong."""


class MigrationFileError(FileError):
    """A migration file, or the set of them, is wrong."""


class MigrationFileErrors(MigrationFileError):
    """Several mistakes in migration files; `errors` are all that were found."""

    def __init__(self, errors: tuple[MigrationFileError, ...]) -> None:
        self.errors = errors
        shown = "\n".join(_indented(error) for error in errors)
        super().__init__(f"{len(errors)} mistakes in the migration files:\n{shown}")


def _indented(error: LockgateError) -> str:
    return "\n".join(
        f"{'    ' if place else '  '}{line}" for place, line in enumerate(str(error).split("\n"))
    )


class SplitError(MigrationFileError):
    """The SQL of a section cannot be cut into statements, or would be cut differently elsewhere."""


class BadSyntax(MigrationFileError):
    """The server, or its grammar, cannot read a statement; nothing was run."""


class HistoryError(LockgateError):
    """The files and the database tell different stories, or the history forbids the request."""


class BrokenHistory(HistoryError):
    """Applied migrations were changed, or their files are gone."""

    def __init__(self, changed: tuple[str, ...], missing: tuple[str, ...], lines: str) -> None:
        self.changed = changed
        self.missing = missing
        count = len(changed) + len(missing)
        super().__init__(
            f"{count} applied migration{'s' if count > 1 else ''} no longer "
            f"match{'' if count > 1 else 'es'} the files:\n{lines}",
            why="The files would not rebuild this database, so nothing new is planned on top.",
            do="Restore the files (git checkout) and make the change in a new migration.",
        )


class OutOfOrder(HistoryError):
    """A pending migration is before an applied one in the order of the files."""

    def __init__(self, versions: tuple[str, ...], last_applied: str) -> None:
        self.versions = versions
        super().__init__(
            f"Pending before {last_applied}, which is applied: {', '.join(versions)}.",
            why="It would run after migrations that were written and tested without it.",
            do=f"{_later(versions, last_applied)}, or set `out_of_order: warn` under `policy:` in "
            "the environment.",
        )


def _later(versions: tuple[str, ...], last: str) -> str:
    """How a migration comes after another one: versions that are texts are in no order."""
    if all(map(is_numbered, versions)):
        return "Give it a higher version"
    return f"Put it after {last} where the order is kept (a changelog, a plan)"


class Occupied(HistoryError):
    """The database has tables and no history of lockgate's, and it is not said whose they are."""


class StillRequired(HistoryError):
    """A rollback would take away a migration that one which stays requires."""

    def __init__(self, version: str, by: tuple[str, ...]) -> None:
        self.version = version
        self.by = by
        super().__init__(
            f"Migration {version} cannot be rolled back alone: {', '.join(by)} "
            f"require{'s' if len(by) == 1 else ''} it and would stay.",
            do="Roll back further, so that what requires it goes too.",
        )


class IrreversibleMigration(HistoryError):
    """A rollback is asked of a migration that has no down section."""

    def __init__(self, version: str, filename: str) -> None:
        self.version = version
        super().__init__(
            f"Migration {version} has no way back: {filename} has no statements that undo it.",
            do="Write a new migration that undoes it; the file of an applied one must stay. Where "
            "there is nothing to undo, roll back past it: add "
            f"`--skip-irreversible {version} --reason TEXT`.",
        )


class InvalidPlan(LockgateError):
    """The plan file, or what travels with it, cannot be trusted; nothing of it was run."""


class MalformedPlan(InvalidPlan):
    """Not a plan, or not readable as one."""


class AlteredPlan(InvalidPlan):
    """The plan's digest does not fit its content."""


class ContradictedPlan(InvalidPlan):
    """A plan whose SQL is not that of the file it names, or does more than the plan says."""


class UnsupportedPlan(InvalidPlan):
    """The plan's format is newer than this lockgate, or too old to be applied."""


class ExpiredPlan(InvalidPlan):
    """The plan is older than its environment lets it be, by the database's clock."""


class OfflinePlan(InvalidPlan):
    """The plan was made from a state file, not from the database: it is for review alone."""


class BadSignature(InvalidPlan):
    """A signature that is there is not good; one that is bad is never taken for one missing."""

    def __init__(self, fault: Fault, what: str, *, why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.fault = fault


class StalePlan(LockgateError):
    """The database is not in the state that the plan was made for."""


class WrongTarget(LockgateError):
    """This is another database or environment than the plan's, or a replica."""


class Denied(LockgateError):
    """A policy says no."""


class Locked(LockgateError):
    """Somebody else holds the migration lock, or ours was lost."""


class Paused(LockgateError):
    """A run has stopped before its end, as it was asked to, and goes on by the same command: of a
    fleet, or between two batches."""


class Unreachable(LockgateError):
    """There is no connection to the database; nothing was changed."""


class RunError(LockgateError):
    """A run ended badly; `failure` is the refused statement, as the executor describes it."""

    def __init__(self, what: str, *, why: str = "", do: str = "", failure: object = None) -> None:
        super().__init__(what, why=why, do=do)
        self.failure = failure


class Unresolved(RunError):
    """A run stopped half-way, or its outcome is unknown."""


class StatementFailed(RunError):
    """The server refused a statement; everything that the run had done was undone."""


class Interrupted(LockgateError):
    """A signal asked us to stop, and everything that the run had done was undone; of a fleet's run
    what it had applied stays."""

    def __init__(
        self,
        signal_number: int,
        what: str = "Interrupted. Nothing was changed.",
        *,
        why: str = "",
        do: str = "",
    ) -> None:
        self.signal_number = signal_number
        super().__init__(what, why=why, do=do)
