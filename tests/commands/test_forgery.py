"""Every field of a plan forged, and the plan sealed again: `apply` refuses it, or it does no harm.

`make test-forgery` tries all forgeries; without it each engine is given its share of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lockgate.executors.apply import verify
from lockgate.exits import Exit, exit_code
from lockgate.planner.environments.folder import EnvironmentsFolder
from lockgate.planner.errors import LockgateError
from lockgate.planner.plan.plan import Plan
from lockgate.planner.plan.planfile import parse_plan
from lockgate.planner.plan.verify import refuse_offline
from lockgate.plans.rereading import reread
from lockgate.trust.admission import PlanFile, admit
from lockgate.trust.approvals import Signatures
from lockgate.workspace import Workspace, load_environment, open_workspace
from tests.commands.forging import (
    Document,
    Forgery,
    dump,
    fields_of,
    forgeries,
    sealed,
    share,
)
from tests.commands.running import Project, refused, succeed
from tests.commands.test_adopt import FLYWAY

ALL = bool(os.environ.get("LOCKGATE_ALL_FORGERIES"))
"""Whether every forgery is tried on every engine."""
SHARE = 20
"""So many forgeries of each plan are tried without that, and spread over the fields."""

REFUSED = {Exit.DENIED, Exit.STALE, Exit.WRONG_TARGET, Exit.INVALID_PLAN}
HARMLESS = {
    "tool_version": "the words of another lockgate are not compared, all that it does is",
    "created_at": "a plan can be made younger, but not of the future: only a signature helps",
    "expires_at": "the age is taken by the environment of now too",
    "source": "who has written the SQL, and where, is a claim: only a signature vouches for it",
    "target.server_version": "text; the number beside it is compared",
    "target.server_number": "another minor version: the SQL is read again by the server's own",
    "target.evidence": "what a role may not read is left out; an identity is compared besides",
    "warnings": "sentences for people, which no policy reads",
    "decisions": "made again",
    "accepted": "counts only in a plan that is signed",
    "fingerprint": "with `drift: check` a plan without one is refused; else it is only stricter",
    "rehearsal": "counts only in a plan that is signed",
    "promotion": "made again from its receipts, where a policy asks for it",
    "fresh": "the author's word: the tables that a first plan found may be of others",
    "adopted.tool": "text, as long as a tool of this name reads the same in its table",
    "steps.findings": "made again, where a policy asks for them",
    "steps swapped": "in which order steps go back of which none requires another",
    "steps.text.sources.files.name": "for messages; that of the section is compared",
    "steps.text.sources.files.line": "for messages: where in a file its part begins",
    "steps.record.why": "text: nothing of the step runs",
    "steps.record.reason": "the author's word, for people",
    "steps.statements.touches": "what the SQL shows is compared and may only be more; what the "
    "tables show is made again, where a policy asks for it",
    "steps.statements.loses": "may only be more",
}
"""Fields that may be forged, and those in them, and why that does no harm."""

GIVEN: dict[str, Any] = {
    "source.commit": "0" * 40,
    "source.author": {"name": "Eve", "email": "eve@example.org"},
    "source.dirty": False,
    "state_pulled_at": "2026-01-01T00:00:00Z",
    "accepted": ["non_atomic"],
    "warnings": ["All is well."],
    "fresh": True,
    "adopted": {"tool": "dbmate", "qualifier": "x", "table": "y", "versions": ["1"]},
    "fingerprint": {"table users": "0" * 16},
    "rehearsal": {
        "server_version": "1", "there_ms": 1, "back_ms": 1, "again_ms": 1, "restored": True,
        "repeatable": True, "expected": {},
    },
    "promotion": {"environment": "staging", "by": "ledger", "proofs": []},
    "steps.replaces": "0" * 64,
    "steps.record": {"why": "record", "applied_at": "2001-01-01T00:00:00Z"},
    "steps.rollback": [],
    "steps.rollback_transactional": True,
    "steps.requires": ["001"],
    "steps.findings": [
        {"code": "no-worry", "severity": "info", "line": 1, "message": "", "why": ""}
    ],
    "steps.text.variables": {"name": "users"},
    "steps.text.sources": {
        "format": "plain",
        "files": [{"name": "001_users.sql", "role": "up", "line": 1, "length": 9}],
    },
    "steps.statements.copy_data": "1\t2\n",
    "steps.statements.touches": [{"table": "users", "lock": ""}],
    "steps.statements.loses": ["nothing of worth"],
    "steps.statements.reading.reaches_out": ["says hello"],
    "steps.statements.reading.names": ["advisory"],
    "steps.statements.reading.objects": [{"kind": "table", "name": "users"}],
    "steps.statements.reading.concurrent": {"action": "build", "index": None, "table": None},
    "steps.rollback.copy_data": "1\t2\n",
    "steps.rollback.touches": [{"table": "users", "lock": ""}],
    "steps.rollback.loses": ["nothing of worth"],
}  # fmt: skip
"""Values for what is null or empty in a plan."""


def pending(project: Project, server: Any) -> Document:
    """Of every kind of migration, on tables with rows."""
    rows = "insert into users values (1, 'x', 1), (2, 'y', 2);"
    table = "create table users (id int primary key, a varchar(50), b int not null);"
    project.write("001_users.sql", f"{table}\n{rows}", "drop table users;")
    view = (
        "-- migrate:requires 1\n-- migrate:up\ncreate or replace view v as select {} from users;\n"
    )
    repeated = project.migrations / "R__v.sql"
    repeated.write_text(view.format("id"))
    succeed(project.migrate("up"))
    repeated.write_text(view.format("id, a"))
    (project.migrations / "002_more.sql").write_text(
        "-- migrate:requires 001\n-- migrate:allow renaming-column it is known\n-- migrate:up\n"
        "-- migrate:if not exists column users.c\nalter table users add column c int;\n"
        "alter table users drop column b;\n"
        "-- migrate:down\nalter table users drop column c;\nalter table users add column b int;\n"
    )
    flags, is_postgres = " transaction:false", project.engine == "postgresql"
    alone = "create index concurrently i on users (a);" if is_postgres else "optimize table users;"
    project.write("003_alone.sql", alone, "", flags=flags)
    copied = "copy users (id, a) from stdin;\n3\tz\n\\.\n"
    inserted = "insert into users (id, a) values (3, 'z');"
    project.write("004_rows.sql", copied if is_postgres else inserted, "delete from users;")
    (project.migrations / "005_t.sql").write_text(
        "-- migrate:template jinja\n-- migrate:up\ncreate table {{ name }} (id int);\n"
        "-- migrate:down\ndrop table {{ name }};\n"
    )
    project.configure("variables: {name: one}\npolicy: {non_atomic: warn}\n")
    return planned(project)


def planned(project: Project, *options: str) -> Document:
    succeed(project.migrate("plan", *options))
    return read(project)


def read(project: Project) -> Document:
    document: Document = json.loads((project.folder / "plan.json").read_text())
    return document


def first(project: Project, server: Any) -> Document:
    """Of an empty database, by files in another tool's layout."""
    project.configure("migrations: {directory: migrations, format: golang-migrate}\n")
    for way, words in (("up", "create table {} (id int)"), ("down", "drop table {}")):
        text = "".join(f"{words.format(name)};\n" for name in "ab")
        (project.migrations / f"000001_a.{way}.sql").write_text(text)
    return planned(project)


