"""An inspected plan: findings and touches of its steps, by facts, waivers and an outer linter."""

from dataclasses import replace
from typing import Literal

from lockgate.planner.database.facts import ConstraintFacts, Facts, Layout, TableFacts
from lockgate.planner.finding import Finding
from lockgate.planner.plan.plan import Plan, seal
from lockgate.planner.plan.statement import Touch
from lockgate.planner.reading.reading import Object
from lockgate.planner.reading.sizes import Thresholds
from lockgate.planner.review.inspection import completed, inspect, read_origins, read_subjects
from lockgate.planner.review.losses import find_row_changes
from lockgate.planner.review.section import ReviewTerms
from lockgate.planner.sql.dialect import DIALECTS, POSTGRESQL
from tests.planner.literals import SETTING, read, up_plan

ORDERS = TableFacts("InnoDB", 80_000_000, 41 << 30, {})
FACTS = Facts({"orders": ORDERS, "users": TableFacts("InnoDB", 10, 16384, {})}, strict=True)


def inspected(
    *texts: str,
    engine: str = "mysql",
    facts: Facts = FACTS,
    outer: Finding | None = None,
    thresholds: Thresholds | None = None,
    transaction: Literal["plan", "step"] = "plan",
) -> Plan:
    """The plan that applies these files, inspected; `outer` is a finding of the first."""
    dialect = DIALECTS[engine]
    migrations = [
        read(text if "migrate:up" in text else f"-- migrate:up\n{text}", f"{number:03}_m.sql")
        for number, text in enumerate(texts, 1)
    ]
    server = replace(SETTING.server, dialect=dialect)
    plan = up_plan(migrations, setting=replace(SETTING, server=server, transaction=transaction))
    origins = read_origins(plan, migrations, dialect, {})
    terms = ReviewTerms(dialect, facts, thresholds or Thresholds())
    subjects = read_subjects(plan, terms, origins)
    others: list[tuple[Finding, ...]] = [()] * len(texts)
    others[0] = (outer,) if outer else ()
    return inspect(plan, subjects, origins, others)


def codes(plan: Plan) -> list[list[str]]:
    return [[one.code for one in step.findings] for step in plan.steps]


def test_a_step_is_judged_by_the_size_of_its_tables() -> None:
    (step,) = inspected("alter table orders drop primary key;").steps
    (one,) = step.findings
    assert (one.code, one.severity, one.statement, one.line) == ("blocks-table", "danger", 1, 2)
    assert "orders (about 80,000,000 rows, 41GB)" in one.message


def test_a_lock_of_an_earlier_step_is_held_until_its_transaction_ends() -> None:
    short, long = "alter table users add n integer;", "update orders set n = 1 where id > 5;"
    (held,) = inspected(short, long, engine="postgresql").steps[1].findings
    assert (held.code, held.severity) == ("lock-held", "warning")
    assert "while the transaction holds ACCESS EXCLUSIVE on users (001_m.sql)" in held.message
    outside = f"-- migrate:up transaction:false\n{short}"
    assert codes(inspected(outside, long, engine="postgresql")) == [[], []]


def test_a_query_under_a_lock_is_told_without_a_size() -> None:
    sql = "alter table users add n integer;\ninsert into users select * from orders;"
    ((held,),) = [step.findings for step in inspected(sql, engine="postgresql").steps]
    assert held.message == (
        "INSERT runs a query over an unknown number of rows while the transaction holds "
        "ACCESS EXCLUSIVE on users (statement 1)."
    )


def test_each_step_in_its_own_transaction_lets_go_of_its_locks() -> None:
    short, long = "alter table users add n integer;", "update orders set n = 1 where id > 5;"
    plan = inspected(short, long, engine="postgresql", transaction="step")
    assert codes(plan) == [[], []]


def test_a_statement_names_the_tables_that_it_touches() -> None:
    (step,) = inspected("alter table orders drop primary key;\nalter table users add a int;").steps
    assert [statement.touches for statement in step.statements] == [
        (
            Touch(table="orders", lock="SHARED", algorithm="copy", blocks="writes",
                  work="rewrite", rows=80_000_000, bytes=41 << 30),
        ),
        (Touch(table="users", lock="", algorithm="instant", rows=10, bytes=16384),),
    ]  # fmt: skip


