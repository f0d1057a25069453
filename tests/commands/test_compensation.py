"""Atomic by compensation, as users meet it on MySQL and MariaDB: undone, recovered, settled."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.blocking import held_table, table_names, wait_until_blocked
from tests.commands.conftest import opened
from tests.commands.running import OWN_TABLES, ROOT, Project, Result, refused, succeed
from tests.executors.rows import ask, execute, wait_until_gone

PATIENT = "timeouts: {lock: 60s}\n"
COPIES = "copies: {limit: 1MB}\n"
NO_COPIES = "copies: {limit: null}\n"
GRAVEYARDS = "select schema_name from information_schema.schemata where schema_name like '{}%'"
FAILING = (
    "alter table held add column n int;\n"
    "drop table old;\n"
    "alter table held add unique index twice (id);"
)
PAGE = ROOT / "docs/concepts/compensation.md"
REASON = ("--reason", "ticket 7")


@pytest.fixture
def project(family_server: Any, family_database: str, tmp_path: Path) -> Iterator[Project]:
    """A project whose database holds a table `held` with two equal rows, and a table `old`."""
    execute(
        family_server,
        family_database,
        "create table held (id int)",
        "insert into held values (1), (1)",
        "create table old (id int auto_increment primary key, note varchar(9))",
        "insert into old (note) values ('kept')",
    )
    yield from opened(Project(tmp_path, family_server.url(family_database), settings=PATIENT))


@pytest.fixture
def killed(project: Project, family_server: Any) -> Project:
    """The project after a `kill -9` in the second of two migrations, in its last statement."""
    project.write("001_early.sql", "create table early (id int);", "drop table early;")
    project.write("002_held.sql", "drop table old;\nalter table held add column n int;")
    with held_table(family_server, project.database, "held"):
        process = project.start("up", "--fresh")
        wait_until_blocked(family_server, project.database)
        process.kill()
        process.communicate()
    wait_until_gone(family_server, project.database)
    return project


def test_a_plan_is_no_other_one_because_a_table_has_grown(
    project: Project, family_server: Any
) -> None:
    project.write("001_note.sql", "alter table old drop column note;")
    succeed(project.migrate("plan", "--fresh"))
    execute(
        family_server,
        project.database,
        *["insert into old (note) select note from old"] * 12,
        "analyze table old",
    )
    succeed(project.migrate("apply", "plan.json"))


def test_no_trigger_is_promised_that_names_a_column_which_is_gone_by_then(
    project: Project, family_server: Any
) -> None:
    """The rows would be put back before the column, and the trigger is made again between."""
    execute(
        family_server,
        project.database,
        "create trigger up before insert on old for each row set new.note = upper(new.note)",
    )
    project.write(
        "001_note.sql",
        "alter table old drop column note;\ntruncate old;\nalter table held add column n int;",
    )
    refused(project.migrate("plan", "--fresh"), 3, "triggers of old may name columns that are gone")


def objects(server: Any, project: Project) -> dict[str, str]:
    """The definition of each table that is not lockgate's own."""
    names = [name for name in table_names(server, project.database) if name not in OWN_TABLES]
    return {
        name: ask(server, project.database, f"show create table {name}")[0][1] for name in names
    }


@pytest.fixture
def rights() -> str:
    """What a role may do in the graveyard, as a statement of the page about it."""
    (documented,) = re.findall(r"^grant .*;$", PAGE.read_text(), re.MULTILINE)
    return str(documented)


@pytest.fixture
def role(project: Project, family_server: Any, rights: str) -> Iterator[dict[str, str]]:
    """The environment of a command by a role that has the rights on its database, and in the
    graveyard these."""
    name = f"r{project.database[-8:]}"
    escaped = project.database.replace("_", r"\_")
    execute(
        family_server,
        None,
        f"create user {name}@'%'",
        f"grant all on `{escaped}`.* to {name}@'%'",
        rights.replace("shop", escaped).replace("migrator", f"{name}@'%'"),
    )
    yield {"TEST_URL": project.url.replace(f"{family_server.user}@", f"{name}@")}
    execute(family_server, None, f"drop user {name}@'%'")


def graveyards(server: Any, project: Project) -> list[str]:
    """The schemas that lockgate has made beside a database."""
    rows = ask(server, None, GRAVEYARDS.format(project.database + "\\_lockgate\\_"))
    return [name for (name,) in rows]


def statuses(project: Project) -> list[str]:
    """How the runs ended, the newest first."""
    document = succeed(project.migrate("history", "--json")).document
    return [run["status"] for run in document["runs"]]


