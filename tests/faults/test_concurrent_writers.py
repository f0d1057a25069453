"""Others write while a plan runs and is undone: what the server acknowledged to them is kept."""

from typing import Any

from tests.executors.rows import ask
from tests.faults.bench import Bench
from tests.faults.case import Case, case, migration
from tests.faults.engines import open_bench
from tests.faults.fault import Variant
from tests.faults.writers import Acknowledged, writing

ROUNDS = 2
"""How often the plan is undone while they write."""

NEVER = "alter table orders add constraint lockgate_never check (id < 0)"

UNDONE = case(
    "undone",
    migration(
        "001_undone",
        "alter table orders add column note varchar(20) default 'none'",
        "create index orders_total on orders (total)",
        "alter table products add column weight int, alter column stock set default 3",
        "rename table products to articles",
        "alter table articles rename column stock to in_stock",
        "drop table settings",
        "create trigger orders_marked before insert on orders for each row set new.note = 'new'",
        "alter table orders modify total decimal(12, 2)",
        NEVER,
    ),
)

DONE = case(
    "done",
    migration(
        "001_done",
        "alter table orders add column note varchar(20) default 'none'",
        "alter table products add column weight int",
        "update products set weight = 5",
        "create index orders_total on orders (total)",
        "alter table settings comment 'pairs'",
    ),
)


def apply_under_writers(bench: Bench, plan: Case, code: int, rounds: int) -> Acknowledged:
    """What was acknowledged to others while a plan was applied `rounds` times."""
    state = bench.state
    prepared = bench.prepare_case(Variant(state.server.engine, plan.name, "up"), plan)
    assert prepared.is_atomic, prepared.verdict
    state.restore(prepared.image)
    with writing(state.server, state.database) as kept:
        endings = [bench.apply(prepared) for _ in range(rounds)]
    assert [ending.code for ending in endings] == [code] * rounds, endings
    return kept


def check_nothing_is_lost(bench: Bench, kept: Acknowledged) -> None:
    server, database = bench.state.server, bench.state.database
    orders = dict(ask(server, database, "select id, total from orders where id > 1000"))
    assert kept.orders
    assert orders == kept.orders
    assert ask(server, database, "select stock from products where id = 1") == [(kept.raised,)]
    assert ask(server, database, "select v from settings") == [(kept.setting,)]


def test_what_others_wrote_outlives_the_undoing(family_server: Any) -> None:
    with open_bench(family_server) as bench:
        kept = apply_under_writers(bench, UNDONE, 9, ROUNDS)
        check_nothing_is_lost(bench, kept)


def test_what_others_wrote_outlives_the_doing(family_server: Any) -> None:
    with open_bench(family_server) as bench:
        kept = apply_under_writers(bench, DONE, 0, 1)
        check_nothing_is_lost(bench, kept)