def test_a_table_of_which_nothing_is_known_has_no_size() -> None:
    (step,) = inspected("alter table a.b drop primary key;").steps
    (touch,) = step.statements[0].touches
    assert (touch.table, touch.rows, touch.bytes) == ("a.b", None, None)


def test_what_a_step_before_has_made_is_nobodys_yet() -> None:
    plan = inspected("create table fresh (id int);", "alter table fresh drop primary key;")
    assert codes(plan) == [[], []]
    assert plan.steps[1].statements[0].touches == ()


def test_a_table_of_that_name_in_another_schema_is_not_the_one_that_was_made() -> None:
    plan = inspected("create table archive.orders (id int);", "drop table orders;")
    assert codes(plan) == [[], ["drops-data"]]


def test_what_was_there_before_if_not_exists_is_not_new() -> None:
    plan = inspected("create table if not exists orders (id int);", "drop table orders;")
    assert codes(plan) == [[], ["drops-data"]]


def test_a_loss_is_the_same_with_facts_and_without() -> None:
    sql = ("create table if not exists fresh (id int);", "drop table fresh;")
    for facts in (FACTS, Facts()):
        assert codes(inspected(*sql, facts=facts)) == [[], ["drops-data"]]


def test_a_temporary_table_is_its_sessions_own() -> None:
    sql = "create temp table t (id int);\ncreate index on t (id);\ndrop table t;"
    plan = inspected(sql, engine="postgresql", facts=Facts())
    assert codes(plan) == [[]]
    assert [one.touches for one in plan.steps[0].statements] == [(), (), ()]


def test_a_materialized_view_is_new_too() -> None:
    sql = "create materialized view v as select 1 as a;\ncreate unique index on v (a);"
    assert codes(inspected(sql, engine="postgresql", facts=Facts())) == [[]]


def test_the_thresholds_say_what_is_large() -> None:
    strict, lax = Thresholds(rows=10), Thresholds(rows=10**9, size=float(1 << 50))
    sql = ("alter table users drop primary key;", "alter table orders drop primary key;")
    grades = [
        [one.severity for step in inspected(*sql, thresholds=each).steps for one in step.findings]
        for each in (strict, lax)
    ]
    assert grades == [["danger", "danger"], ["info", "info"]]


def test_a_waiver_of_the_file_is_shown_with_its_reason() -> None:
    text = "-- migrate:allow drops-data unused\n-- migrate:up\ndrop table users;"
    (step,) = inspected(text).steps
    (one,) = step.findings
    assert (one.code, one.allowed, one.is_refused) == ("drops-data", "unused", False)


def test_a_waiver_of_no_rule_is_a_warning_of_the_plan() -> None:
    text = "-- migrate:up\nselect 1;\n-- migrate:allow drop-data unused\ndrop table users;"
    plan = inspected(text)
    assert plan.warnings == ("001_m.sql:3: `allow drop-data` names no rule and waives nothing.",)
    assert codes(plan) == [["drops-data"]]


def test_what_stands_between_statements_is_read_from_the_file() -> None:
    text = "delimiter //\ncreate procedure p() begin end//"
    assert codes(inspected(text)) == [["delimiter-left"]]


def test_an_outer_finding_stands_in_its_step() -> None:
    outer = Finding(code="ban-drop-table", severity="danger", statement=1, line=2, message="a.",
                    why="b.", tool="squawk")  # fmt: skip
    plan = inspected("drop table users;", "drop table orders;", engine="postgresql", outer=outer)
    assert codes(plan) == [["ban-drop-table"], ["drops-data"]]


def test_findings_that_a_step_has_already_stay_first() -> None:
    late = Finding(code="out-of-order", severity="warning", line=1, message="a.", why="b.")
    plan = inspected("drop table orders;", engine="postgresql")
    step = plan.steps[0].model_copy(update={"findings": (late,)})
    marked = plan.model_copy(update={"steps": (step,)})
    terms = ReviewTerms(POSTGRESQL, FACTS)
    origins = read_origins(marked, (), POSTGRESQL, {})
    again = inspect(marked, read_subjects(marked, terms, origins), origins, [()])
    assert codes(again) == [["out-of-order", "drops-data"]]


