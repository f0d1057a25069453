"""Formats of other tools: each reads a folder of its own kind, and says what it does not take."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.directory import (
    Directory,
    find_mistakes,
    read_migrations,
    recognise_format,
)
from lockgate.planner.migrations.folder import Folder
from lockgate.planner.migrations.foreign.contexts import Decided
from lockgate.planner.migrations.format import (
    FORMATS,
    PLAIN,
    find_warnings,
    load_format,
    parse_sections,
)
from lockgate.planner.migrations.migration import OWN, Section
from lockgate.planner.sql.dialect import MARIADB, MYSQL, POSTGRESQL, Dialect

PAGE = Path(__file__).parents[3] / "docs/how-to/other-tools.md"

Files = dict[str, str]
Read = tuple[str, str, list[str], list[str] | None]
"""A migration: its version, its name, its statements up and down; None: no way back."""

A, B = "create table a (id int)", "create table b (id int)"
DROP_A, DROP_B = "drop table a", "drop table b"


def write(folder: Path, files: Files) -> Path:
    """A folder with these files; texts are dedented."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return folder


def sqls(section: Section | None) -> list[str] | None:
    return None if section is None else [statement.sql for statement in section.statements]


def contents(
    found: Directory, dialect: Dialect = POSTGRESQL, variables: dict[str, str] | None = None
) -> list[Read]:
    read = []
    for one in found.migrations:
        sections = parse_sections(one, dialect, variables or {})
        read.append((one.version, one.name, sqls(sections.up) or [], sqls(sections.down)))
    return read


PAIR: list[Read] = [("1", "a", [A], [DROP_A]), ("2", "b", [B], None)]

