"""What each tool's table says, from rows as the tool writes them."""

from datetime import UTC, datetime

import pytest

from lockgate.planner.adoption.recognition import find_histories, known_tools
from lockgate.planner.adoption.tools import (
    alembic,
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
    sqlx,
    supabase,
    yoyo,
)
from lockgate.planner.database.occupancy import FoundTable

AT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


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
        (graphile_migrate, {"hash": "sha1:ab", "previous_hash": None, "filename": "000001-a.sql",
                            "date": AT}, "000001"),
    ],
)  # fmt: skip
def test_a_row_is_a_version(tool: object, row: dict, version: str) -> None:  # type: ignore[type-arg]
    assert versions(tool.TOOL.read([row])) == [version]  # type: ignore[attr-defined]
