"""Plans as literals for the views: one of each kind that a reviewer meets."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lockgate.planner.decision import Decision
from lockgate.planner.finding import Finding
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.plan.plan import Change, Lock, Measured, Plan, Rehearsal, seal
from lockgate.planner.plan.statement import Touch
from lockgate.planner.review.rehearsal_findings import Evidence, with_evidence
from lockgate.planner.sql.dialect import MYSQL
from tests.planner.literals import SETTING, read, up_plan

COMMIT = "9f2c1e7ab0d34c5e8f60718293a4b5c6d7e8f901"
PRODUCTION = replace(
    SETTING,
    environment="production",
    source=SETTING.source.model_copy(update={"commit": COMMIT}),
)

LOSES = Finding(
    code="drops-data",
    severity="danger",
    statement=1,
    line=2,
    message="What is lost: the column users.legacy_name.",
    why="No rollback that comes later brings the data back, and what still reads it fails.",
    safer="First release what no longer uses it; drop it in a later migration.",
)
BLOCKS = Finding(
    code="blocks-table",
    severity="danger",
    statement=1,
    line=3,
    message="ALTER TABLE: ACCESS EXCLUSIVE lock on orders (about 80,000,000 rows, 41GB), "
    "rewrites every row.",
    why="For as long as that takes, reads and writes wait.",
    safer="Do it while no session uses the table, or fill a new table and exchange the two.",
)
EVERY_ROW = Finding(
    code="writes-every-row",
    severity="warning",
    statement=1,
    line=2,
    message="UPDATE without a condition: all rows of invoices.",
    why="It holds its row locks until the unit is committed.",
    safer="Write in batches: `UPDATE … WHERE id BETWEEN …`.",
)
WAIVED = Finding(
    code="require-concurrent-index-creation",
    severity="warning",
    statement=2,
    line=4,
    message="CREATE INDEX without CONCURRENTLY.",
    why="Writes wait until it is built.",
    tool="squawk",
    allowed="the table was made one line above",
)
NOTE = Finding(
    code="implicit-commit", severity="info", line=2, message="Good to know.", why="It is so."
)

ORDERS = Touch(
    table="orders",
    lock="ACCESS EXCLUSIVE",
    blocks="reads",
    work="rewrite",
    rows=80_123_456,
    bytes=41 << 30,
)
USERS = Touch(
    table="users", lock="ACCESS EXCLUSIVE", blocks="reads", rows=1_204_000, bytes=310 << 20
)
INVOICES = Touch(
    table="billing.invoices", lock="ROW EXCLUSIVE", work="scan", certain=False, rows=12_400
)
OLD = Touch(table="old", lock="EXCLUSIVE", blocks="reads", rows=10, bytes=16 << 10)
ITEMS = Touch(
    table="items", lock="SHARED", algorithm="copy", blocks="writes", work="rewrite", certain=False
)

ORDER_TOTAL = """\
-- The total was computed by every reader.
alter table orders
    alter column total type numeric(12, 2) using total::numeric;"""
COUNT_ORDERS = """\
create function count_orders(customer bigint) returns bigint
language sql stable as $$
    select count(*) from orders where customer_id = customer and state <> 'cancelled'