FOLDERS: dict[str, tuple[Files, list[Read]]] = {
    "lockgate": (
        {"1_a.sql": f"-- migrate:up\n{A};\n-- migrate:down\n{DROP_A};\n",
         "2_b.sql": f"-- migrate:up\n{B};\n"},
        PAIR,
    ),
    "golang-migrate": (
        {"1_a.up.sql": f"BEGIN;\n{A};\nCOMMIT;\n", "1_no_a.down.sql": f"{DROP_A};\n",
         "2_b.up.sql": f"{B};", "notes.txt": ""},
        PAIR,
    ),
    "goose": (
        {"1_a.sql": f"-- +goose Up\n-- +goose StatementBegin\n{A};\n-- +goose StatementEnd\n\n"
                    f"-- +goose Down\n{DROP_A};\n",
         "2_b.sql": f"-- +goose up\n{B};\n-- +goose down\n", "2_b_test.go": ""},
        PAIR,
    ),
    "sql-migrate": (
        {"1_a.sql": f"-- +migrate Up\n-- +migrate StatementBegin\n{A};\n"
                    f"-- +migrate StatementEnd\n\n-- +migrate Down\n{DROP_A};\n",
         "2-b.sql": f"-- of later\n-- +migrate Up notransaction\n{B};\n-- +migrate Down\n",
         "last.sql": "-- +migrate Up\nselect 1;\n"},
        [*PAIR, ("last", "last", ["select 1"], None)],
    ),
    "flyway": (
        {"V1__a.sql": f"{A};", "U1__a.sql": f"{DROP_A};", "more/V2__b.sql": f"{B};\n",
         "V2_1__c.sql": "select 1", "V10__d.sql": "select 2",
         "V10__d.sql.conf": "# alone\nexecuteInTransaction=false\n"},
        [*PAIR, ("2.1", "c", ["select 1"], None), ("10", "d", ["select 2"], None)],
    ),
    "liquibase": (
        {"a.sql": f"""
            --liquibase formatted sql
            -- what every shop needs

            --changeset ann:1 labels:""
            {A};
            --rollback {DROP_A};

            --changeset bob:2 dbms:postgresql
            {B};
            --changeset bob:3 dbms:mysql
            select 'not here';
            --changeset bob:4
            insert into a values (1);
            --rollback empty
            """.replace(' labels:""', "")},
        [("a.sql::1::ann", "1", [A], [DROP_A]), ("a.sql::2::bob", "2", [B], None),
         ("a.sql::4::bob", "4", ["insert into a values (1)"], [])],
    ),
    "sqlx": (
        {"Cargo.toml": "", "migrations/1_a.up.sql": f"{A};",
         "migrations/1_a.down.sql": f"{DROP_A};", "migrations/2_b.sql": f"{B};"},
        PAIR,
    ),
    "refinery": (
        {"V1__a.sql": f"{A};", "U2__b.sql": f"{B};"},
        [("1", "a", [A], None), ("2", "b", [B], None)],
    ),
    "prisma": (
        {"1_a/migration.sql": f"-- CreateTable\n{A};", "1_a/down.sql": f"{DROP_A};",
         "2_b/migration.sql": f"{B};", "migration_lock.toml": 'provider = "postgresql"\n',
         "3_/migration.sql": "select 1;"},
        [*PAIR, ("3", "3", ["select 1"], None)],
    ),
    "drizzle": (
        {"0000_z.sql": f"{A};\n--> statement-breakpoint\n{B};", "0001_a.sql": "select 1;",
         "0002_left.sql": "select 2;",
         "meta/_journal.json": '{"entries": [{"idx": 1, "tag": "0001_a"}, '
                               '{"idx": 0, "tag": "0000_z"}]}'},
        [("0000", "z", [A, B], None), ("0001", "a", ["select 1"], None)],
    ),
    "supabase": (
        {"supabase/migrations/1_a.sql": f"{A};", "supabase/migrations/2_b.sql": f"{B};"},
        [("1", "a", [A], None), ("2", "b", [B], None)],
    ),
    "graphile-migrate": (
        {"committed/000001.sql": f"--! Previous: -\n--! Hash: sha1:0\n--! Message: a\n\n{A};\n",
         "committed/000002-b.sql": f"--! Previous: sha1:0\n--! Hash: sha1:1\n\n{B};\n",
         "current.sql": "-- Enter migration here\n"},
        [("000001", "a", [A], None), ("000002", "b", [B], None)],
    ),
    "sqitch": (
        {"sqitch.plan": """
            %syntax-version=1.0.0
            %project=shop

            z 2026-01-01T00:00:00Z Ann <a@example.com> # first
            a [z] 2026-01-02T00:00:00Z Ann <a@example.com> # second
            @v1 2026-01-03T00:00:00Z Ann <a@example.com> # tag

            z [z@v1 a] 2026-01-04T00:00:00Z Ann <a@example.com> # again
            """,
         "deploy/z@v1.sql": f"-- Deploy shop:z to pg\n\nBEGIN;\n\n{A};\n\nCOMMIT;\n",
         "revert/z@v1.sql": f"BEGIN;\n{DROP_A};\nCOMMIT;\n", "verify/z@v1.sql": "select 0;",
         "deploy/a.sql": f"{B};", "deploy/z.sql": "select 1;"},
        [("z", "z", [A], [DROP_A]), ("a", "a", [B], None), ("z~2", "z", ["select 1"], None)],
    ),
    "node-pg-migrate": (
        {"1_a.sql": f"-- Up Migration\n{A};\n\n-- Down Migration\n{DROP_A};\n",
         "2_b.sql": f"{B};\n"},
        PAIR,
    ),
    "yoyo": (
        {"0001.z.sql": f"-- depends: 0002.a\n{A};", "0001.z.rollback.sql": f"{DROP_A};",
         "0002.a.sql": f"-- what b is\n-- depends:\n{B};"},
        [("0002.a", "0002.a", [B], None), ("0001.z", "0001.z", [A], [DROP_A])],
    ),
    "plain": (
        {"1_a.sql": f"{A};", "2-b.sql": f"begin;\n{B};\ncommit;\n"},
        [("1", "a", [A], None), ("2", "b", [B], None)],
    ),
}  # fmt: skip


def place(folder: Path, name: str) -> Path:
    """The migrations directory of a format's folder."""
    inner = {"sqlx": "migrations", "supabase": "supabase/migrations"}
    return folder / inner.get(name, ".")