def states(project: Project) -> list[tuple[str, str]]:
    """Each migration and where it stands."""
    result = project.migrate("status", "--json")
    return [(each["version"], each["state"]) for each in result.document["migrations"]]


def plan_another(project: Project) -> Result:
    """What comes of another request than the one that was interrupted."""
    project.write("003_other.sql", "create table other (id int);")
    return project.migrate("up", "--fresh")


def test_a_failed_up_leaves_nothing_and_says_so(project: Project, family_server: Any) -> None:
    project.write("001_early.sql", "create table early (id int);")
    project.write("002_fails.sql", FAILING)
    before = objects(family_server, project)
    result = refused(
        project.migrate("up", "--fresh"), 9, "Undoing 3 statements", "Step 2 of 2",
        "002_fails.sql:4", "(1062)", "the database is as it was before", "Remove the cause",
    )  # fmt: skip
    assert "alter table held add unique index" in result.err
    assert objects(family_server, project) == before
    assert ask(family_server, project.database, "select * from old") == [(1, "kept")]
    assert graveyards(family_server, project) == []
    assert states(project) == [("001", "pending"), ("002", "pending")]
    assert statuses(project) == ["ROLLED_BACK"]


def test_the_cause_removed_the_same_plan_applies(project: Project, family_server: Any) -> None:
    project.write("001_fails.sql", FAILING)
    succeed(project.migrate("plan", "--fresh"))
    refused(project.migrate("apply", "plan.json"), 9)
    execute(family_server, project.database, "update held set id = id + 1 limit 1")
    assert succeed(project.migrate("apply", "plan.json")).out == "Applied 001 fails.\n"
    assert "old" not in objects(family_server, project)
    assert graveyards(family_server, project) == []
    assert statuses(project) == ["CLEANED", "ROLLED_BACK"]


def test_a_failed_down_leaves_what_it_was_to_roll_back(
    project: Project, family_server: Any
) -> None:
    project.write(
        "001_t.sql", "create table t (id int);", "drop table t;\nalter table t add n int;"
    )
    succeed(project.migrate("up", "--fresh"))
    before = objects(family_server, project)
    refused(project.migrate("down"), 9, "001_t.sql:5", "as it was before")
    assert objects(family_server, project) == before
    assert states(project) == [("001", "applied")]


def test_the_plan_says_what_each_statement_promises(project: Project) -> None:
    project.write(
        "001_a.sql", "create table a (id int);\ninsert into a values (1);\ndrop table old;"
    )
    out = succeed(project.migrate("plan", "--fresh")).out
    assert "ATOMIC BY COMPENSATION (intermediate states visible to other sessions)" in out
    assert "1 compensated (undone by a statement of its own), 1 implied, 1 deferred\n" in out
    assert "promise   line 4, drop table old: deferred: the table waits" in out


def test_a_program_is_told_that_a_run_is_undone(project: Project) -> None:
    project.write("001_fails.sql", FAILING)
    events = refused(project.migrate("up", "--fresh", "--json"), 9).events
    (undoing,) = [event for event in events if event["event"] == "undoing"]
    assert undoing == {"event": "undoing", "statements": 2}
    assert events[-1]["outcome"] == "failed"


def test_a_killed_run_is_only_reported_by_who_changes_nothing(killed: Project) -> None:
    refused(killed.migrate("status"), 7, "stopped half-way", "migrate resolve")
    refused(killed.migrate("plan", "--fresh"), 7, "stopped half-way", "migrate resolve")
    out = refused(killed.migrate("resolve"), 7).out
    assert "up 001 early (001_early.sql) is half done:\n    1 done" in out
    assert "up 002 held (002_held.sql) is half done:\n    1 done" in out
    assert "    2 unknown   line 3: alter table held add column n int" in out
    for way in ("--undo", "--finish", "--out", "--mark-applied 002", "--mark-rolled-back 001"):
        assert f"migrate resolve {way} " in out


def test_the_same_up_undoes_a_killed_run_and_applies(killed: Project, family_server: Any) -> None:
    result = succeed(killed.migrate("up", "--fresh"))
    assert "Undoing 3 statements" in result.err
    assert result.out == "Applied 2 migrations (001 to 002).\n"
    assert list(objects(family_server, killed)) == ["early", "held"]
    assert graveyards(family_server, killed) == []
    assert statuses(killed) == ["CLEANED", "ROLLED_BACK"]


def test_the_same_plan_undoes_a_killed_run_and_applies(killed: Project) -> None:
    refused(killed.migrate("resolve", "--out", "again.json"), 7)
    result = succeed(killed.migrate("apply", "again.json"))
    assert "Undoing 3 statements" in result.err
    assert result.out == "Applied 2 migrations (001 to 002).\n"


