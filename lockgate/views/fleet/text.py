"""A fleet's plan for people, on a terminal: its targets, each group's plan, who is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from lockgate.planner.fleet.fleet_plan import FleetPlan, FleetTarget, Group, Odd
from lockgate.planner.quantities import format_size, spell_digest
from lockgate.views.plan import text
from lockgate.views.plan.review import count
from lockgate.views.terminal import say, spell_moment

SHOWN = 5
"""How many targets are named where there are many."""


def show_fleet(plan: FleetPlan) -> None:
    """A fleet's plan for its reviewer, on stdout."""
    say(f"Fleet plan {spell_digest(plan.digest)} for {plan.environment}", "bold")
    say(f"  targets   {summarise_plan(plan)}")
    say(f"  made      {spell_moment(plan.created_at)}")
    commit = f", from commit {plan.source.commit[:12]}" if plan.source.commit else ""
    say(f"  intent    {spell_digest(plan.intent_digest)}{commit}")
    for wave, targets in sorted(by_wave(plan).items()):
        say(f"  wave {wave:<4} {count(len(targets), 'target')}: {name_some(targets)}")
    for number, group in enumerate(plan.groups, 1):
        say("")
        say(f"Group {number}: {describe_group(group)}", "bold")
        text.show_content(group.plan)
    show_odd(plan.odd, "Not included")


def summarise_plan(plan: FleetPlan) -> str:
    """How many targets in how many groups, and how many are left out."""
    groups = count(len(plan.groups), "group")
    left = f", {len(plan.odd):,} not included" if plan.odd else ""
    return f"{count(len(plan.targets), 'target')} in {groups}{left}"


def by_wave(plan: FleetPlan) -> dict[int, list[str]]:
    """The names of those that something is done with, by wave."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for group in plan.groups:
        if group.plan.steps:
            for target in group.targets:
                found[target.wave].append(target.name)
    return found


def name_some(names: Iterable[str]) -> str:
    """The first of some names, and how many more there are."""
    listed = sorted(names)
    more = f" and {len(listed) - SHOWN:,} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more


def describe_group(group: Group) -> str:
    """How many targets it has, which, and how large they are."""
    return f"{count(len(group.targets), 'target')}: {name_some(t.name for t in group.targets)}" + (
        _sizes(group.targets)
    )


def _sizes(targets: Iterable[FleetTarget]) -> str:
    sizes = [target.size for target in targets if target.size is not None]
    if not any(sizes):
        return ""
    return f"; {format_size(sum(sizes))} in all, at most {format_size(max(sizes))} each"


def by_reason(odd: Iterable[Odd]) -> dict[tuple[str, str], list[str]]:
    """The names of those left out, by reason and what was found."""
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for one in odd:
        found[one.reason, one.detail].append(one.name)
    return dict(sorted(found.items()))


def show_odd(odd: Iterable[Odd], heading: str) -> None:
    """Those left out, by their reasons."""
    rows = by_reason(odd)
    if not rows:
        return
    say("")
    say(heading, "bold")
    for (reason, detail), names in rows.items():
        told = f" ({detail})" if detail else ""
        say(f"  {reason}: {name_some(names)}{told}", "yellow")
    if any(reason == "unreachable" for reason, _ in rows):
        say("  `migrate doctor -e ENVIRONMENT/TARGET` says why one is unreachable.")