@pytest.mark.parametrize("name", FORMATS)
class TestEach:
    def test_its_folder_is_recognised_and_by_no_other(self, name: str, tmp_path: Path) -> None:
        write(tmp_path, FOLDERS[name][0])
        assert recognise_format(place(tmp_path, name)) == name

    def test_its_folder_is_read(self, name: str, tmp_path: Path) -> None:
        files, expected = FOLDERS[name]
        write(tmp_path, files)
        found = read_migrations(place(tmp_path, name), POSTGRESQL, "auto")
        assert (found.format, contents(found)) == (name, expected)
        assert find_mistakes(place(tmp_path, name), POSTGRESQL, {}, name) == ()

    def test_it_says_whose_it_is_and_what_it_leaves(self, name: str, tmp_path: Path) -> None:
        known = load_format(name)
        assert known.TOOL
        assert known.LAYOUT
        assert known.NOT_TAKEN

    def test_a_changed_file_has_another_checksum(self, name: str, tmp_path: Path) -> None:
        write(tmp_path, FOLDERS[name][0])
        folder = place(tmp_path, name)
        before = read_migrations(folder, POSTGRESQL, name).migrations
        assert len({one.checksum for one in before}) == len(before)
        for file in {file.name for file in before[0].files if file.role in ("both", "up", "down")}:
            text = (folder / file).read_text()
            (folder / file).write_text(text.replace(" int", " bigint"))
        after = read_migrations(folder, POSTGRESQL, name).migrations
        assert before[0].checksum != after[0].checksum

    def test_in_our_format_it_is_refused_with_the_way_in(self, name: str, tmp_path: Path) -> None:
        if name in (OWN, PLAIN) or not any(
            "/" not in one for one in FOLDERS[name][0] if ".sql" in one
        ):
            return  # nothing lies there that our format would take
        write(tmp_path, FOLDERS[name][0])
        with pytest.raises(MigrationFileError) as caught:
            read_migrations(place(tmp_path, name), POSTGRESQL)
        assert f"format: {name}" in caught.value.do