$$;
comment on function count_orders is 'Orders that were not "cancelled"; see <b>billing</b>';"""

CUSTOMERS = """\
create table customers (
    id bigint primary key,
    name text not null
);
create index customers_by_name on customers (name);"""


def written(
    filename: str, up: str, down: str = "", *, requires: str = "", options: str = ""
) -> Migration:
    """The migration of that file name."""
    header = f"-- migrate:requires {requires}\n" if requires else ""
    text = f"{header}-- migrate:up {options}\n{up}\n-- migrate:down {options}\n{down}\n"
    return read(text, filename)


MIGRATIONS = (
    written("001_create_customers.sql", CUSTOMERS, "drop table customers;"),
    written("002_drop_legacy_name.sql", "alter table users drop column legacy_name;"),
    written("003_order_total.sql", ORDER_TOTAL, "select 1;", requires="001"),
    written(
        "004_orders_by_customer.sql",
        "create index concurrently orders_by_customer on orders (customer_id);",
        "drop index orders_by_customer;",
        requires="003",
        options="transaction:false",
    ),
    written("005_fill_totals.sql", "update billing.invoices set total = 0.5;", requires="001 003"),
    written("006_count_orders.sql", COUNT_ORDERS, "drop function count_orders;", requires="003"),
)


APPROVAL = Decision(
    policy="destructive",
    answer="require-approval",
    reason="Data is lost: the column users.legacy_name (step 2 statement 1).",
    do="First release what no longer uses it, and drop it in a later plan.",
)
DENIAL = Decision(policy="findings", answer="deny", reason="Dangers: drops-data (step 2).")


def decorated(
    plan: Plan,
    findings: Mapping[int, tuple[Finding, ...]],
    touches: Mapping[tuple[int, int], tuple[Touch, ...]],
) -> Plan:
    """The plan with findings by the number of a step, and touches by that of step and statement."""
    steps = [
        step.model_copy(
            update={
                "findings": findings.get(number, ()),
                "statements": tuple(
                    one.model_copy(update={"touches": touches.get((number, place), ())})
                    for place, one in enumerate(step.statements, 1)
                ),
            }
        )
        for number, step in enumerate(plan.steps, 1)
    ]
    return seal(plan.model_copy(update={"steps": tuple(steps)}))


def release_plan(migrations: Iterable[Migration] = MIGRATIONS, **setting: Any) -> Plan:
    """A release with all that a review is for."""
    chosen = tuple(migrations)
    plan = up_plan(chosen, setting=replace(PRODUCTION, **setting))
    marked = {"001": (WAIVED,), "002": (LOSES,), "003": (BLOCKS,), "005": (EVERY_ROW, NOTE)}
    worked = {"002": USERS, "003": ORDERS, "005": INVOICES}
    numbers = {step.version: number for number, step in enumerate(plan.steps, 1)}
    plan = plan.model_copy(update={"decisions": (APPROVAL, DENIAL)})
    return decorated(
        plan,
        {numbers[version]: found for version, found in marked.items() if version in numbers},
        {
            (numbers[version], 1): (touch,)
            for version, touch in worked.items()
            if version in numbers
        },
    )


def small_plan() -> Plan:
    """A plan of one harmless step."""
    return up_plan(MIGRATIONS[:1], setting=PRODUCTION)


def empty_plan() -> Plan:
    """A plan that does nothing."""
    return up_plan((), setting=PRODUCTION)


PART = """\
create table part_{0:03} (
    id bigint primary key,
    note text not null default ''
);
create index part_{0:03}_by_note on part_{0:03} (note);"""


def long_plan(steps: int = 200) -> Plan:
    """A plan of many steps, each of which requires the one seven before; some have findings."""
    chosen = [
        written(
            f"{number:03}_create_part_{number:03}.sql",
            PART.format(number),
            f"drop table part_{number:03};",
            requires=f"{number - 7:03}" if number > 7 else "",
        )
        for number in range(1, steps + 1)
    ]
    plan = up_plan(chosen, setting=PRODUCTION)
    kinds = (LOSES, EVERY_ROW, NOTE)
    return decorated(
        plan,
        {number: (kinds[number // 10 % 3],) for number in range(10, steps + 1, 10)},
        {(number, 1): (USERS,) for number in range(25, steps + 1, 25)},
    )


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> ``` | @team \u202e"


def hostile_plan() -> Plan:
    """A plan whose every text tries to break out of its place."""
    sql = f"select '{HOSTILE}\n````\n```\n</details>';"
    text = f"-- migrate:up\n{sql}\n-- migrate:down\n"
    plan = up_plan((read(text, "001_a_|_`b`_<b>@team.sql"),), setting=PRODUCTION)
    finding = LOSES.model_copy(
        update={"message": HOSTILE, "why": HOSTILE, "safer": HOSTILE, "allowed": None}
    )
    touch = Touch(table=HOSTILE, lock=HOSTILE)
    hostile = plan.model_copy(
        update={
            "environment": HOSTILE,
            "verdict": HOSTILE,
            "warnings": (HOSTILE,),
            "rehearsal": hostile_rehearsal(),
            "decisions": (DENIAL.model_copy(update={"policy": HOSTILE, "reason": HOSTILE}),),
            "target": plan.target.model_copy(update={"database": HOSTILE}),
        }
    )
    return decorated(hostile, {1: (finding,)}, {(1, 1): (touch,)})


def hostile_rehearsal() -> Rehearsal:
    """A rehearsal whose every text tries to break out of its place."""
    lock = Lock(table=HOSTILE, lock=HOSTILE, blocks="reads")
    left = Change(object=HOSTILE, change="changed", lines=(f"-{HOSTILE}", "+```", "+</details>"))
    return Rehearsal(
        server_version=HOSTILE,
        server_number=180006,
        there_ms=1,
        restored=False,
        obstacle=HOSTILE,
        differences=(left,),
        measured=(Measured(step=1, statement=1, ms=1, locks=(lock,), rewrites=(HOSTILE,)),),
        expected={},
    )


def rehearsed_plan() -> Plan:
    """The release after a rehearsal in which the way back of a step forgot an index."""
    closed = Lock(table="public.orders", lock="ACCESS EXCLUSIVE", blocks="reads")
    index = "+index orders_by_total: columns total"
    left = Change(object="table public.orders", change="changed", lines=(index,))
    seen = Rehearsal(
        server_version="18.6",
        server_number=180006,
        there_ms=48,
        back_ms=31,
        again_ms=44,
        restored=False,
        repeatable=True,
        differences=(left, Change(object="view public.sums", change="removed")),
        measured=(
            Measured(step=1, statement=1, ms=9, locks=(), rewrites=()),
            Measured(step=3, statement=1, ms=12, locks=(closed,), rewrites=("public.orders",)),
            Measured(step=4, statement=1, ms=5, rewrites=()),
        ),
        expected={"table public.orders": "0" * 16},
    )
    trips = [seen.model_copy(update={"restored": True, "differences": ()})] * 2 + [seen]
    return with_evidence(release_plan(), Evidence(seen, trips))


def compensated_plan() -> Plan:
    """A plan for MySQL: undone by compensation, and cut by a point of no return."""
    judged = (
        ("implied", "", ()),
        ("deferred", "", (OLD,)),
        ("compensated-by-copy", "", (ITEMS,)),
        ("point-of-no-return", "GRANT is not undone by any recorded pre-image", ()),
    )
    sql = (
        "create table `t` (id int);\ndrop table old;\n"
        "alter table items modify note varchar(10);\ngrant all on t to u;"
    )
    server = replace(SETTING.server, dialect=MYSQL, version="9.7.4")
    plan = up_plan([written("001_mixed.sql", sql)], setting=replace(PRODUCTION, server=server))
    (step,) = plan.steps
    statements = tuple(
        one.model_copy(update={"guarantee": guarantee, "reason": reason, "touches": touches})
        for one, (guarantee, reason, touches) in zip(step.statements, judged, strict=True)
    )
    steps = (step.model_copy(update={"statements": statements, "transaction": 1}),)
    verdict = f"NOT ATOMIC after 001_mixed.sql:5: {judged[-1][1]}"
    return seal(plan.model_copy(update={"steps": steps, "verdict": verdict}))


def altered_plan() -> Plan:
    """The release, made again for staging: with steps added, removed, changed and graded again."""
    first, _, _, *rest = MIGRATIONS
    other = written("003_order_total.sql", f"{ORDER_TOTAL}\nselect 2;", "select 3;", requires="001")
    added = written("007_more.sql", "create table more (id int);", "drop table more;")
    plan = release_plan([first, other, *rest, added], environment="staging")
    bare = plan.steps[0].model_copy(update={"findings": ()})
    return seal(plan.model_copy(update={"steps": (bare, *plan.steps[1:])}))