def test_a_dry_run_tells_that_a_killed_run_would_be_undone_first(killed: Project) -> None:
    refused(killed.migrate("resolve", "--out", "rest.json"), 7)
    told = succeed(killed.migrate("apply", "rest.json", "--dry-run"))
    assert told.err == (
        "An interrupted run of this plan would be undone first.\n"
        "Dry run: 2 migrations would run; nothing was changed.\n"
    )
    assert statuses(killed) == ["APPLYING"]


def test_another_plan_is_refused_while_a_run_is_half_done(
    killed: Project, family_server: Any
) -> None:
    before = objects(family_server, killed)
    refused(plan_another(killed), 7, "stopped half-way", "migrate resolve")
    assert objects(family_server, killed) == before


def test_a_person_undoes_a_killed_run(killed: Project, family_server: Any) -> None:
    refused(killed.migrate("resolve", "--undo"), 64, "--reason")
    result = succeed(killed.migrate("resolve", "--undo", *REASON))
    assert "Undone: 001 early, 002 held. The database is as it was before." in result.out
    assert list(objects(family_server, killed)) == ["held", "old"]
    assert ask(family_server, killed.database, "select * from old") == [(1, "kept")]
    assert graveyards(family_server, killed) == []
    assert states(killed) == [("001", "pending"), ("002", "pending")]
    assert statuses(killed) == ["ROLLED_BACK"]
    assert "ticket 7" in succeed(killed.migrate("history")).out


def test_a_person_finishes_a_killed_run(killed: Project, family_server: Any) -> None:
    result = succeed(killed.migrate("resolve", "--finish", *REASON))
    assert "Finished: 001 early, 002 held." in result.out
    assert list(objects(family_server, killed)) == ["early", "held"]
    assert graveyards(family_server, killed) == []
    assert states(killed) == [("001", "applied"), ("002", "applied")]
    assert statuses(killed) == ["CLEANED"]
    assert "ticket 7" in succeed(killed.migrate("history")).out


@pytest.mark.parametrize(
    ("settling", "applied"),
    [
        (("--mark-applied", "2"), ["001", "002"]),
        (("--mark-applied", "1"), ["001"]),
        (("--mark-rolled-back", "2"), ["001"]),
        (("--mark-rolled-back", "1"), []),
    ],
)
def test_a_person_says_how_far_a_killed_run_of_two_migrations_has_come(
    killed: Project, settling: tuple[str, str], applied: list[str]
) -> None:
    refused(killed.migrate("resolve", "--mark-applied", "3", *REASON), 64, "3")
    succeed(killed.migrate("resolve", *settling, *REASON))
    assert [version for version, state in states(killed) if state == "applied"] == applied
    assert statuses(killed) == ["RESOLVED"]
    succeed(killed.migrate("resolve"))
    succeed(killed.migrate("plan", "--fresh"))


def test_only_one_way_of_settling_is_taken(project: Project) -> None:
    result = project.migrate("resolve", "--undo", "--mark-applied", "1", *REASON)
    refused(result, 64, "only one of --undo, --finish, --mark-applied and --mark-rolled-back")
    refused(project.migrate("resolve", "--undo", *REASON), 64, "No run stopped half-way")


def test_a_difference_that_others_have_made_is_told_and_can_be_settled(
    killed: Project, family_server: Any
) -> None:
    """What another session has made meanwhile is not lockgate's to remove."""
    execute(family_server, killed.database, "create table theirs (id int)")
    stuck = killed.migrate("up", "--fresh")
    refused(stuck, 7, "not as it was before:\n- table theirs", "migrate resolve --undo")
    refused(stuck, 7, "Another session has", "or a definition could not be made again exactly")
    assert statuses(killed) == ["STUCK"]
    execute(family_server, killed.database, "drop table theirs")
    succeed(killed.migrate("resolve", "--undo", *REASON))
    assert succeed(killed.migrate("up", "--fresh")).out == "Applied 2 migrations (001 to 002).\n"


@pytest.mark.parametrize(
    ("sql", "loss"),
    [
        ("alter table old drop column note", "it drops the column note"),
        ("alter table old modify note char(9)", "it redefines note"),
        ("truncate old", "it empties old"),
        ("update old set note = 'lost'", "it changes rows of old"),
    ],
)
def test_a_loss_is_refused_without_copies_and_undone_with_them(
    project: Project, family_server: Any, sql: str, loss: str
) -> None:
    project.write("001_loses.sql", f"{sql};\ncreate table held (id int);")
    project.configure(NO_COPIES)
    refused(project.migrate("up", "--fresh"), 3, "NOT ATOMIC after 001_loses.sql:2: ", loss)
    project.configure()
    before = objects(family_server, project)
    shown = succeed(project.migrate("plan", "--fresh")).out
    assert f"compensated-by-copy: {loss}" in shown
    assert ("What others write there between" in shown) != ("drop column" in sql)
    refused(project.migrate("apply", "plan.json"), 9, "001_loses.sql:3", "(1050)")
    assert objects(family_server, project) == before
    assert ask(family_server, project.database, "select * from old") == [(1, "kept")]
    assert graveyards(family_server, project) == []


