"""Plans that set a sequence which was there before them: no failure sets it back."""

from dataclasses import replace

import pytest

from lockgate.planner.database.facts import Facts, TableFacts
from tests.planner.literals import SETTING, migration, up_plan

KNOWN = Facts({"t": TableFacts("heap", 10, 8192, {}), "t_id_seq": TableFacts("heap", 1, 8192, {})})
OF_T = "a sequence of the table t"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select setval('t_id_seq', 1)", "the sequence t_id_seq"),
        ("select pg_catalog.setval('public.t_id_seq'::regclass, 1, true)", "the sequence t_id_seq"),
        ("select setval(pg_get_serial_sequence('t', 'id'), max(id)) from t", OF_T),
        ("insert into t select setval(oid::regclass, 1) from pg_class", "a sequence"),
        ("select setval('made_seq', 1)", ""),
        ("select setval(pg_get_serial_sequence('made', 'id'), 1)", ""),
        ("select 'setval'", ""),
        ("alter sequence t_id_seq restart", ""),
    ],
)
def test_a_sequence_of_the_database_that_is_set_is_told(sql: str, told: str) -> None:
    made = "create table made (id serial primary key)"
    setting = replace(SETTING, facts=KNOWN)
    plan = up_plan([migration(1, f"{made};\n{sql};")], setting=setting)
    sentence = "sets {} by setval, which no ROLLBACK takes back: after a failure it stays so."
    assert plan.warnings == ((f"1_m1.sql:3 {sentence.format(told)}",) if told else ())


def test_outside_of_a_transaction_the_verdict_tells() -> None:
    alone = migration(1, "select setval('t_id_seq', 1);", options="transaction:false")
    assert up_plan([alone], setting=replace(SETTING, facts=KNOWN)).warnings == ()
