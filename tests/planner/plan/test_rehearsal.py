"""What may be rehearsed, what a reviewer is warned of, and a schema that has changed since."""

import pytest

from lockgate.planner.database.catalogue import Catalogue, ObjectDifference
from lockgate.planner.errors import Denied, StalePlan, UsageError
from lockgate.planner.plan.drift import (
    made_by_migrations,
    name_objects,
    refuse_changed_schema,
    refuse_unknown_schema,
    with_fingerprint,
)
from lockgate.planner.plan.rehearsal import (
    refuse_reaching,
)
from lockgate.planner.plan.statement import PlannedStatement, statement_digest
from lockgate.planner.sql.dialect import MYSQL, POSTGRESQL
from tests.planner.literals import migration, up_plan

PLAN = up_plan([migration("001")])


def statement(sql: str) -> PlannedStatement:
    digest = statement_digest(sql, None)
    return PlannedStatement(line=3, sql=sql, guarantee="transactional", digest=digest)


@pytest.mark.parametrize(
    "sql",
    [
        "create table shop.t (id int)",
        "insert into `Shop` . t values (1)",
        "use shop",
        "prepare s from 'drop table shop.t'",
    ],
)
def test_a_statement_that_names_another_database_is_refused(sql: str) -> None:
    with pytest.raises(UsageError, match=r"line 3 names the database (?i:shop)"):
        refuse_reaching([statement(sql)], MYSQL, {"shop"})


@pytest.mark.parametrize("sql", ["select shop from t", "select t.shop from t", "select 1.5"])
def test_a_word_that_names_no_database_is_no_reason(sql: str) -> None:
    refuse_reaching([statement(sql)], MYSQL, {"shop"})


def test_what_whoever_creates_a_database_decides_on_is_not_the_migrations() -> None:
    catalogue = Catalogue(
        {
            "database": "comment x",
            "grants": "'a'@'%': privileges SELECT\n'a'@'%' on table t: privileges SELECT",
            "table t": "engine InnoDB",
        }
    )
    assert made_by_migrations(catalogue).objects == {
        "grants": "'a'@'%' on table t: privileges SELECT",
        "table t": "engine InnoDB",
    }


def test_a_long_list_of_objects_is_cut() -> None:
    found = [ObjectDifference(f"table t{n}", "added") for n in range(7)]
    assert name_objects(found).endswith("table t4 (added) and 2 more")


def test_a_schema_that_has_changed_since_the_plan_is_refused_by_name() -> None:
    plan = with_fingerprint(PLAN, Catalogue({"table t": "a", "view v": "b"}).digests())
    refuse_changed_schema(plan, Catalogue({"view v": "b", "table t": "a"}))
    with pytest.raises(StalePlan, match=r"table t \(changed\), view v \(removed\)"):
        refuse_changed_schema(plan, Catalogue({"table t": "c"}))


def test_a_plan_without_a_fingerprint_is_not_taken_where_one_is_wanted() -> None:
    with pytest.raises(Denied):
        refuse_unknown_schema(PLAN)
    refuse_unknown_schema(with_fingerprint(PLAN, {}))


def test_the_refused_statement_is_shown_on_one_line() -> None:
    with pytest.raises(UsageError, match="create role app"):
        refuse_reaching([statement("create\n  role app")], POSTGRESQL, ())
