"""What `migrate fix` proposes: the diff, the locks of both forms, and what was proved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import unified_diff
from typing import TYPE_CHECKING

from lockgate.views.terminal import say, say_table, shorten

if TYPE_CHECKING:
    from lockgate.planner.rewriting.proposal import Cost, Proposal

STYLES = {"-": "red", "+": "green", "@": "cyan"}
WORK = {"scan": "reads every row", "rewrite": "writes every row", "none": ""}
BLOCKS = {"reads": "reads and writes wait", "writes": "writes wait", "nothing": "nothing waits"}
WIDTH = 56


def show_proposal(proposal: Proposal) -> None:
    """The diff, then the locks before and after, on stdout."""
    for line in diff_of(proposal):
        say(line, STYLES.get(line[:1], ""))
    if proposal.files:
        say()
        costs = [(*row, "before") for row in rows_of(proposal.costs_before)]
        costs += [(*row, "after") for row in rows_of(proposal.costs_after)]
        rows = [(when, *cells) for *cells, when in costs]
        say_table(("", "statement", "lock", "work", "meanwhile"), rows, [""] * len(rows))
        say()
        say(proof_of(proposal), "green")
    for one in proposal.not_offered:
        say(f"{proposal.before.name}:{one.line}: not rewritten: {one.why}.", "yellow")
    say()


def show_outcome(proposals: Sequence[Proposal], file: str | None, *, written: bool) -> None:
    """What is to do now, on stdout."""
    count = sum(len(one.files) for one in proposals)
    if not count:
        say("Nothing to rewrite.")
    elif written:
        say(f"Wrote {count} file{'' if count == 1 else 's'}.")
    else:
        say(f"Nothing was written. Write it with: migrate fix {file + ' ' if file else ''}--write")


def diff_of(proposal: Proposal) -> Iterator[str]:
    """The lines of the diff."""
    for one in proposal.files:
        old = proposal.before.text if one.name == proposal.before.name else ""
        yield from unified_diff(
            old.splitlines(), one.text.splitlines(), f"a/{one.name}" if old else "/dev/null",
            f"b/{one.name}", lineterm="",
        )  # fmt: skip


def rows_of(costs: Sequence[Cost]) -> Iterator[tuple[str, str, str, str]]:
    """A row for each lock that is worth a word: others wait for it, or it is held for long."""
    for cost in costs:
        seen = {(one.table.rpartition(".")[2], one.lock) for one in cost.locks or ()}
        for hold in cost.holds:
            if hold.blocks == "nothing" and hold.work == "none":
                continue
            mark = " (seen)" if (hold.on.name, hold.lock) in seen else ""
            way = f"{hold.algorithm.upper()}, LOCK=" if hold.algorithm else ""
            yield (
                shorten(cost.sql, WIDTH), f"{way}{hold.lock} on {hold.on.name}{mark}",
                WORK[hold.work], BLOCKS[hold.blocks],
            )  # fmt: skip


def proof_of(proposal: Proposal) -> str:
    """What was compared, as a sentence."""
    back = " Their ways back leave the same too." if proposal.rolled_back else ""
    return (
        f"Proved: run on two scratch databases, both forms make the same {proposal.objects} "
        f"objects.{back}"
    )