def back(project: Project, server: Any) -> Document:
    project.write_tables(3)
    succeed(project.migrate("up"))
    return planned(project, "--down", "2")


def stored(project: Project, server: Any) -> Document:
    back(project, server)
    return planned(project, "--down", "1", "--from-database")


def recorded(project: Project, server: Any) -> Document:
    project.write_tables(2)
    return planned(project, "--baseline", "2")


def forgotten(project: Project, server: Any) -> Document:
    project.write_tables(2)
    succeed(project.migrate("up"))
    return planned(project, "--forget", "2")


def skipped(project: Project, server: Any) -> Document:
    project.write("001_fill.sql", "select 1;")
    project.write_tables(1, first=2)
    succeed(project.migrate("up"))
    return planned(project, "--down", "2", "--skip-irreversible", "1", "--reason", "a backfill")


def adopted(project: Project, server: Any) -> Document:
    """Of another tool's history, with its times."""
    (project.migrations / "V1__a.sql").write_text("create table a (id int);")
    project.configure("migrations: {directory: migrations, format: flyway}\n")
    row = "(1, '1', 'a', 'SQL', 'V1__a.sql', null, 'ann', '2024-01-01 10:00:00', 5, true)"
    with server.connect(project.database) as connection, connection.cursor() as cursor:
        for sql in (FLYWAY, f"insert into flyway_schema_history values {row}"):
            cursor.execute(sql)
        connection.commit()
    succeed(project.migrate("adopt", "--no-verify", "-o", "plan.json"))
    return read(project)


