"""Templates: only where a file asks for one, strict, in a sandbox, the same text every time."""

import pytest

from lockgate.planner.errors import Interrupted, MigrationFileError
from lockgate.planner.migrations import template_limits
from lockgate.planner.migrations.template import render
from tests.planner.literals import parse, read

HEADER = "-- migrate:template jinja\n-- migrate:up\n"


def refused(text: str, **variables: str) -> MigrationFileError:
    with pytest.raises(MigrationFileError) as caught:
        parse(text, variables)
    assert str(caught.value.path) == "001_users.sql"
    assert caught.value.do
    return caught.value


def test_a_file_that_does_not_ask_is_taken_as_it_stands() -> None:
    text = "-- migrate:up\nselect '{{1,2},{3,4}}'::int[], '{# no comment #}', '{% raw %}';\n"
    (statement,) = parse(text).up.statements
    assert statement.sql == text.splitlines()[1].removesuffix(";")


def test_a_template_is_given_the_environments_variables() -> None:
    text = HEADER + "grant select on t to {{ role }};\n{% if big == 'yes' %}select 1;{% endif %}"
    statements = parse(text, {"role": "reader", "big": "no"}).up.statements
    assert [one.sql for one in statements] == ["grant select on t to reader"]


def test_the_source_stays_in_the_migration() -> None:
    assert "{{ role }}" in read(HEADER + "select '{{ role }}';").text


def test_nothing_is_escaped_and_the_last_newline_stays() -> None:
    assert render("{{ a }}\n", {"a": "<'\"&>"}) == "<'\"&>\n"


def test_rendering_twice_gives_the_same_text() -> None:
    source = "{% for n in range(3) %}{{ n }} {{ loop.index }} {{ a ~ 1.5 }};{% endfor %}"
    assert (
        render(source, {"a": "x"}) == render(source, {"a": "x"}) == ("0 1 x1.5;1 2 x1.5;2 3 x1.5;")
    )


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("select {{ missing }}", "'missing' is undefined"),
        ("{% if missing %}select 1{% endif %}", "'missing' is undefined"),
        ("select {{ role.name }}", "no attribute 'name'"),
        ("select {% nonsense %}", "unknown tag 'nonsense'"),
        ("select {{ role", "the template cannot be read"),
        ("select {{ 1 / 0 }}", "division by zero"),
        ("{% include 'other.sql' %}", "no loader"),
        ("{{ role|xmlattr }}", "no attribute 'items'"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion"),
        ("select {{ [1, 2]|random }}", "No filter named 'random'"),
        ("select '{{ lipsum() }}'", "'lipsum' is undefined"),
        ("select {{ ''.__class__.__mro__ }}", "unsafe"),
        ("select {{ range(10 ** 9)|list }}", "too big"),
        ("select {{ role.upper }}", "prints a builtin_function_or_method"),
        ("select {{ joiner() }}", "prints a Joiner"),
        ("select {{ none }}", "prints a NoneType"),
    ],
)
def test_a_template_that_fails_names_the_line_of_its_source(sql: str, what: str) -> None:
    error = refused(f"{HEADER}select 1;\n{sql}\n", role="reader")
    assert what in str(error)
    assert error.line == 4


def test_a_missing_variable_is_to_be_set_in_the_environment() -> None:
    assert "`variables:`" in refused(HEADER + "select {{ missing }};").do


def test_sql_that_a_variable_puts_above_the_marker_is_refused() -> None:
    text = "-- migrate:template jinja\n-- {{ note }}\n-- migrate:up\nselect 1;\n"
    error = refused(text, note="a note\ndrop table t;")
    assert error.line == 3
    assert "SQL above `-- migrate:up`" in error.what


def test_a_template_that_renders_no_up_section_is_refused() -> None:
    text = (
        "-- migrate:template jinja\n-- {% if tenant == '1' %}\n"
        "-- migrate:up\nselect 1;\n-- {% endif %}\n"
    )
    assert len(parse(text, {"tenant": "1"}).up.statements) == 1
    assert "there is no `-- migrate:up` line" in refused(text, tenant="2").what


def test_an_error_in_the_sql_has_the_line_of_the_rendered_text() -> None:
    text = HEADER + "{% for n in [1, 2] %}\nselect 1;\n{% endfor %}\nselect 'open"
    assert refused(text).line == 8


def test_a_signal_is_no_fault_of_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(parts: object) -> str:
        raise Interrupted(2)

    monkeypatch.setattr(template_limits, "collect", stop)
    with pytest.raises(Interrupted):
        render("{{ a }}", {"a": "b"})