def test_a_plan_that_promises_more_than_could_be_kept_is_stale(
    project: Project, family_server: Any
) -> None:
    project.configure(COPIES)
    project.write("001_drops.sql", "alter table old drop column note;\ncreate table b (id int);")
    succeed(project.migrate("plan", "--fresh"))
    before = objects(family_server, project)
    project.configure(NO_COPIES)
    result = project.migrate("apply", "plan.json")
    refused(result, 4, "001_drops.sql:2: the plan says `compensated-by-copy`", "Make a new plan")
    assert objects(family_server, project) == before


def test_the_documented_rights_are_enough(
    project: Project, role: dict[str, str], family_server: Any
) -> None:
    project.configure(COPIES)
    execute(
        family_server,
        project.database,
        "create table parent (id int primary key, n int)",
        "create table child (id int, constraint own foreign key (id) references parent (id))",
    )
    project.write(
        "001_fails.sql",
        "drop table child;\nalter table parent drop column n;\ncreate table held (id int);",
    )
    before = objects(family_server, project)
    refused(project.migrate("up", "--fresh", environ=role), 9, "001_fails.sql:4")
    assert objects(family_server, project) == before
    assert graveyards(family_server, project) == []


@pytest.mark.parametrize(
    "rights",
    [
        rf"grant {some} on `shop\_lockgate\_%`.* to migrator;"
        for some in ("create", "create, drop, insert", "create, drop, alter, insert")
    ],
)
def test_a_role_that_could_not_undo_is_refused_before_anything_runs(
    project: Project, role: dict[str, str], family_server: Any
) -> None:
    project.write("001_drops.sql", "alter table old add column b int;\ndrop table old;")
    before = objects(family_server, project)
    result = refused(
        project.migrate("up", "--fresh", environ=role), 9, "denied", "GRANT SELECT, INSERT"
    )
    assert "Undoing" not in result.err
    assert objects(family_server, project) == before
    assert succeed(project.migrate("resolve")).out == "Nothing is half done.\n"


def test_a_table_larger_than_the_limit_of_copies_is_not_copied(project: Project) -> None:
    project.configure("copies: {limit: 1kB}\n")
    project.write("001_drops.sql", "alter table old drop column note;\ncreate table b (id int);")
    refused(project.migrate("plan", "--fresh"), 3, "16kB are more than the 1kB that may be copied")


LOOKS = (
    ("plan",),
    ("state", "pull", "-o", "state.json"),
    ("up", "--dry-run"),
    ("drift",),
    ("resolve",),
)


def test_a_run_that_is_under_way_is_not_called_half_done(
    project: Project, family_server: Any
) -> None:
    project.write("001_held.sql", "drop table old;\nalter table held add column n int;")
    with held_table(family_server, project.database, "held"):
        process = project.start("up", "--fresh")
        wait_until_blocked(family_server, project.database)
        result = succeed(project.migrate("status"))
        assert "001      held  under way" in result.out
        assert "The migration lock is held by" in result.out
        for command in LOOKS:
            refused(project.migrate(*command), 5, "A run is under way")
    process.communicate()
    assert "001      held  applied" in succeed(project.migrate("status")).out


def test_what_a_killed_run_has_dropped_goes_when_a_person_says_that_it_is_applied(
    killed: Project, family_server: Any
) -> None:
    succeed(killed.migrate("resolve", "--mark-applied", "2", *REASON))
    assert not ask(family_server, None, GRAVEYARDS.format(f"{killed.database}_lockgate"))


def test_why_a_run_is_stuck_is_told_until_it_is_settled(
    project: Project, family_server: Any
) -> None:
    project.write("001_held.sql", FAILING)
    foreign = "create table foreigner (id int)"
    with held_table(family_server, project.database, "held"):
        process = project.start("up", "--fresh")
        wait_until_blocked(family_server, project.database)
        execute(family_server, project.database, foreign)
    process.communicate()
    shown = refused(project.migrate("resolve"), 7)
    assert "- table foreigner: added" in shown.out
    assert "Apply the same plan again" not in shown.out
