"""The small client, on each engine."""

from typing import Any

import pytest

from lockgate.executors.failure import ServerError
from lockgate.executors.programs.small_client import StatementAnswer, small_client
from lockgate.planner.database.address import parse_url
from lockgate.planner.environments.keys import Timeouts


def test_each_statement_of_a_text_has_its_answer(any_server: Any, any_database: str) -> None:
    address = parse_url(any_server.url(any_database))
    with small_client(address, Timeouts()) as ask:
        text = "create table t (a int, b text); insert into t values (1, null), (2, 'x');"
        assert [one.touched for one in ask(text)][-1] == 2
        assert list(ask("select a, b from t order by a")) == [
            StatementAnswer(("a", "b"), (("1", ""), ("2", "x")), 2)
        ]
        with pytest.raises(ServerError):
            list(ask("select nonsense"))
        assert [one.rows for one in ask("select 1; select 2")] == [(("1",),), (("2",),)]
