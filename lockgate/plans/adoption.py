"""Another tool's history, found in a database and read, for a plan that takes it over."""

from __future__ import annotations

from collections.abc import Iterable

from lockgate.executors.engine import Engine
from lockgate.executors.ledger.occupancy import read_takeover_testimony
from lockgate.planner.adoption.matching import WAY_IN_OF_CODE, Takeover
from lockgate.planner.adoption.recognition import find_histories, known_tools
from lockgate.planner.adoption.tool import MigrationTool
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.database.occupancy import FoundTable
from lockgate.planner.database.recording import adopted_tables, rolled_back
from lockgate.planner.environments.environment import Environment
from lockgate.planner.errors import HistoryError, Interrupted, LockgateError, UsageError
from lockgate.planner.plan.plan import Plan, seal
from lockgate.planner.value import frozen, replace
from lockgate.plans.making import Request, plan_live
from lockgate.plans.rehearsal import compare_taken
from lockgate.workspace import find_format, open_workspace, read_settled

AUTO = "auto"


@frozen
class Source:
    """Whose history: a tool, or `auto`. With `table`, what that tool keeps under a name of its
    users, which its columns alone do not tell. `layout` is the format of the migrations."""

    tool: str = AUTO
    table: str | None = None
    layout: str = ""

    def __post_init__(self) -> None:
        if self.table and self.tool == AUTO:
            raise UsageError(
                "`--table` is the table of a tool, and needs its name.", do="Add `--from TOOL`."
            )


def plan_adoption(
    environment: Environment, source: Source, baseline: str | None, *, verify: bool | None
) -> Plan:
    """The plan that takes over the history of a tool, compared with a replay where that is asked.
    With None it is compared where it can be, and a plan that was not says why.

    Raises:
        UsageError: there is no such history.
        HistoryError: it cannot be taken over as it is.
    """
    with open_workspace(environment) as work:
        ledger = read_settled(work.engine)
        meant = replace(source, layout=find_format(environment))
        takeover = find_takeover(work.engine, meant, baseline, ledger)
        plan = plan_live(work, ledger, Request(takeover=takeover))
        if not plan.steps and not _is_news(takeover, ledger):
            raise _nothing(takeover, ledger)
        if verify is False:
            return plan
        try:
            told = compare_taken(work, plan, ledger, takeover)
            return _warned(_compared(plan), *told)
        except (HistoryError, Interrupted):
            raise
        except LockgateError as error:
            if verify:
                raise
            why = f"{error.what}. {error.do}".replace("..", ".").strip()
            what = "The schema was not compared with what these migrations make"
            return _warned(plan, f"{what}: {why}")


def _is_news(takeover: Takeover, ledger: Ledger) -> bool:
    """Whether the tool's table says what stops us, though all of it is in our history."""
    from lockgate.planner.adoption.other_tool import find_moved

    place = (takeover.table.schema, takeover.table.name)
    now = takeover.testimony.versions
    known = (one for one in adopted_tables(ledger) if (one.schema, one.table) == place)
    return any(any(find_moved(one, now, ledger)) for one in known)


def _compared(plan: Plan) -> Plan:
    """The plan that says so of itself, not sealed again."""
    assert plan.adopted is not None
    adopted = plan.adopted.model_copy(update={"compared": True})
    return plan.model_copy(update={"adopted": adopted})


def _warned(plan: Plan, *told: str) -> Plan:
    return seal(plan.model_copy(update={"warnings": (*plan.warnings, *told)}))


def find_takeover(engine: Engine, source: Source, baseline: str | None, ledger: Ledger) -> Takeover:
    """The history that is meant, or the only one that there is; one that was taken over before is
    known by that.

    Raises:
        UsageError: there is none, or there are several.
    """
    tables = engine.survey.find_tables()
    if source.table:
        found = _named(source, tables)
    else:
        before = [
            each
            for one in adopted_tables(ledger)
            for each in _named(Source(one.tool, f"{one.schema}.{one.table}"), tables)
        ]
        found = tuple(
            {
                str(table): (tool, table) for tool, table in (*find_histories(tables), *before)
            }.values()
        )
    wanted = [each for each in found if source.tool == AUTO or _is(each[0].name, source.tool)]
    if len(wanted) != 1:
        raise _not_one([f"{table} of {known.name}" for known, table in wanted or found], source)
    ((known, table),) = wanted
    testimony = read_takeover_testimony(engine, known, table, tables)
    return Takeover(known, table, testimony, baseline)


def _named(
    source: Source, tables: Iterable[FoundTable]
) -> tuple[tuple[MigrationTool, FoundTable], ...]:
    """The table of this name that has the columns of the tool's."""
    return tuple(
        (tool, table)
        for tool in known_tools()
        if _is(tool.name, _plain(source.tool))
        for table in tables
        if source.table in (table.name, str(table), f"{table.schema}.{table.name}")
        and table.is_plain
        and tool.columns <= table.columns
    )


def tool_names() -> list[str]:
    """What `--from` takes."""
    return [AUTO, *(_plain(tool.name) for tool in known_tools())]


def _plain(name: str) -> str:
    return name.lower().replace(" ", "-")


def _is(name: str, wanted: str) -> bool:
    return _plain(name) == wanted.lower()


def _not_one(found: list[str], source: Source) -> UsageError:
    tool = source.tool
    if not found and source.table:
        return UsageError(
            f"There is no table {source.table} with the columns of {tool}'s history here.",
            do="See what it is called and what it has: `migrate shell`.",
        )
    if not found:
        return UsageError(
            "No table here is the history of a tool that lockgate knows.",
            why=_elsewhere(source) or f"Known are {', '.join(tool_names()[1:])}.",
            do="Where its table has a name of your own: `migrate adopt --from TOOL --table NAME`. "
            "Else name the last of the migrations whose work is in the database already: "
            "`migrate plan --baseline VERSION`.",
        )
    if tool == AUTO:
        return UsageError(
            f"Several tools have a history here: {', '.join(found)}.", do="Name one with `--from`."
        )
    return UsageError(
        f"There is no history of {tool} here, but {', '.join(found)}.",
        do="Name that with `--from`.",
    )


def _elsewhere(source: Source) -> str:
    """Where the history is of the tool that is meant, or whose migrations these are."""
    meant = source.layout if source.tool == AUTO else source.tool
    return "".join(tool.elsewhere for tool in known_tools() if _is(tool.name, meant))


def _nothing(takeover: Takeover, ledger: Ledger) -> UsageError:
    named = f"{takeover.table}, the history of {takeover.tool.name},"
    if ledger.present:
        but = ", but for what was rolled back here since" if rolled_back(ledger) else ""
        return UsageError(f"Nothing to take over: {named} has nothing that ours has not{but}.")
    return UsageError(
        f"Nothing to take over: {named} names none of these migrations.",
        do="Where the tables are not of these migrations: `migrate plan --fresh`. Where the other "
        f"tool's migrations are code: {WAY_IN_OF_CODE}",
    )
