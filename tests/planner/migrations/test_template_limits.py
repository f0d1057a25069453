"""Templates that would run for hours or fill the memory: each ends at a limit, soon and small."""

import tracemalloc

import pytest

from lockgate.planner.errors import MigrationFileError
from lockgate.planner.migrations.template import render

MEMORY = 400_000_000
"""Bytes at the most while a template is rendered."""


def grown(step: str, start: str = "'x'", end: str = "{{ n.s|length }}") -> str:
    """A template that does so a hundred times to what it has made."""
    loop = f"{{% for a in range(100) %}}{step}{{% endfor %}}"
    return f"{{% set n = namespace(s={start}, t={start}) %}}{loop}{end}"


def growing(expression: str, start: str = "'x'") -> str:
    return grown(f"{{% set n.s = {expression} %}}", start)


NESTED = "{% set n.s = [n.s, n.s] %}{% set n.t = [n.t, n.t] %}"
BILLION = "1999999999"
TOO_MUCH = [
    f"{{{{ 'x'.ljust({BILLION}) }}}}",
    f"{{{{ 'x'.ljust(width={BILLION}) }}}}",
    f"{{{{ 'a'.zfill({BILLION}) }}}}",
    f"{{{{ 'a\t'.expandtabs({BILLION}) }}}}",
    f"{{{{ 'x' * {BILLION} }}}}",
    f"{{{{ {BILLION} * 'x' }}}}",
    f"{{{{ ([1] * {BILLION})|length }}}}",
    "{{ 10 ** (10 ** 10) }}",
    f"{{{{ 'x'|center({BILLION}) }}}}",
    f"{{{{ '%{BILLION}d' % 1 }}}}",
    f"{{{{ '%*d' % ({BILLION}, 1) }}}}",
    f"{{{{ '{{:{BILLION}}}'.format(1) }}}}",
    f"{{{{ '{{:{{w}}}}'.format(1, w='{BILLION}') }}}}",
    f"{{{{ '%{BILLION}d'|format(1) }}}}",
    "{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(100000) %}"
    "{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in range(100000) %}{{ 'x' * 10000 }}{% endfor %}",
    "{{ (range(100000)|list|string * 100)|length }}",
    "{{ range(100000)|map('string')|join('x' * 1000) }}",
    "{% filter replace('a', 'B' * 9000) %}{% for a in range(90000) %}a{% endfor %}{% endfilter %}",
    growing("n.s ~ n.s"),
    growing("n.s + n.s"),
    growing("n.s + n.s", "[1]"),
    growing("n.s * n.s", "7"),
    growing("n.s.replace('x', n.s)", "'xx'"),
    growing("n.s|replace('x', n.s)", "'xx'"),
    growing("n.s.join(n.s)", "'xx'"),
    growing("n.s|join(n.s)", "'xx'"),
    growing("'%s%s' % (n.s, n.s)"),
    growing("'{0}{0}'.format(n.s)"),
    growing("'{a}{a}'.format_map({'a': n.s})"),
    growing("'%s%s'|format(n.s, n.s)"),
    growing("n.s.translate({120: n.s * 2})"),
    growing("[n.s, n.s]|tojson"),
    grown("{% set n.s %}{{ n.s }}{{ n.s }}{% endset %}"),
    grown(NESTED, "[1]", "{% if n.s == n.t %}{% endif %}"),
    grown(NESTED, "[1]", "{% if n.s is eq(n.t) %}{% endif %}"),
    grown(NESTED, "[1]", "{% if n.s in [n.t] %}{% endif %}"),
    grown(NESTED, "[1]", "{{ [n.s].count(n.t) }}"),
    grown(NESTED, "[1]", "{{ n.s|string }}"),
    grown("{% set n.s = (n.s, n.s) %}", "(1,)", "{{ {n.s: 1}|length }}"),
]


@pytest.mark.parametrize("source", TOO_MUCH)
def test_it_ends_at_a_limit(source: str) -> None:
    with pytest.raises(MigrationFileError) as refused:
        render(source, {})
    assert "more than" in refused.value.what
    assert refused.value.do


@pytest.mark.parametrize("source", [*TOO_MUCH[:6], growing("n.s ~ n.s"), TOO_MUCH[15]])
def test_it_takes_little_memory(source: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(MigrationFileError):
            render(source, {})
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "source",
    [
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ " + "(" * 5000 + ")" * 5000 + " }}",
    ],
    ids=["macro", "parentheses"],
)
def test_what_nests_too_deeply_is_an_error_of_the_template(source: str) -> None:
    with pytest.raises(MigrationFileError, match="the template fails"):
        render(source, {})


def test_the_same_step_is_the_last_each_time() -> None:
    source = "{% for a in range(100000) %}{% for b in range(100) %}\n{% endfor %}{% endfor %}"
    lines = set()
    for _ in range(2):
        with pytest.raises(MigrationFileError) as refused:
            render(source, {})
        lines.add((refused.value.what, refused.value.line))
    assert len(lines) == 1


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ 'a' ~ 1 ~ 'b' }}", "a1b"),
        ("{% if 'a' < 'b' and 1 in [1, 2] and 2 is even %}yes{% endif %}", "yes"),
        (
            "{% for key, value in {'a': 1}.items() %}{{ key }}{{ '%05d' % value }}{% endfor %}",
            "a00001",
        ),
        ("{{ '{:>4}|{x}'.format(1, x='y') }}", "   1|y"),
        ("{{ ['a', 'b']|join(', ') }}{{ 'x' * 3 }}{{ 'a'|center(3) }}", "a, bxxx a "),
        ("{% set x %}a{{ 1 }}{% endset %}{{ x }}", "a1"),
        ("{% macro m(a) %}[{{ a }}]{% endmacro %}{{ m('q')|upper }}", "[Q]"),
        ("{% for i in range(1000) %}x{% endfor %}", "x" * 1000),
        ("{{ range(5)|map('string')|select('ne', '2')|join }}", "0134"),
    ],
)
def test_what_templates_are_for_works(source: str, expected: str) -> None:
    assert render(source, {}) == expected
