"""What each tool's table says, from rows as the tool writes them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lockgate.planner.adoption.noting import Noting
from lockgate.planner.adoption.recognition import find_histories, known_tools
from lockgate.planner.adoption.tool import AppliedThere
from lockgate.planner.adoption.tools import (
    alembic,
    atlas,
    dbmate,
    django,
    drizzle,
    flyway,
    golang_migrate,
    goose,
    graphile_migrate,
    knex,
    liquibase,
    node_pg_migrate,
    prisma,
    rails,
    refinery,
    sqitch,
    sql_migrate,
    sqlx,
    supabase,
    yoyo,
)
from lockgate.planner.database.occupancy import FoundTable
from lockgate.planner.migrations.migration import Migration, SourceFile
from lockgate.planner.sql.dialect import POSTGRESQL

AT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)

REFINERY = (
    "CREATE TABLE persons (\n    id int,\n    name varchar(255),\n    city varchar(255)\n);\n"
)
ATLAS = (
    (
        '-- add new schema named "atlantis"\n'
        "CREATE DATABASE `atlantis`;\n"
        '-- create "tbl" table\n'
        "CREATE TABLE `atlantis`.`tbl` (`col` int NOT NULL) CHARSET utf8mb4 "
        "COLLATE utf8mb4_general_ci;\n"
    ),
    ("ALTER TABLE `atlantis`.`tbl` ADD `col_2` TEXT;\n"),
)


def versions(testimony: object) -> list[str]:
    return [one.version for one in testimony.applied]  # type: ignore[attr-defined]


@pytest.mark.parametrize("tool", known_tools(), ids=lambda tool: tool.name)
def test_a_tool_is_known_by_its_columns(tool: object) -> None:
    name, columns = min(tool.tables), tool.columns  # type: ignore[attr-defined]
    beside = [
        FoundTable(tool.schema or "app", one, frozenset({"key"}))  # type: ignore[attr-defined]
        for one in tool.beside  # type: ignore[attr-defined]
    ]
    table = FoundTable(tool.schema or "app", name, columns)  # type: ignore[attr-defined]
    assert find_histories([table, *beside]) == ((tool, table),)
    assert find_histories([FoundTable("app", name, frozenset({"key"})), *beside]) == ()
    assert find_histories([FoundTable(table.schema, name, columns, is_plain=False)]) == ()


def test_dbmate_has_a_row_for_each() -> None:
    rows = [{"version": "20240301"}, {"version": "20240101"}]
    assert versions(dbmate.TOOL.read(rows)) == ["20240101", "20240301"]


def test_golang_migrate_has_one_row_for_all() -> None:
    assert golang_migrate.TOOL.read([{"version": 7, "dirty": False}]).up_to == "7"
    (trouble,) = golang_migrate.TOOL.read([{"version": 7, "dirty": 1}]).troubles
    assert "version 7 (dirty)" in trouble
    assert golang_migrate.TOOL.read([]).versions == ()


def test_the_newest_row_of_goose_counts() -> None:
    rows = [
        {"id": number, "version_id": version, "is_applied": applied, "tstamp": AT}
        for number, (version, applied) in enumerate(
            [(0, True), (1, True), (3, True), (2, True), (3, False), (2, False), (2, True)]
        )
    ]
    assert versions(goose.TOOL.read(rows)) == ["1", "2"]


def flyway_row(rank: int, version: str | None, kind: str = "SQL", **more: object) -> dict:  # type: ignore[type-arg]
    return {
        "installed_rank": rank, "version": version, "description": "create shops", "type": kind,
        "script": f"db/V{version}__create_shops.sql", "checksum": -5, "installed_by": "ann",
        "installed_on": AT, "success": True, **more,
    }  # fmt: skip


class TestFlyway:
    def test_what_is_undone_or_deleted_is_not_applied(self) -> None:
        rows = [flyway_row(1, "1"), flyway_row(2, "2"), flyway_row(3, "2", "UNDO_SQL")]
        assert versions(flyway.TOOL.read(rows)) == ["1"]
        assert versions(flyway.TOOL.read([flyway_row(1, "1"), flyway_row(2, "1", "DELETE")])) == []

    def test_a_baseline_stands_for_all_before_it(self) -> None:
        testimony = flyway.TOOL.read([flyway_row(1, "3", "BASELINE"), flyway_row(2, "3.1")])
        assert (testimony.up_to, versions(testimony)) == ("3", ["3.1"])

    def test_a_failed_row_is_trouble(self) -> None:
        (trouble,) = flyway.TOOL.read([flyway_row(1, "1", success=0)]).troubles
        assert "flyway repair" in trouble

    def test_times_people_and_repeatables_are_kept(self) -> None:
        testimony = flyway.TOOL.read([flyway_row(1, "1"), flyway_row(2, None)])
        assert (testimony.applied[0].at, testimony.applied[0].by) == (AT, "ann")
        assert versions(testimony) == ["1", "R__create_shops"]

    def test_its_checksum_is_over_lines_without_their_ends(self) -> None:
        # CRC32 of `create table t (id int);`, as a signed number of 32 bits.
        assert flyway.crc32(["\ufeffcreate table t\r\n (id int);\n"]) == flyway.crc32(
            ["create table t (id int);"]
        )
        assert flyway.crc32(["123456789"]) == 0xCBF43926 - (1 << 32)


def test_a_changeset_of_liquibase_is_known_by_three_names() -> None:
    rows = [
        {
            "id": number, "author": "ann", "filename": "changes.sql", "dateexecuted": AT,
            "orderexecuted": order, "exectype": kind, "md5sum": "9:ab", "description": "sql",
        }
        for order, (number, kind) in enumerate(
            [
                *(("1", "EXECUTED"), ("2", "MARK_RAN"), ("3", "SKIPPED"), ("4", "FAILED")),
                ("1", "RERAN"),
            ]
        )
    ]  # fmt: skip
    testimony = liquibase.TOOL.read(rows)
    assert versions(testimony) == ["changes.sql::1::ann", "changes.sql::2::ann"]
    assert "ann:4 failed" in testimony.troubles[0]


def test_alembic_has_its_heads() -> None:
    assert versions(alembic.TOOL.read([{"version_num": "ae10"}, {"version_num": "1975"}])) == [
        "1975",
        "ae10",
    ]


def test_prisma_passes_over_what_was_rolled_back_and_stops_at_what_is_not_finished() -> None:
    def row(name: str, finished: object, rolled_back: object = None) -> dict:  # type: ignore[type-arg]
        return {
            "migration_name": name, "checksum": "ab", "started_at": AT, "finished_at": finished,
            "rolled_back_at": rolled_back,
        }  # fmt: skip

    testimony = prisma.TOOL.read(
        [row("2_b", None, AT), row("2_b", AT), row("1_a", AT), row("3_c", None)]
    )
    assert versions(testimony) == ["1", "2"]
    assert "--applied 3_c" in testimony.troubles[0]


def test_sqlx_keeps_a_checksum_and_says_what_failed() -> None:
    def row(version: int, success: object) -> dict:  # type: ignore[type-arg]
        return {
            "version": version, "description": "one", "installed_on": AT, "success": success,
            "checksum": b"\x01\x02", "execution_time": 5,
        }  # fmt: skip

    testimony = sqlx.TOOL.read([row(2, False), row(1, True)])
    assert [(one.version, one.checksum) for one in testimony.applied] == [("1", "0102")]
    assert "migration 2 failed" in testimony.troubles[0]


@pytest.mark.parametrize(
    ("tool", "row", "version"),
    [
        (rails, {"version": "20240101"}, "20240101"),
        (django, {"id": 1, "app": "shop", "name": "0001_initial", "applied": AT},
         "shop.0001_initial"),
        (knex, {"id": 1, "name": "20240101_a.js", "batch": 1, "migration_time": AT}, "20240101"),
        (node_pg_migrate, {"id": 1, "name": "1700000000000_a-b", "run_on": AT}, "1700000000000"),
        (supabase, {"version": "20240101", "name": "a", "statements": []}, "20240101"),
        (yoyo, {"migration_hash": "ab", "migration_id": "0001.a", "applied_at_utc": AT}, "0001.a"),
        (drizzle, {"id": 1, "hash": "ab", "created_at": 5}, "ab"),
        (refinery, {"version": 3, "name": "a", "applied_on": "2024-01-02T03:04:05Z",
                    "checksum": "7"}, "3"),
        (sql_migrate, {"id": "0012-a.sql", "applied_at": AT}, "0012"),
        (graphile_migrate, {"hash": "sha1:ab", "previous_hash": None, "filename": "000001-a.sql",
                            "date": AT}, "000001"),
    ],
)  # fmt: skip
def test_a_row_is_a_version(tool: object, row: dict, version: str) -> None:  # type: ignore[type-arg]
    assert versions(tool.TOOL.read([row])) == [version]  # type: ignore[attr-defined]


def migration(name: str, text: str, **more: object) -> Migration:
    """A migration that is one file."""
    file = SourceFile(name, text, "up")
    return Migration("1", "initial", name, "", (), (file,), False, "plain", **more)  # type: ignore[arg-type]


def applied(checksum: str, version: str = "1") -> AppliedThere:
    return AppliedThere(version, checksum=checksum)


class TestChecksums:
    """The values are those that the tools publish, or have written."""

    def test_refinery_hashes_name_version_and_text(self) -> None:
        # https://github.com/rust-db/refinery/blob/main/refinery/tests/postgres.rs
        text = REFINERY
        for value in ("2959965718684201605", "13938959368620441626"):  # int4 and int8 versions
            assert refinery.TOOL.verify(migration("V1__initial.sql", text), applied(value), ())
        changed = migration("V1__initial.sql", f"{text} ")
        assert refinery.TOOL.verify(changed, applied("2959965718684201605"), ()) is False

    def test_flyway_takes_the_lines_without_their_ends(self) -> None:
        # https://github.com/NemProject/nem, nis/src/main/resources/db/h2: by Flyway 9.22.3
        text = "ALTER TABLE public.transfers ALTER COLUMN messagePayload VARBINARY(162);\n"
        for same in (text, text.replace("\n", "\r\n"), f"\ufeff{text}"):
            assert flyway.TOOL.verify(migration("V1.sql", same), applied("1259780587"), ())
        assert flyway.TOOL.verify(migration("V1.sql", text), applied("88353754"), ()) is False

    def test_sqlx_takes_the_file(self) -> None:
        # https://github.com/mayanayza/netvisor, backend/migrations and a dump of its tests
        text = (
            "CREATE TABLE IF NOT EXISTS users (\n    id UUID PRIMARY KEY,\n"
            "    name TEXT NOT NULL,\n"
            "    created_at TIMESTAMPTZ NOT NULL,\n    updated_at TIMESTAMPTZ NOT NULL\n); "
        )
        row = applied(
            "4f13ce14ff67ef0b7145987c7b22b588745bf9fbb7b673450c26a0f2f9a36ef8"
            "ca980e456c8d77cfb1b2d7a4577a64d7"
        )
        assert sqlx.TOOL.verify(migration("1_users.sql", text), row, ())
        assert sqlx.TOOL.verify(migration("1_users.sql", text.rstrip()), row, ()) is False

    def test_prisma_takes_the_file(self) -> None:
        # https://github.com/prisma/prisma-engines, schema-connector/src/checksum.rs
        row = applied("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
        assert prisma.TOOL.verify(migration("1_a/migration.sql", "hello"), row, ())
        assert prisma.TOOL.verify(migration("1_a/migration.sql", "hello\n"), row, ()) is False

    def test_graphile_chains_by_the_header(self) -> None:
        # https://github.com/graphile/migrate/blob/main/__tests__/helpers.ts
        text = (
            "--! Previous: -\n--! Hash: sha1:e00ec93314a423ee5cc68d1182ad52f16442d7df\n\n"
            "create table if not exists foo (id serial primary key);\n"
        )
        row = applied("sha1:e00ec93314a423ee5cc68d1182ad52f16442d7df")
        assert graphile_migrate.TOOL.verify(migration("committed/000001.sql", text), row, ())
        other = migration("committed/000001.sql", text.replace("foo", "bar"))
        assert graphile_migrate.TOOL.verify(other, row, ()) is False
        free = migration("committed/000001.sql", f"--! AllowInvalidHash\n{text}")
        assert graphile_migrate.TOOL.verify(free, row, ()) is None

    def test_sqitch_takes_the_deploy_script(self) -> None:
        # Written by Sqitch 1.3.1.
        row = applied("cabbcb8b8d9f55c4cec8923027a48b197ca2d521", "users")
        script = "create table shop_users (id int primary key);\n"
        assert sqitch.TOOL.verify(migration("deploy/users.sql", script), row, ())
        crlf = migration("deploy/users.sql", script.replace("\n", "\r\n"))
        assert sqitch.TOOL.verify(crlf, row, ())
        assert sqitch.TOOL.verify(migration("deploy/users.sql", "x"), row, ()) is False

    def test_atlas_sums_up_all_files(self) -> None:
        # https://github.com/ariga/atlas/tree/master/cmd/atlas/internal/cmdapi/testdata/mysql
        first = migration("20220318104614_initial.sql", ATLAS[0])
        second = migration("20220420213403_second.sql", ATLAS[1])
        assert atlas.chained_sum([first]) == "EoDHPlX7fTGn5qiCdR5xhwFh+DrOi3cQ7Y49BsIy97k="
        row = applied("cAioQjDgJkOIiMAyEwqaurPs0EHpTeu0CnWlJzNj5SE=")
        assert atlas.TOOL.verify(second, row, [second, first])
        assert atlas.TOOL.verify(second, row, [second]) is False

    @pytest.mark.parametrize(
        ("text", "sums"),
        [
            # 8: written by Liquibase 4.3.3. 9: of its tests, UpgradeChecksumVersionIntegrationTest
            ("--changeset a:1\ncreate table shop_users (id int primary key);\n-- a comment\n"
             "create index shop_users_i on shop_users (id);\n--rollback drop table shop_users;\n",
             ["8:dd732a319e259082b0a4e397a04b35b4"]),
            ("--changeset a:1 splitStatements:false\ncreate table shop_orders (id int primary key, "
             "note text default 'a;  b');\n--rollback drop table shop_orders;\n",
             ["8:47d0130afb520fd1603873457951c92d"]),
            ("--changeset a:1 endDelimiter:/ stripComments:false runOnChange:true\n--comment told\n"
             "-- told\ncreate table if not exists shop_items (id int primary key)\n/\n",
             ["8:a11436b4172560dc8442d25d6b7853e1"]),
            ("--changeset a:1\ncreate table thisShouldRun(id int)\r\n",
             ["9:62336a615e62e89c9d86128d1ca60ecf"]),
            ("--changeset a:1\n/* liquibase rollback\n  drop\n*/\nselect  1\n",
             ["9:3b78b9910981c62ca27148640fad7bc2"]),
        ],
    )  # fmt: skip
    def test_liquibase_reads_its_sql_in_two_normal_forms(self, text: str, sums: list[str]) -> None:
        file = migration("a.sql", text)
        assert [liquibase.TOOL.verify(file, applied(one), ()) for one in sums] == [True]
        assert liquibase.TOOL.verify(migration("a.sql", f"{text}x"), applied(sums[0]), ()) is False
        assert liquibase.TOOL.verify(file, applied("7:ab"), ()) is None

    def test_liquibase_takes_what_a_changeset_calls_valid(self) -> None:
        text = "--changeset a:1\n--validCheckSum: 8:AB\nselect 1;\n"
        assert liquibase.TOOL.verify(migration("a.sql", text), applied("8:ab"), ())
        text = text.replace("8:AB", "any")
        assert liquibase.TOOL.verify(migration("a.sql", text), applied("8:cd"), ()) is None


class TestSqitch:
    def row(self, change: str, minute: int, project: str = "shop") -> dict:  # type: ignore[type-arg]
        return {
            "change_id": f"{minute}", "script_hash": "ab", "change": change, "project": project,
            "committed_at": AT.replace(minute=minute), "committer_name": "Ann",
            "committer_email": "ann@example.com",
        }  # fmt: skip

    def test_a_reworked_change_has_two_rows(self) -> None:
        rows = [self.row("users", 3), self.row("orders", 2), self.row("users", 1)]
        testimony = sqitch.TOOL.read(rows)
        assert versions(testimony) == ["users", "orders", "users~2"]
        assert testimony.applied[0].by == "Ann <ann@example.com>"

    def test_several_projects_cannot_be_told_apart(self) -> None:
        (trouble,) = sqitch.TOOL.read([self.row("a", 1), self.row("b", 2, "other")]).troubles
        assert "other, shop" in trouble

    def test_only_the_last_event_is_a_failure(self) -> None:
        (asked,) = sqitch.TOOL.asked
        failed = {"event": "fail", "change": "users", "committed_at": AT}
        later = {"event": "deploy", "change": "users", "committed_at": AT.replace(hour=9)}
        assert "of users, failed" in asked.troubles([failed])[0]
        assert asked.troubles([later, failed]) == asked.troubles([]) == ()


def test_atlas_has_baselines_and_what_stopped_half_way() -> None:
    def row(version: str, kind: int, done: int, error: str = "") -> dict:  # type: ignore[type-arg]
        return {
            "version": version, "description": "a", "type": kind, "applied": done, "total": 2,
            "executed_at": AT, "error": error, "hash": "h1:ab",
        }  # fmt: skip

    rows = [row("1", 1, 0), row("2", 2, 2), row("3", 6, 1, "told"), row("4", 2, 1, "no such table")]
    testimony = atlas.TOOL.read(rows)
    assert (testimony.up_to, versions(testimony)) == ("1", ["2", "3"])
    assert testimony.applied[0].checksum == "ab"
    (trouble,) = testimony.troubles
    assert "stopped in 4, after 1 of 2 statements" in trouble


@pytest.mark.parametrize(
    ("tool", "row"),
    [(knex, {"is_locked": 1}), (yoyo, {"locked": 1}), (liquibase, {"locked": True})],
)
def test_a_lock_that_is_held_is_trouble(tool: object, row: dict) -> None:  # type: ignore[type-arg]
    (asked,) = tool.TOOL.asked  # type: ignore[attr-defined]
    assert "a run is under way, or one has died" in asked.troubles([row])[0]
    assert asked.troubles([dict.fromkeys(row, 0)]) == ()


def test_a_changeset_is_known_by_a_path_that_ends_as_ours() -> None:
    def is_of(ours: str, theirs: str) -> bool:
        file = replace(migration("a.sql", ""), version=ours)
        return liquibase.TOOL.is_of(file, AppliedThere(theirs))

    assert is_of("a.sql::1::ann", "classpath:db/a.sql::1::ann")
    assert is_of("R__db/a.sql::1::ann", "a.sql::1::ann")
    assert not is_of("a.sql::1::ann", "db/ba.sql::1::ann")
    assert not is_of("a.sql::1::ann", "db/a.sql::1::bob")


def test_drizzle_knows_a_changed_file_by_its_time_in_the_journal() -> None:
    (row,) = drizzle.TOOL.read([{"id": 1, "hash": "ab", "created_at": 1700000000000}]).applied
    file = migration("0000_a.sql", "select 1")
    journal = SourceFile("meta/_journal.json", "1700000000000\n", "header")
    assert drizzle.TOOL.is_of(replace(file, files=(*file.files, journal)), row)
    assert not drizzle.TOOL.is_of(file, row)


@pytest.mark.parametrize("width", refinery.WIDTHS)
def test_refinery_is_told_sums_of_the_width_that_its_rows_have(width: int) -> None:
    first, second = (
        Migration(
            str(n), "it_is", f"V{n}__it_is.sql", "", (), (SourceFile("a", "select 1;", "up"),)
        )
        for n in (1, 2)
    )
    known = str(refinery.checksum_of("it_is", 1, b"select 1;", width))
    noting = Noting(
        FoundTable("app", "refinery_schema_history", frozenset()), POSTGRESQL, (second,),
        {first.key: AppliedThere("1", "it_is", checksum=known)}, second, (first, second),
    )  # fmt: skip
    (line,) = refinery.TOOL.note(noting)
    assert str(refinery.checksum_of("it_is", 2, b"select 1;", width)) in line
