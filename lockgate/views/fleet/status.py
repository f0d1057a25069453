"""The states of a fleet's targets: counted for people, each one for programs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lockgate.planner.quantities import format_duration
from lockgate.views.fleet.text import name_some
from lockgate.views.json import show_document
from lockgate.views.plan.review import count
from lockgate.views.terminal import say, say_table

if TYPE_CHECKING:
    from lockgate.executors.fleet.stand import FleetStand, TargetStand

STYLES = {"up to date": "", "pending": "yellow"}
"""Of any other state: a person must look."""
LEFT = "No driver goes on with it: `migrate apply` of the same plan does."
UNREACHABLE = "`migrate doctor -e {environment}/TARGET` says why one is unreachable."


def show_text(stand: FleetStand, *, each: bool = False) -> None:
    """How many targets are where, on stdout; or each of them."""
    say(f"{stand.environment}: {summarise_stand(stand)}", "bold")
    if stand.run:
        say(f"last run {stand.run.state}, wave {stand.run.wave}, by {stand.run.actor}"
            + (f": {stand.run.reason}" if stand.run.reason else ""))  # fmt: skip
    if stand.is_left:
        say(LEFT, "yellow")
    if stand.estimate is not None:
        say(f"about {format_duration(round(stand.estimate))} left")
    for host, limit in stand.holds.items():
        say(f"{host} is given no more targets for now ({limit})", "yellow")
    if any(one.state == "unreachable" for one in stand.targets):
        say(UNREACHABLE.format(environment=stand.environment), "yellow")
    say("")
    if each:
        rows = [(one.name, one.version or "-", one.state, str(one.pending), one.detail)
                for one in stand.targets]  # fmt: skip
        styles = [STYLES.get(one.state, "red") for one in stand.targets]
        say_table(("target", "at", "state", "pending", ""), rows, styles)
        return
    say_table(("targets", "at", "state", "which"), *count_alike(stand.targets))


def summarise_stand(stand: FleetStand) -> str:
    """How many targets are at which version, and in which state.

    >>> from lockgate.executors.fleet.stand import FleetStand, TargetStand
    >>> at = TargetStand("a", "h", "up to date", "002")
    >>> summarise_stand(FleetStand("live", (at, TargetStand("b", "h", "unreachable")), None, {}))
    '2 targets: 1 at 002, 1 unreachable'
    """
    words = Counter(_word(one) for one in stand.targets)
    told = ", ".join(f"{number:,} {word}" for word, number in words.most_common())
    return f"{count(len(stand.targets), 'target')}: {told}" if told else "no target"


def _word(one: TargetStand) -> str:
    if one.state not in STYLES:
        return one.state
    return f"at {one.version}" if one.version else "without a history"


def count_alike(targets: tuple[TargetStand, ...]) -> tuple[list[list[str]], list[str]]:
    """How many targets are alike, as rows, the most first; and the style of each row."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for one in targets:
        found.setdefault((one.version or "-", one.state, one.detail), []).append(one.name)
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))
    rows = [
        [f"{len(names):,}", version, f"{state}: {detail}" if detail else state, name_some(names)]
            for (version, state, detail), names in ordered]  # fmt: skip
    return rows, [STYLES.get(state, "red") for (_, state, _), _ in ordered]


def show_json(stand: FleetStand) -> None:
    """All of it as one document on stdout."""
    run = stand.run
    show_document(
        {
            "format": "lockgate-fleet-status",
            "format_version": "1.0",
            "environment": stand.environment,
            "run": run
            and {
                "plan_digest": run.digest,
                "state": run.state,
                "wave": run.wave,
                "reason": run.reason,
                "started_at": run.started_at.isoformat(),
                "finished_at": run.finished_at and run.finished_at.isoformat(),
            },
            "estimate_seconds": None if stand.estimate is None else round(stand.estimate, 1),
            "holds": dict(stand.holds),
            "targets": [
                {
                    "name": one.name,
                    "host": one.host,
                    "state": one.state,
                    "version": one.version or None,
                    "pending": one.pending,
                    "serial": str(one.serial),
                    "detail": one.detail or None,
                    "run_state": _noted(stand, one.name),
                }
                for one in stand.targets
            ],
        }
    )


def _noted(stand: FleetStand, name: str) -> str | None:
    result = stand.results.get(name)
    return result.state.value if result else None