def test_the_intent_is_that_of_the_plan_before() -> None:
    plan = inspected("drop table orders;")
    assert plan.steps[0].findings
    assert seal(plan).intent_digest == plan.intent_digest


def test_what_a_section_makes_is_named_with_its_schema() -> None:
    terms = ReviewTerms(POSTGRESQL)
    sql = "create table a.t (id int);\ndrop table a.t;\ndrop table t;"
    plan = inspected(sql, engine="postgresql")
    (subject,) = read_subjects(plan, terms, read_origins(plan, (), POSTGRESQL, {}))
    assert [one.new for one in subject.statements] == [
        frozenset(),
        {Object("table", "t", "a")},
        frozenset(),
    ]


def test_what_a_plan_of_format_1_0_loses_is_read_from_its_sql() -> None:
    plan = up_plan([read("-- migrate:up\ndrop table users;")])
    (step,) = plan.steps
    (statement,) = step.statements
    older = statement.model_copy(update={"reading": None, "loses": ()})
    bare = plan.model_copy(update={"steps": (step.model_copy(update={"statements": (older,)}),)})
    assert completed(bare).steps == plan.steps
    assert completed(bare).digest == plan.digest
    assert completed(plan) is plan


def viewed(rows: int) -> Facts:
    """A table of so many rows with a view of it."""
    table = TableFacts("heap", rows, rows * 100, {}, layout=Layout("table", views={"v": ()}))
    return Facts({"t": table, "v": TableFacts("", 0, 0, {}, layout=Layout("view"))})


def test_what_is_written_through_a_view_is_judged_by_its_table() -> None:
    for sql in ("delete from v;", "delete from v where a = 1;", "update v set a = 1;"):
        (step,) = inspected(sql, engine="postgresql", facts=viewed(1_000_000)).steps
        assert [one.severity for one in step.findings] == ["danger"], sql
        assert " t (" in step.findings[0].message or "rows of t" in step.findings[0].message
    (step,) = inspected("delete from v;", engine="postgresql", facts=viewed(0)).steps
    assert [one.severity for one in step.findings] == ["info"]


def test_a_view_of_the_plans_own_is_no_way_around_a_loss() -> None:
    sql = "create view w as select * from t;\ndelete from w;"
    (step,) = inspected(sql, engine="postgresql", facts=viewed(5)).steps
    assert step.statements[1].loses == ("every row of w", "rows of t (through the view w)")


def test_the_table_of_a_view_is_named_where_rows_are_changed() -> None:
    plan = inspected("update v set a = 1;", engine="postgresql", facts=viewed(5))
    assert [(one.tables, one.whole) for one in find_row_changes(plan)] == [
        (("v",), True), (("t",), False)]  # fmt: skip


def test_what_follows_an_updated_key_is_named_and_keeps_no_finding_away() -> None:
    def foreign(*cascades: str) -> TableFacts:
        key = ConstraintFacts("foreign", ("x",), parent="t", parent_columns=("a",),
                              cascades=cascades)  # fmt: skip
        return TableFacts("heap", 7, 700, {}, layout=Layout("table", constraints={"k": key}))

    table = TableFacts("heap", 5, 500, {}, layout=Layout("table", referrers=("u", "w")))
    facts = Facts({"t": table, "u": foreign("update"), "w": foreign("update", "empty on update")})
    plan = inspected("update t set a = a + 1;", engine="postgresql", facts=facts)
    assert codes(plan) == [["drops-data", "writes-every-row"]]
    assert plan.steps[0].statements[0].loses == (
        "values of w.x (ON UPDATE SET NULL or DEFAULT)",
    )  # fmt: skip
    assert [one.tables for one in find_row_changes(plan)] == [("t",), ("u",)]
    (step,) = inspected("with gone as (delete from t where a > 5) update w set x = 1;",
                        engine="postgresql", facts=facts).steps  # fmt: skip
    assert [one.message for one in step.findings if one.code == "writes-every-row"] == [
        "UPDATE without WHERE writes every row of w (about 7 rows, 0.7kB)."
    ]
