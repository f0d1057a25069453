"""The comment for a pull request: its limit, and that no text breaks out of its place."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.planner.plan.plan import Change, Plan, seal
from lockgate.planner.plan.statement import Touch
from lockgate.planner.quantities import spell_digest
from lockgate.views.markup import code, escape, fenced, table
from lockgate.views.plan.markdown import LONGEST, render_markdown
from lockgate.views.plan.review import review
from tests.views.plans import (
    HOSTILE,
    LOSES,
    decorated,
    hostile_plan,
    long_plan,
    rehearsed_plan,
    release_plan,
    small_plan,
)


def comment(plan: Plan) -> str:
    return render_markdown(review(plan))


def shown_steps(text: str) -> int:
    return len(re.findall(r"^<details>", text, re.MULTILINE))


def test_the_title_says_the_verdict_and_the_intent() -> None:
    plan = release_plan()
    first, _, title, *_ = comment(plan).splitlines()
    assert first == "<!-- lockgate-plan production -->"
    assert "ATOMIC IN PARTS (3 units, each all or nothing)" in title
    assert f"`{spell_digest(plan.intent_digest)}`" in title


def test_a_plan_of_200_steps_fits_into_a_comment_with_all_its_sql() -> None:
    text = comment(long_plan(200))
    assert len(text) <= LONGEST
    assert shown_steps(text) == 200
    assert "more step" not in text
    assert "**The ways back are not shown here**" in text


def test_what_does_not_fit_is_cut_and_counted() -> None:
    text = comment(long_plan(2000))
    assert len(text) <= LONGEST
    shown = shown_steps(text)
    assert 100 < shown < 2000
    assert f"**{2000 - shown:,} more steps of this plan are not shown here**" in text


def test_a_statement_that_is_too_long_is_cut_and_the_steps_behind_it_are_shown() -> None:
    plan = small_plan()
    (step,) = plan.steps
    long = step.statements[0].model_copy(update={"sql": "select '" + "x" * LONGEST + "'"})
    huge = step.model_copy(update={"statements": (long,)})
    text = comment(plan.model_copy(update={"steps": (huge, step)}))
    assert len(text) <= LONGEST
    assert shown_steps(text) == 2
    assert "-- … 63,545 more characters" in text


def test_thousands_of_findings_and_losses_leave_room_for_the_steps() -> None:
    plan = decorated(long_plan(200), dict.fromkeys(range(1, 201), (LOSES,) * 20), {})
    text = comment(plan)
    assert len(text) <= LONGEST
    assert "and 3,997 more places" in text
    assert text.count("*Why:*") == 1
    assert shown_steps(text) == 200


def test_a_rehearsal_that_differs_in_everything_leaves_room_for_the_steps() -> None:
    plan = rehearsed_plan()
    lines = tuple(f"+{'x' * 5_000}" for _ in range(500))
    changes = tuple(Change(object=f"table t{n}", change="changed", lines=lines) for n in range(300))
    assert plan.rehearsal is not None
    seen = plan.rehearsal.model_copy(update={"differences": changes, "unrepeated": changes})
    text = comment(plan.model_copy(update={"rehearsal": seen}))
    assert "300 objects left otherwise by the way back" in text
    assert "… and 299 more objects." in text
    assert "more step" not in text


@pytest.mark.parametrize("field", ["environment", "verdict"])
def test_no_text_makes_it_longer_than_it_may_be(field: str) -> None:
    plan = seal(
        small_plan().model_copy(update={field: "@|`<" * LONGEST, "warnings": ("@" * 999,) * 99})
    )
    assert len(comment(plan)) <= LONGEST


def test_only_its_own_html_is_in_it() -> None:
    text = comment(hostile_plan())
    fence = r"^(`{3,})(?:sql|diff)\n.*?^\1$"
    without_fences = re.sub(fence, "", text, flags=re.MULTILINE | re.DOTALL)
    without_code = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", without_fences)
    tags = re.findall(r"(?<!\\)<(?!!--)/?([a-z]+)", without_code)
    assert set(tags) <= {"details", "summary", "code"}
    assert "\u202e" not in text
    assert "@team" not in re.sub(r"<code>.*?</code>", "", without_code)


def test_sql_stays_in_its_fence() -> None:
    text = comment(hostile_plan())
    (block,) = re.findall(r"^(`{3,})sql\n(.*?)\n\1$", text, re.MULTILINE | re.DOTALL)
    assert "</details>" in block[1]
    assert "⟨U+202E⟩" in block[1]
    assert text.rstrip().endswith("</details>")


@given(st.text())
def test_a_fence_is_longer_than_any_in_the_sql(sql: str) -> None:
    first, *inner, last = re.split("\r\n|\n|\r", fenced(sql))
    assert first == f"{last}sql"
    assert not any(re.match(rf" {{0,3}}{last}", line) for line in inner)


@given(st.text())
def test_a_code_span_is_closed_by_its_own_fence_alone(text: str) -> None:
    span = code(text)
    fence = re.match("`+", span)
    assert fence
    inner = span[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall("`+", inner)
    assert "\n" not in span


@given(st.text())
def test_escaped_text_has_no_bare_mark(text: str) -> None:
    left = re.sub(r"\\[\\`*_\[\]<>|~&$]", "", escape(text).replace("@<!-- -->", ""))
    assert not re.search(r"[`*_\[\]<>|~&$@\n]", left)


@given(st.lists(st.text(), min_size=2, max_size=2))
def test_a_table_keeps_its_cells(cells: list[str]) -> None:
    row = table(("a", "b"), [[code(cells[0]), escape(cells[1])]]).split("\n")[2]
    assert len(re.findall(r"(?<!\\)\|", row)) == 3


def test_a_lock_is_told_with_its_size() -> None:
    touch = Touch(table="t", lock="SHARE", blocks="writes", work="scan", rows=2_000, bytes=1 << 30)
    text = comment(decorated(small_plan(), {}, {(1, 1): (touch,)}))
    assert "| `t` | SHARE | **reads all rows, writes wait until COMMIT** | ~2.0 k | ~1GB |" in text


def test_the_hostile_text_is_there_to_be_read() -> None:
    assert html.escape("<b>") in comment(hostile_plan())
    assert HOSTILE.split()[0].replace("<", r"\<").replace(">", r"\>") in comment(hostile_plan())
