"""The other tool after its history was taken over: nothing may change there unseen."""

from __future__ import annotations

from lockgate.planner.database.ledger import Ledger
from lockgate.planner.database.recording import AdoptedTable
from lockgate.planner.errors import HistoryError
from lockgate.planner.versions import version_key


def refuse_moved(adopted: AdoptedTable, now: tuple[str, ...], ledger: Ledger) -> None:
    """Raises HistoryError when the other tool has applied or rolled back something since, which
    our history does not have as well."""
    ours = {entry.key for entry in ledger.entries}
    before = {version_key(version) for version in adopted.versions}
    present = {version_key(version) for version in now}
    came = [one for one in now if version_key(one) not in before | ours]
    went = [
        one
        for one in adopted.versions
        if version_key(one) in ours and version_key(one) not in present
    ]
    why = "Two tools at one database do not know of each other: one would run what the other has."
    if came:
        raise HistoryError(
            f"{adopted.tool} has applied {', '.join(came)} since lockgate took over its history.",
            why=why,
            do="Take that over too, with `migrate adopt`, and stop using the other tool here.",
        )
    if went:
        raise HistoryError(
            f"{adopted.tool} has rolled back {', '.join(went)} since lockgate took over its "
            "history.",
            why=why,
            do=f"Take {'them' if len(went) > 1 else 'it'} out of our history too: `migrate plan "
            f"{' '.join(f'--forget {one}' for one in went)}`. Then stop using the other tool here.",
        )
