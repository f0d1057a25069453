"""Rows that were put back are held against their copy, byte by byte."""

from typing import Any

import pytest

from lockgate.executors.failure import ServerError
from lockgate.executors.mysql.undo.intents import Copy
from lockgate.executors.mysql.undo.row_proof import refuse_other_rows, refuse_other_values
from tests.executors.building import by_hand, open_test_engine

TABLE = "create table {} (id int primary key, a varchar(9), f float, b varbinary(9), p point)"
ROWS = "insert into {} values (1, 'a', 0.1, x'00ff', null), (2, null, null, null, point(1, 2))"


@pytest.mark.parametrize(
    "changed",
    ["a = 'A'", "a = 'a '", "a = null", "f = 0.2", "b = x'00'", "b = null"],
)
def test_another_value_is_found(family_server: Any, family_database: str, changed: str) -> None:
    with open_test_engine(family_server, family_database) as engine:
        hand, session = by_hand(engine), engine.session
        for name in ("kept", "copied"):
            hand.execute(TABLE.format(name))
            hand.execute(ROWS.format(name))
        rows = Copy(name="copied", table="kept")
        values = Copy(name="copied", table="kept", key=("id",), columns=("a", "f", "b"))
        points = Copy(name="copied", table="kept", key=("id",), columns=("p",))
        refuse_other_rows(session, "copied", rows)
        for copy in (values, points):
            refuse_other_values(session, "copied", copy)
        hand.execute(f"update kept set {changed} where id = 1")
        for refuse, copy in ((refuse_other_rows, rows), (refuse_other_values, values)):
            with pytest.raises(ServerError, match="not those that were copied"):
                refuse(session, "copied", copy)
        hand.execute("delete from kept where id = 2")
        with pytest.raises(ServerError):
            refuse_other_rows(session, "copied", rows)