PLANS: dict[str, Callable[[Project, Any], Document]] = {
    plan.__name__: plan
    for plan in (pending, first, back, stored, recorded, forgotten, skipped, adopted)
}


def judge(text: str, work: Workspace) -> int:
    """The exit code of `apply --dry-run` with this plan; it does what the command does."""
    try:
        plan = parse_plan(text.encode(), "plan.json")
        refuse_offline(plan)
        if plan.environment != work.environment.name:
            return Exit.WRONG_TARGET
        file = PlanFile(reread(plan, work), Signatures(None, ()), "")
        ledger = work.engine.store.read_ledger()
        verify(plan, work.engine, ledger, admit(work.environment, None, file))
    except LockgateError as error:
        return exit_code(error)
    return Exit.OK


@pytest.mark.parametrize("name", PLANS)
def test_a_forged_field_is_refused_or_harmless(
    name: str, any_project: Project, any_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = PLANS[name](any_project, any_server)
    monkeypatch.setenv("TEST_URL", any_project.url)
    honest = Plan.model_validate(document)
    with opened(any_project) as work:
        assert judge(dump(document), work) == Exit.OK
        wrong = {}
        for forgery in chosen(document, f"{name} {any_project.engine}"):
            forged = forgery.made(document)
            code = judge(dump(forged), work)
            if code not in REFUSED and not is_harmless(forgery) and not says(forged, honest):
                wrong[f"{forgery.path} {forgery.change}"] = code
    assert not wrong, "\n".join(wrong)


def chosen(document: Document, seed: str) -> list[Forgery]:
    """All forgeries of a plan, or this engine's share of them."""
    found = forgeries(document, Plan, GIVEN)
    return list(found) if ALL else share(found, seed, SHARE)


def says(forged: Document, plan: Plan) -> bool:
    """Whether a forgery says what the plan says, with what is left out or null."""
    return Plan.model_validate(forged).model_copy(update={"digest": plan.digest}) == plan


def is_harmless(forgery: Forgery) -> bool:
    if f"{forgery.place} {forgery.change}" in HARMLESS:
        return True
    return any(f"{forgery.place}.".startswith(f"{place}.") for place in HARMLESS)


@contextmanager
def opened(project: Project) -> Iterator[Workspace]:
    folder = EnvironmentsFolder(project.folder / "environments", project.folder)
    with open_workspace(load_environment("test", folder)) as work:
        yield work


def test_what_is_called_harmless_are_fields_of_a_plan() -> None:
    fields = set(fields_of(Plan))
    assert {place.partition(" ")[0] for place in HARMLESS} <= fields
    assert set(GIVEN) <= fields


def sequel(plan: Document) -> None:
    plan["result"]["serial"] = "77"


def present(plan: Document) -> None:
    plan["base"]["present"] = not plan["base"]["present"]


def gone(plan: Document) -> None:
    plan["result"]["present"] = not plan["result"]["present"]


def numberless(plan: Document) -> None:
    plan["target"]["server_number"] = None


def empty(plan: Document) -> None:
    plan["steps"] = []


def twice(plan: Document) -> None:
    plan["steps"] *= 2


@pytest.mark.parametrize("edit", [sequel, present, gone, numberless, empty, twice])
def test_the_command_refuses_them_too(
    edit: Callable[[Document], None], family_project: Project
) -> None:
    """What was taken on trust once, on MySQL and MariaDB."""
    document = back(family_project, None)
    edit(document)
    (family_project.folder / "plan.json").write_text(dump(sealed(document)))
    before = succeed(family_project.migrate("status", "--json")).document
    refused(family_project.migrate("apply", "plan.json"), 8, "contradicts")
    assert succeed(family_project.migrate("status", "--json")).document == before
