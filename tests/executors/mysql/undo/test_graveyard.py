"""The graveyard: what a crash leaves in the middle of a burial comes back as it was."""

from collections.abc import Iterator
from typing import Any

import pytest

from lockgate.executors.mysql.undo.graveyard import Graveyard
from tests.executors.building import Recorder, open_test_engine
from tests.executors.rows import ask, execute

CREATE = (
    "create table orders (id int primary key)",
    "create table invoices (id int primary key, order_id int, parent int, "
    "foreign key (order_id) references orders (id), "
    "constraint own_name foreign key (order_id) references orders (id), "
    "foreign key (parent) references invoices (id))",
)
SHOW = "show create table invoices"


@pytest.fixture
def engine(family_server: Any, family_database: str) -> Iterator[Any]:
    with open_test_engine(family_server, family_database) as opened:
        yield opened


def test_a_table_that_was_only_taken_away_keeps_the_generated_names_of_its_foreign_keys(
    family_server: Any, engine: Any
) -> None:
    database = engine.server.database
    for sql in CREATE:
        execute(family_server, database, sql)
    before = ask(family_server, database, SHOW)
    graveyard = Graveyard(engine.session)
    grave = "1f2e3d4c_1_1_0"
    with engine.lock.hold(0.0, Recorder()):
        graveyard.open()
        execute(family_server, database, f"rename table invoices to {graveyard.place(grave)}")
        graveyard.exhume(grave, "invoices", before[0][1])
        assert ask(family_server, database, SHOW) == before
        graveyard.close()
