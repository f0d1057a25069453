"""What must hold after a fault; nothing is run here."""

import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass

from lockgate.exits import Exit
from tests.faults.bench import Observed, Prepared
from tests.faults.command import HUNG, Ending
from tests.faults.difference import show_difference
from tests.faults.fault import Fault

KILLED = -signal.SIGKILL

ORDERLY = frozenset({Exit.FAILED, Exit.UNREACHABLE, Exit.LOCKED, Exit.INTERRUPTED, Exit.TERMINATED})
"""These say that nothing is kept: it must be so when they are said."""

ALREADY = "already applied"

ENDINGS = ORDERLY | {KILLED, Exit.OK, Exit.UNRESOLVED}


@dataclass(frozen=True)
class Verdict:
    """A fault, the state that was found at once, and what was wrong: nothing, as it should be."""

    fault: Fault
    found: str
    struck: str
    violations: tuple[str, ...]


COUNTER = re.compile(r" AUTO_INCREMENT=\d+")


def judge(fault: Fault, prepared: Prepared, observed: Observed) -> Verdict:
    """What is to be said of a fault that was done."""
    found = name_state(prepared, observed.state)
    violations = [
        *_judge_ending(prepared, observed),
        *_judge_recovery(prepared, observed),
        *_judge_leftovers(prepared, observed),
    ]
    return Verdict(fault, found, observed.struck, tuple(violations))


def judge_natural(prepared: Prepared) -> Verdict:
    """What is to be said of a plan with a statement that is refused, and no other fault."""
    codes = {Exit.FAILED} if prepared.is_atomic else {Exit.FAILED, Exit.UNRESOLVED}
    violations = []
    if prepared.ending.code not in codes:
        violations.append(f"the plan ended unexpectedly: {_told(prepared.ending)}")
    elif prepared.ending.code == Exit.FAILED and prepared.before != prepared.after:
        violations.append(f"not undone:\n{show_difference(prepared.before, prepared.after)}")
    found = name_state(prepared, prepared.after)
    return Verdict(Fault(prepared.variant, "natural"), found, "", tuple(violations))


def name_state(prepared: Prepared, state: str) -> str:
    """`before`, `after`, or `between` of a state."""
    if state == prepared.before:
        return "before"
    return "after" if state == prepared.after else "between"


def _judge_ending(prepared: Prepared, observed: Observed) -> Iterator[str]:
    """Of the command to which the fault was done."""
    code, found = observed.ending.code, name_state(prepared, observed.state)
    if code == HUNG:
        yield f"it hung: {_told(observed.ending)}"
    elif code not in ENDINGS:
        yield f"it ended unexpectedly: {_told(observed.ending)}"
    elif code == Exit.OK and (prepared.fails or found != "after"):
        yield f"it said that all was done:\n{show_difference(prepared.after, observed.state)}"
    elif code in ORDERLY and prepared.is_atomic and found != "before":
        yield (
            f"it said that nothing is kept ({_told(observed.ending)}):\n"
            f"{show_difference(prepared.before, observed.state)}"
        )
    elif prepared.is_one_transaction and found == "between" and _differs(prepared, observed):
        yield f"a third state:\n{show_difference(prepared.before, observed.state)}"


def _differs(prepared: Prepared, observed: Observed) -> bool:
    """Whether more than AUTO_INCREMENT counters differ: the server does not take these back with
    a transaction, and the run that comes next does."""
    known = (COUNTER.sub("", prepared.before), COUNTER.sub("", prepared.after))
    return COUNTER.sub("", observed.state) not in known


def _judge_recovery(prepared: Prepared, observed: Observed) -> Iterator[str]:
    """Of the plan applied again, without a fault, and once more."""
    wanted = {prepared.ending.code}
    if observed.again.code not in wanted:
        yield f"again: {_told(observed.again)}; the first had ended so: {_told(observed.ending)}"
    elif observed.state_again != prepared.after:
        yield f"again: a third state:\n{show_difference(prepared.after, observed.state_again)}"
    third = observed.third
    if third and (third.code != Exit.OK or ALREADY not in third.text):
        yield f"a third time: {_told(third)}"


def _judge_leftovers(prepared: Prepared, observed: Observed) -> Iterator[str]:
    """Of a plan that is settled; one that says it is not keeps its journal for that."""
    if prepared.ending.code != Exit.UNRESOLVED and str(observed.leftovers):
        yield f"left over: {observed.leftovers}"


def _told(ending: Ending) -> str:
    return f"exit {ending.code}: {ending.text.strip()}"
