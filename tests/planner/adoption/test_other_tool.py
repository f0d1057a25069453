"""Whether another tool has gone on since its history was taken over."""

import pytest

from lockgate.planner.adoption.other_tool import refuse_moved
from lockgate.planner.database.recording import AdoptedTable
from lockgate.planner.errors import HistoryError
from tests.planner.literals import ledger, migration

OURS = migration(2)
TABLE = AdoptedTable(tool="Drizzle", schema="drizzle", table="t", versions=("aa",))


def test_a_row_that_is_named_by_the_checksum_of_what_we_have_is_nothing_new() -> None:
    refuse_moved(TABLE, ("aa", OURS.checksum), ledger([OURS]))
    with pytest.raises(HistoryError, match="Drizzle has applied bb since"):
        refuse_moved(TABLE, ("aa", OURS.checksum, "bb"), ledger([OURS]))
