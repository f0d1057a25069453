"""One migration file: its name, header, sections, markers, checksum, and what is refused."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.planner.errors import MigrationFileError, SplitError
from lockgate.planner.migrations.format import parse_sections
from lockgate.planner.migrations.formats.lockgate import parse_filename
from lockgate.planner.migrations.migration import BOM, checksum
from lockgate.planner.sql.dialect import MYSQL, POSTGRESQL
from tests.planner.literals import parse, read

UP_AND_DOWN = "-- migrate:up\ncreate table t (id int);\n-- migrate:down\ndrop table t;\n"


def sqls(text: str | bytes) -> list[str]:
    return [statement.sql for statement in parse(text).up.statements]


def refused(text: str | bytes, filename: str = "001_users.sql") -> MigrationFileError:
    """The error of a text: it names the file, and says what to do."""
    with pytest.raises(MigrationFileError) as caught:
        parse_sections(read(text, filename), POSTGRESQL, {})
    error = caught.value
    assert str(error).startswith(filename)
    assert error.do
    return error


class TestNames:
    @pytest.mark.parametrize(
        ("filename", "expected"),
        [
            ("001_create_users.sql", ("001", "create_users")),
            ("1_a.sql", ("1", "a")),
            ("001-create-users.sql", ("001", "create-users")),
            ("20261122093000_add_email.sql", ("20261122093000", "add_email")),
            ("12345678901234567890_long.sql", ("12345678901234567890", "long")),
            ("0000_silver_surfer.sql", ("0000", "silver_surfer")),
            ("003_with spaces & dots.v2.sql", ("003", "with spaces & dots.v2")),
            ("004_Größe.sql", ("004", "Größe")),
        ],
    )
    def test_version_is_the_leading_digits_and_name_the_rest(
        self, filename: str, expected: tuple[str, str]
    ) -> None:
        assert parse_filename(filename) == expected

    @pytest.mark.parametrize(
        "filename",
        [
            "create_users.sql",
            "001.sql",
            "001_.sql",
            "001-.sql",
            "001_ users.sql",
            "V1__users.sql",
            "001_users.SQL",
            "٣_users.sql",
            "001_a\nb.sql",
            "001_a/b.sql",
            "001_a\\b.sql",
            "001_users.sql.bak",
        ],
    )
    def test_a_malformed_name_is_refused_with_an_example(self, filename: str) -> None:
        error = refused(UP_AND_DOWN, filename)
        assert "001_create_users.sql" in error.do

    def test_a_name_that_is_not_valid_utf8_is_refused(self) -> None:
        refused(UP_AND_DOWN, "001_\udcff.sql")

    def test_a_name_longer_than_the_history_tables_column_is_refused(self) -> None:
        assert "255" in refused(UP_AND_DOWN, f"001_{'a' * 250}.sql").what

    def test_versions_of_any_length_are_numbers(self) -> None:
        long = read(UP_AND_DOWN, f"{10**200}_a.sql")
        assert read(UP_AND_DOWN, "2_a.sql").key < long.key
        assert read(UP_AND_DOWN, "001_a.sql").key == read(UP_AND_DOWN, "1_b.sql").key


class TestChecksum:
    @given(st.binary().filter(lambda data: b"\r\n" not in data and not data.startswith(BOM)))
    def test_is_what_sha256sum_prints_for_a_file_with_lf(self, data: bytes) -> None:
        assert checksum(data) == hashlib.sha256(data).hexdigest()

    @given(st.text().map(str.encode).filter(lambda data: b"\r" not in data))
    def test_bom_and_crlf_do_not_change_it(self, data: bytes) -> None:
        windows = data.replace(b"\n", b"\r\n")
        assert checksum(windows) == checksum(BOM + windows) == checksum(data)

    def test_is_of_the_source_not_of_what_a_template_renders(self) -> None:
        text = "-- migrate:template jinja\n-- migrate:up\nselect '{{ tenant }}';\n"
        assert read(text).checksum == hashlib.sha256(text.encode()).hexdigest()


class TestEncoding:
    def test_a_windows_checkout_gives_the_same_statements_with_its_line_ends(self) -> None:
        unix = "-- migrate:up\nselect 'a\nb';\nselect 2\n-- migrate:down\nselect 3;\n"
        windows = BOM + unix.replace("\n", "\r\n").encode()
        assert read(windows).checksum == read(unix).checksum
        up, down = parse(windows).up, parse(windows).down
        assert [statement.sql for statement in up.statements] == ["select 'a\r\nb'", "select 2"]
        assert down
        assert [statement.line for statement in down.statements] == [6]
        assert [statement.line for statement in up.statements] == [2, 4]

    def test_invalid_utf8_names_the_file_the_line_and_the_byte(self) -> None:
        error = refused(b"-- migrate:up\nselect '\xe4';\n")
        assert error.what == "byte 22 (0xe4) is not valid UTF-8"
        assert str(error).startswith("001_users.sql:2: ")
        assert "UTF-8" in error.do
        dump = refused(b"-- migrate:up\ninsert into t values (_binary '\xe4');\n")
        assert "--hex-blob" in dump.do

    def test_utf16_is_refused(self) -> None:
        assert refused(UP_AND_DOWN.encode("utf-16")).line == 1

    def test_a_nul_is_refused_with_its_line(self) -> None:
        assert refused("-- migrate:up\nselect 1;\nselect '\0';\n").line == 3


class TestHeader:
    def test_requires_names_versions_on_one_line_or_more(self) -> None:
        text = "-- migrate:requires 003 005\n-- migrate:requires 007, 9\n" + UP_AND_DOWN
        assert read(text).requires == ("003", "005", "007", "9")

    def test_comments_and_blank_lines_may_stand_above_the_marker(self) -> None:
        text = "\n-- by Ann\n/* a licence;\n-- migrate:down\n*/\n\n" + UP_AND_DOWN
        assert parse(text).up.line == 7

    @pytest.mark.parametrize(
        ("text", "line", "what"),
        [
            ("-- by Ann\nselect 1;\n-- migrate:up\n", 2, "SQL above"),
            ("-- a\n\n  create table t (\nid int);\n-- migrate:up\n", 3, "SQL above"),
            (";;\n-- migrate:down\n-- migrate:up\n", 2, "is above `-- migrate:up`"),
            ("-- migrate:requires\n-- migrate:up\n", 1, "names no version"),
            ("--\n-- migrate:requires 003_users\n-- migrate:up\n", 2, "'003_users'"),
            (f"-- migrate:requires {'9' * 5000}\n-- migrate:up\n", 1, "not a version"),
            ("-- migrate:template mako\n-- migrate:up\n", 1, "mako is not a template language"),
            ("-- migrate:template\n-- migrate:up\n", 1, "nothing is not a template language"),
            ("-- migrate:require 1\n-- migrate:up\n", 1, "not a directive"),
            ("-- migrate:\n-- migrate:up\n", 1, "not a directive"),
            ("", 1, "there is no `-- migrate:up` line"),
            ("-- only a comment\n", 1, "there is no `-- migrate:up` line"),
            ("/* open\n-- migrate:up\n", 1, "a comment has no end"),
        ],
    )
    def test_a_wrong_header_names_its_line(self, text: str, line: int, what: str) -> None:
        error = refused(text)
        assert error.line == line
        assert what in error.what

    def test_a_misspelt_directive_is_answered_with_the_right_one(self) -> None:
        assert refused("-- migrate:requries 1\n-- migrate:up\n").do == (
            "Did you mean `-- migrate:requires`?"
        )


class TestSections:
    def test_each_has_its_statements_with_their_lines(self) -> None:
        sections = parse("-- migrate:up\nselect 1;\n\nselect\n2;\n-- migrate:down\nselect 3;\n")
        assert [(one.sql, one.line) for one in sections.up.statements] == [
            ("select 1", 2),
            ("select\n2", 4),
        ]
        assert sections.down is not None
        assert [(one.sql, one.line) for one in sections.down.statements] == [("select 3", 7)]
        assert (sections.up.line, sections.down.line) == (1, 6)

    def test_may_end_without_a_semicolon(self) -> None:
        sections = parse("-- migrate:up\nselect 1\n-- migrate:down\nselect 2")
        assert [one.sql for one in sections.up.statements] == ["select 1"]
        assert sections.down is not None
        assert [one.sql for one in sections.down.statements] == ["select 2"]

    @pytest.mark.parametrize("rest", ["", "-- migrate:down\n", "-- migrate:down\n-- no way\n;\n"])
    def test_a_missing_or_empty_down_section_parses(self, rest: str) -> None:
        assert parse("-- migrate:up\nselect 1;\n" + rest).down is None

    def test_an_empty_up_section_parses(self) -> None:
        sections = parse("-- migrate:up\n-- migrate:down\n")
        assert sections.up.statements == ()
        assert sections.down is not None  # what does nothing is undone by nothing
        assert sections.down.statements == ()

    def test_are_transactional_unless_the_marker_says_otherwise(self) -> None:
        text = "-- migrate:up transaction:{}\nselect 1;\n-- migrate:down\nselect 2;\n"
        sections = parse(text.format("false"))
        assert not sections.up.transactional
        assert sections.down is not None
        assert sections.down.transactional
        assert parse(text.format("true")).up.transactional

    def test_two_up_sections_are_refused_with_the_advice_to_split_the_file(self) -> None:
        error = refused("-- migrate:up\nselect 1;\n-- migrate:up\nselect 2;\n")
        assert error.line == 3
        assert "the first is on line 1" in error.what
        assert "Split the file in two" in error.do

    @pytest.mark.parametrize(
        ("text", "line", "what"),
        [
            (UP_AND_DOWN + "-- migrate:down\n", 5, "a second `-- migrate:down`"),
            (UP_AND_DOWN + "-- migrate:up\n", 5, "a second `-- migrate:up`"),
            ("-- migrate:up transaction:no\nselect 1;\n", 1, "`transaction:no`"),
            ("-- migrate:up\nselect 1;\n-- migrate:requires 1\n", 3, "inside a section"),
            ("-- migrate:up\n-- migrate:template jinja\n", 2, "inside a section"),
            ("-- migrate:up\nselect 1;\n-- migrate:dwon\n", 3, "not a directive"),
            ("-- migrate:up\n\nselect 'open;\n", 3, "a quoted string has no end"),
            ("-- migrate:up\nselect 1; begin;\n", 2, "`BEGIN` would disturb the transaction"),
        ],
    )
    def test_a_wrong_section_names_its_line(self, text: str, line: int, what: str) -> None:
        error = refused(text)
        assert error.line == line
        assert what in error.what

    def test_an_error_of_the_splitter_is_given_the_files_name(self) -> None:
        assert isinstance(refused("-- migrate:up\nselect $$ open;\n"), SplitError)


class TestMarkers:
    @pytest.mark.parametrize(
        "sql",
        [
            "select '\n-- migrate:down\n'",
            'select "\n-- migrate:down\n"',
            "select $$\n-- migrate:down\n$$",
            "select $body$\n-- migrate:up\n$body$",
            "select E'\\'\n-- migrate:down\n'",
            "select /*\n-- migrate:down\n*/ 1",
            "select /* /* */\n-- migrate:down\n*/ 1",
            "select 1 -- migrate:down",
        ],
    )
    def test_in_a_string_comment_or_dollar_quote_are_none(self, sql: str) -> None:
        sections = parse(f"-- migrate:up\n{sql}\n;\n-- migrate:down\nselect 2;\n")
        assert [one.sql for one in sections.up.statements] == [sql.removesuffix(" -- migrate:down")]
        assert sections.down is not None
        assert [one.sql for one in sections.down.statements] == ["select 2"]

    def test_in_the_rows_of_copy_are_none(self) -> None:
        text = "-- migrate:up\ncopy t from stdin;\n-- migrate:down\n\\.\n-- migrate:down\n"
        sections = parse(text)
        assert sections.up.statements[0].copy_data == "-- migrate:down\n"
        assert sections.down is None

    @pytest.mark.parametrize("marker", ["--migrate:up", "--   migrate:up", "-- migrate:up  "])
    def test_are_read_however_they_are_spaced(self, marker: str) -> None:
        assert sqls(f"{marker}\nselect 1;\n") == ["select 1"]

    def test_are_the_same_in_every_dialect(self) -> None:
        text = "-- migrate:up\nselect `a\n-- migrate:down\n`;\n-- migrate:down\nselect 2;\n"
        sections = parse(text, dialect=MYSQL)
        assert len(sections.up.statements) == 1
        assert sections.down is not None


@pytest.mark.parametrize("reason", ["\u3164", "\u200b", "\u2800 \u115f", "\U000e0041"])
def test_a_waiver_whose_reason_nobody_sees_gives_none(reason: str) -> None:
    with pytest.raises(MigrationFileError, match="gives no reason"):
        parse(f"-- migrate:up\n-- migrate:allow drops-data {reason}\ndrop table t;\n")