def test_the_page_has_a_row_for_each_format() -> None:
    rows = re.findall(r"^\| .+ \| `([a-z-]+)` \| .+ \| .*\|$", PAGE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted((*FORMATS, "format"))  # the head of the table is one more


def mistakes(
    folder: Path, name: str, files: Files, variables: dict[str, str] | None = None
) -> list[str]:
    """What is wrong with these files, each as a sentence with its place."""
    write(folder, files)
    return [str(error) for error in find_mistakes(folder, POSTGRESQL, variables or {}, name)]


REFUSED: list[tuple[str, Files, list[str]]] = [
    ("goose", {"1_a.go": "", "2_b.sql": "-- +goose Up\n-- +goose ENVSUB ON\nselect 1;",
               "3_c.sql": "select 1;\n"},
     ["1_a.go: a migration in Go", "2_b.sql:2: ENVSUB", "3_c.sql:1: there is no `-- +goose Up`"]),
    ("flyway", {"V1__a.sql": "select 1;", "beforeMigrate.sql": "select 1;", "V2__b.java": "",
                "V3__c.sql": "select ${flyway:user};", "V4__d.sql": "select 1;",
                "V4__d.sql.conf": "shouldExecute=${on}"},
     ["V2__b.java: a migration that is no SQL", "beforeMigrate.sql: a callback",
      "V4__d.sql.conf:1: the setting shouldExecute",
      "V3__c.sql:1: the placeholder ${flyway:user}"]),
    ("flyway", {"V1__a.sql": "select 1;", "U2__b.sql": "select 1;"},
     ["U2__b.sql: it undoes a version that no V file has"]),
    ("liquibase", {"a.sql": "--liquibase formatted sql\n--changeset a:1 runAlways:true\nselect 1;\n"
                            "--changeset a:2 context:test\nselect 1;\n"
                            "--changeset a:3\n--preconditions onFail:HALT\nselect 1;\n"
                            "--changeset a:4 labels:v2 contextFilter:x\nselect 1;\n",
                   "b.xml": "<databaseChangeLog><changeSet id='1'/><include file='a.sql'/>"
                            "</databaseChangeLog>"},
     ["b.xml: it holds changeSet", "a.sql:4: `context:test` needs a decision",
      "a.sql:9: `labels:v2` needs a decision", "a.sql:9: `contextfilter:x` needs a decision",
      "a.sql:2: `runAlways:true`",
      "a.sql:7: `--preconditions`"]),
    ("liquibase", {"a.sql": "--liquibase formatted sql\n",
                   "b.xml": "<databaseChangeLog contextFilter='x'>"
                            "<include contextFilter='test' file='a.sql'/></databaseChangeLog>"},
     ["b.xml: it holds a context or labels", "b.xml:1: `contextFilter:test` needs"]),
    ("liquibase", {"a.sql": "select 1;\n", "left.sql": "select 2;\n",
                   "b.yaml": "databaseChangeLog:\n- include: {file: db/a.sql}\n"},
     ["a.sql: it is included and is plain SQL"]),
    ("refinery", {"V1__a.rs": "", "V2__b.sql": "select 1;"}, ["V1__a.rs: a migration in Rust"]),
    ("golang-migrate", {"1_a.up.sql": "select 1;", "2_b.down.sql": "select 1;"},
     ["2_b.down.sql: it goes down, and no file goes up"]),
    ("sqlx", {"1_a.up.sql": "select 1;", "1_a.down.sql": "select 1;", "1_b.down.sql": "select 2;"},
     ["1_b.down.sql: 1_a.down.sql goes down from this version too"]),
    ("node-pg-migrate", {"1_a.js": "", "2_b.sql": "-- Up Migration\nselect 1;"},
     ["1_a.js: a migration in JavaScript"]),
    ("yoyo", {"1.a.py": "", "post-apply.sql": "", "2.b.sql": "-- depends: 1.a\nselect 1;"},
     ["1.a.py: a migration in Python", "post-apply.sql: a hook", "2.b.sql: requires 1.a"]),
    ("sqitch", {"sqitch.plan": "a [other:b] 2026-01-02T00:00:00Z Ann <a@x> # x\n"},
     ["sqitch.plan:1: other:b"]),
    ("drizzle", {"meta/_journal.json": '{"entries": [{"idx": 0, "tag": "0000_a"}]}'},
     ["meta/_journal.json: the journal names 0000_a.sql"]),
    ("plain", {"1_a.sql": "select 1;\n-- migrate:down\nselect 2;"},
     ["1_a.sql:2: `-- migrate:down` is lockgate's own"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "files", "expected"), REFUSED)
def test_what_a_format_does_not_take_is_refused_with_file_and_way_out(
    name: str, files: Files, expected: list[str], tmp_path: Path
) -> None:
    found = mistakes(tmp_path, name, files)
    assert [one[: len(start)] for one, start in zip(found, expected, strict=True)] == expected
    assert all("\n" in one for one in found)  # each says what to do


class TestTransactions:
    """A section is a transaction where its format says so, or where all of it can be in one."""

    @pytest.mark.parametrize(
        ("name", "file", "text", "expected"),
        [
            ("golang-migrate", "1_a.up.sql", "create index concurrently i on t (x);", False),
            ("golang-migrate", "1_a.up.sql", "create table t (x int);", True),
            ("goose", "1_a.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nselect 1;", False),
            ("goose", "1_a.sql", "-- +goose Up\nselect 1;", True),
            ("flyway", "V1__a.sql", "create index concurrently i on t (x);", False),
            ("sqlx", "1_a.sql", "-- no-transaction\nselect 1;", False),
            ("graphile-migrate", "committed/1.sql", "--! no-transaction\nselect 1;", False),
            ("yoyo", "1.a.sql", "-- transactional: false\nselect 1;", False),
            ("liquibase", "a.sql", "--liquibase formatted sql\n"
             "--changeset a:1 runInTransaction:false\nselect 1;", False),
        ],
    )  # fmt: skip
    def test_is_told_by_the_file(
        self, name: str, file: str, text: str, expected: bool, tmp_path: Path
    ) -> None:
        write(tmp_path, {file: text})
        (one,) = read_migrations(tmp_path, POSTGRESQL, name).migrations
        assert parse_sections(one, POSTGRESQL, {}).up.transactional is expected


class TestPlaceholders:
    def test_of_flyway_are_filled_from_variables(self, tmp_path: Path) -> None:
        write(tmp_path, {"V1__a.sql": "grant select on t to ${Reader};"})
        found = read_migrations(tmp_path, POSTGRESQL, "flyway")
        (read,) = contents(found, variables={"reader": "bob"})
        assert read[2] == ["grant select on t to bob"]
        assert found.migrations[0].template

    def test_without_a_value_say_what_to_do(self, tmp_path: Path) -> None:
        (found,) = mistakes(tmp_path, "flyway", {"V1__a.sql": "\nselect ${x};"})
        assert found.startswith("V1__a.sql:1: the placeholder ${x} has no value")
        assert "`variables:`" in found
        assert "placeholderReplacement=false" in found


class TestLiquibase:
    def test_changelogs_say_the_order(self, tmp_path: Path) -> None:
        text = "--liquibase formatted sql\n--changeset a:1\nselect 1;\n"
        write(tmp_path, {
            "root.yaml": "databaseChangeLog:\n- include:\n    file: db/changes/b.sql\n"
                         "- includeAll:\n    path: more\n    relativeToChangelogFile: true\n",
            "changes/a.sql": text, "changes/b.sql": text, "more/d.sql": text, "more/c.sql": text,
        })  # fmt: skip
        found = read_migrations(tmp_path, POSTGRESQL, "liquibase")
        assert [one.version for one in found.migrations] == [
            "changes/b.sql::1::a", "more/c.sql::1::a", "more/d.sql::1::a",
        ]  # fmt: skip
        assert found.warnings == ("changes/a.sql is passed over: no changelog includes it.",)

    @pytest.mark.parametrize(
        ("contexts", "labels", "expected", "left_out"),
        [
            ([], "v1", "14", "(3): a.sql:4, a.sql:6, a.sql:10."),
            (["TEST"], "!v1", "12356", "(1): a.sql:8."),
            (["prod", "eu"], "v1 or (v2 and v3)", "124", "(2): a.sql:6, a.sql:10."),
        ],
    )
    def test_contexts_and_labels_choose_as_the_environment_says(
        self, contexts: list[str], labels: str, expected: str, left_out: str, tmp_path: Path
    ) -> None:
        rest = (
            "",
            'context:"test, (prod and eu)"',
            "contextFilter:@test",
            "labels:v1,v4",
            "labels:v2",
        )
        sets = [f"--changeset a:{n} {more}\nselect {n};\n" for n, more in enumerate(rest, 1)]
        write(tmp_path, {
            "a.sql": "--liquibase formatted sql\n" + "".join(sets),
            "b.sql": "--liquibase formatted sql\n--changeset a:6\nselect 6;\n",
            "root.xml": "<databaseChangeLog><include file='a.sql'/>"
                        "<include file='b.sql' context='test'/></databaseChangeLog>",
        })  # fmt: skip
        decided = Decided(tuple(contexts), labels)
        assert not find_mistakes(tmp_path, POSTGRESQL, {}, "liquibase", decided)
        found = read_migrations(tmp_path, POSTGRESQL, "liquibase", decided)
        assert "".join(one.name for one in found.migrations) == expected
        assert found.warnings[-1] == f"Left out by their context or labels {left_out}"

    def test_an_expression_that_does_not_close_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path, {"a.sql": "--liquibase formatted sql\n--changeset a:1 context:(a\n"})
        (found,) = find_mistakes(tmp_path, POSTGRESQL, {}, "liquibase", Decided(()))
        assert str(found).startswith("a.sql: the expression `(a` cannot be read")

    def test_lines_count_in_the_file(self, tmp_path: Path) -> None:
        write(tmp_path, {"a.sql": "--liquibase formatted sql\n\n--changeset a:1\nselect 1;\n"
                                  "--changeset a:2\n\nselect\n 2;\n/* liquibase rollback\n"
                                  "select 3;\n*/\n"})  # fmt: skip
        second = read_migrations(tmp_path, POSTGRESQL, "liquibase").migrations[1]
        sections = parse_sections(second, POSTGRESQL, {})
        assert sections.down is not None
        lines = [sections.up.statements[0].line, sections.down.statements[0].line]
        assert lines == [7, 10]

    def test_a_delimiter_of_its_own_is_heeded(self, tmp_path: Path) -> None:
        body = "create procedure p() begin select 1; select 2; end"
        write(tmp_path, {"a.sql": f"--liquibase formatted sql\n--changeset a:1 endDelimiter://\n"
                                  f"{body}\n//\nselect 3\n//\n"})  # fmt: skip
        found = read_migrations(tmp_path, MYSQL, "liquibase")
        assert contents(found, MYSQL)[0][2] == [body, "select 3"]

    @pytest.mark.parametrize("dialect", [POSTGRESQL, MYSQL, MARIADB])
    def test_what_it_strips_is_no_sql_on_any_engine(self, dialect: Dialect, tmp_path: Path) -> None:
        """To MySQL `--x` is arithmetic, and Liquibase's own first changelog has `--comment: x`."""
        write(tmp_path, {"a.sql": "--liquibase formatted sql\n--changeset a:1\n"
                                  "--comment: it's one\n--validCheckSum: any\n"
                                  "--plain, it's no SQL\nselect 1 --too\n"
                                  ", '--x';\n--rollback select 2 --undone\n"})  # fmt: skip
        (found,) = read_migrations(tmp_path, dialect, "liquibase").migrations
        sections = parse_sections(found, dialect, {})
        assert sections.down is not None
        kept = "--" if dialect is POSTGRESQL else "-- "
        assert [one.sql for one in sections.up.statements] == [f"select 1 {kept}too\n, '--x'"]
        assert [one.sql for one in sections.down.statements] == ["select 2"]
        assert sections.up.statements[0].line == 6


def test_a_breakpoint_of_drizzle_is_no_sql_for_mysql(tmp_path: Path) -> None:
    write(tmp_path, FOLDERS["drizzle"][0])
    found = read_migrations(tmp_path, MYSQL, "drizzle")
    assert contents(found, MYSQL)[0][2] == [A, B]
    assert found.warnings == (
        "0002_left.sql is no migration, since meta/_journal.json does not name it.",
    )


def test_a_b_file_of_flyway_is_passed_over_where_its_v_files_are(tmp_path: Path) -> None:
    write(
        tmp_path, {"B2__both.sql": "select 0;", "V1__a.sql": "select 1;", "V3__c.sql": "select 3;"}
    )
    found = read_migrations(tmp_path, POSTGRESQL, "flyway")
    assert [one.version for one in found.migrations] == ["1", "3"]
    assert "B2__both.sql is passed over" in found.warnings[0]
    (tmp_path / "V1__a.sql").unlink()
    assert [one.version for one in read_migrations(tmp_path, POSTGRESQL, "flyway").migrations] == [
        "2", "3",
    ]  # fmt: skip


def test_waivers_and_requirements_are_ours_in_any_format(tmp_path: Path) -> None:
    write(tmp_path, {
        "1_a.up.sql": "select 1;",
        "2_b.up.sql": "-- migrate:requires 3\nbegin;\n-- migrate:allow drops-data it is empty\n"
                      "drop table t;\ncommit;",
        "3_c.up.sql": "select 3;",
    })  # fmt: skip
    found = read_migrations(tmp_path, POSTGRESQL, "golang-migrate").migrations
    assert [one.version for one in found] == ["1", "3", "2"]
    (waiver,) = parse_sections(found[2], POSTGRESQL, {}).up.waivers
    assert (waiver.code, waiver.statement, waiver.line) == ("drops-data", 1, 3)


@pytest.mark.parametrize("text", ["COMMIT", "commit work", "END TRANSACTION"])
def test_a_commit_at_the_end_of_a_section_is_left_out(tmp_path: Path, text: str) -> None:
    """In other tools it ends the transaction that they began, when all is done."""
    write(tmp_path, {"1_a.sql": f"-- +goose Up\nselect 1;\nselect 2;\n{text};\n"})
    (found,) = read_migrations(tmp_path, POSTGRESQL, "goose").migrations
    up = parse_sections(found, POSTGRESQL, {}).up
    assert [one.sql for one in up.statements] == ["select 1", "select 2"]
    assert up.transactional
    write(tmp_path, {"1_a.sql": f"-- +goose Up\nselect 1;\n{text};\nselect 2;\n"})
    (found,) = read_migrations(tmp_path, POSTGRESQL, "goose").migrations
    with pytest.raises(MigrationFileError, match="would disturb the transaction"):
        parse_sections(found, POSTGRESQL, {})


def test_the_way_back_may_be_first_where_the_tool_takes_that(tmp_path: Path) -> None:
    for name, text in {
        "sql-migrate": "-- +migrate Down\nselect 2;\n\n-- +migrate Up\nselect 1;\n",
        "node-pg-migrate": "-- Down Migration\nselect 2;\n-- Up Migration\nselect 1;\n",
    }.items():
        write(tmp_path, {"1_a.sql": text})
        (found,) = read_migrations(tmp_path, POSTGRESQL, name).migrations
        sections = parse_sections(found, POSTGRESQL, {})
        assert sections.down is not None
        assert [one.sql for one in sections.up.statements] == ["select 1"]
        assert [one.sql for one in sections.down.statements] == ["select 2"]
    write(tmp_path, {"1_a.sql": "-- +goose Down\nselect 2;\n-- +goose Up\nselect 1;\n"})
    (found,) = read_migrations(tmp_path, POSTGRESQL, "goose").migrations
    with pytest.raises(MigrationFileError, match=r"`-- \+goose Up` has no place here"):
        parse_sections(found, POSTGRESQL, {})


def test_a_comment_that_speaks_of_an_up_migration_is_no_marker_of_a_format(tmp_path: Path) -> None:
    write(tmp_path, {"1_a.up.sql": "-- Up migration\nselect 1;", "1_a.down.sql": "select 2;"})
    assert recognise_format(tmp_path) == "golang-migrate"
    write(tmp_path / "b", {"1_a.sql": "-- +goose Up\n-- Up migration for the shop\nselect 1;"})
    assert recognise_format(tmp_path / "b") == "goose"


@pytest.mark.parametrize("tag", ["v1", "v2"])
def test_a_reworked_change_of_sqitch_has_any_tag_since_it(tmp_path: Path, tag: str) -> None:
    """Sqitch takes the newest that has a file."""
    write(tmp_path, {
        "sqitch.plan": """
            z 2026-01-01T00:00:00Z Ann <a@example.com> # first
            @v1 2026-01-02T00:00:00Z Ann <a@example.com> # tag
            a 2026-01-03T00:00:00Z Ann <a@example.com> # second
            @v2 2026-01-04T00:00:00Z Ann <a@example.com> # tag
            z [z@v2] 2026-01-05T00:00:00Z Ann <a@example.com> # again
            """,
        f"deploy/z@{tag}.sql": "select 1;", "deploy/a.sql": "select 2;",
        "deploy/z.sql": "select 3;",
    })  # fmt: skip
    found = read_migrations(tmp_path, POSTGRESQL, "sqitch").migrations
    assert [parse_sections(one, POSTGRESQL, {}).up.statements[0].sql for one in found] == [
        "select 1", "select 2", "select 3",
    ]  # fmt: skip


def test_the_text_of_one_format_is_not_passed_off_as_another(tmp_path: Path) -> None:
    write(tmp_path, {"1_a.sql": "select 1;"})
    sums = {
        name: read_migrations(tmp_path, POSTGRESQL, name).migrations[0].checksum
        for name in ("plain", "sqlx", "node-pg-migrate", "yoyo")
    }
    assert len(set(sums.values())) == len(sums)


def test_a_folder_that_two_formats_fit_asks_for_a_name(tmp_path: Path) -> None:
    write(tmp_path, {"1_a.sql": "-- +goose Up\nselect 1;", "V1__a.sql": "select 1;"})
    with pytest.raises(MigrationFileError, match="flyway, goose would each fit") as caught:
        recognise_format(tmp_path)
    assert "format: NAME" in caught.value.do


def test_a_folder_with_rust_is_refinerys(tmp_path: Path) -> None:
    write(tmp_path, {"V1/V1__a.rs": "", "V2__b.sql": "select 1;"})
    assert recognise_format(tmp_path) == "refinery"


def test_what_runs_in_no_transaction_is_refused_with_the_words_of_its_tool(tmp_path: Path) -> None:
    write(tmp_path, {"1_a.sql": "-- +goose Up\nselect 1;\nvacuum;"})
    (found,) = find_mistakes(tmp_path, POSTGRESQL, {}, "goose")
    assert "`-- +goose NO TRANSACTION`" in found.do


def test_an_empty_folder_is_ours(tmp_path: Path) -> None:
    assert recognise_format(tmp_path) == OWN


def test_a_changeset_stays_the_same_when_another_is_put_after_it(tmp_path: Path) -> None:
    first = f"--liquibase formatted sql\n--changeset ann:1\n{A};"
    (tmp_path / "a.sql").write_text(first)
    (before,) = read_migrations(tmp_path, POSTGRESQL, "liquibase").migrations
    (tmp_path / "a.sql").write_text(f"{first}\n\n\n--changeset ann:2\n{B};\n")
    after, second = read_migrations(tmp_path, POSTGRESQL, "liquibase").migrations
    assert after.checksum == before.checksum != second.checksum


class Compared(str):
    """A name that counts how often names are compared."""

    times = 0

    def __eq__(self, other: object) -> bool:
        Compared.times += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


class Named(Folder):
    """A folder of files with these names."""

    def names(self, *endings: str) -> tuple[str, ...]:
        return tuple(Compared(f"{number:04}_a.sql") for number in range(100))


def test_a_name_that_is_passed_over_is_not_looked_for_among_all_others(tmp_path: Path) -> None:
    assert not list(find_warnings("lockgate", Named(tmp_path)))
    assert Compared.times <= 100
