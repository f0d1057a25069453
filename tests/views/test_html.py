"""The HTML page in a real browser: whole without scripts and network, fast, and accessible."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from lockgate.planner.plan.difference import compare_plans
from lockgate.planner.plan.plan import Plan
from lockgate.planner.review.lint import rule_codes
from lockgate.trust.approvals import Approval, ApprovalState
from lockgate.views.findings.links import page_of
from lockgate.views.plan.html import render_html
from lockgate.views.plan.review import review
from tests.browser import axe_source
from tests.planner.literals import up_plan
from tests.views.plans import (
    MIGRATIONS,
    PRODUCTION,
    altered_plan,
    compensated_plan,
    empty_plan,
    hostile_plan,
    long_plan,
    rehearsed_plan,
    release_plan,
    small_plan,
    written,
)

PLANS = {
    "release": release_plan,
    "small": small_plan,
    "empty": empty_plan,
    "compensated": compensated_plan,
    "hostile": hostile_plan,
    "rehearsed": rehearsed_plan,
    "long": lambda: long_plan(60),
}


class Opened:
    """A page and what it did: the console's messages, errors, and requests for anything else."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(path.as_uri())

    def steps(self) -> list[str]:
        """The numbers of the steps that can be seen."""
        visible = self.page.locator(".step > summary .place:visible")
        return visible.all_inner_texts()


class Pages:
    """Opens plans in the browser."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self._contexts: list[Any] = []

    def open(self, plan: Plan, page: str = "", **settings: Any) -> Opened:
        """The plan's page, or one that was rendered with more."""
        path = self._folder / "plan.html"
        path.write_text(page or render_html(review(plan)), encoding="ascii")
        context = self._browser.new_context(**settings)
        self._contexts.append(context)
        return Opened(context.new_page(), path)

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def pages(browser: Browser, tmp_path: Path) -> Iterator[Pages]:
    opened = Pages(browser, tmp_path)
    yield opened
    opened.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 420)])
@pytest.mark.parametrize("name", PLANS)
def test_a_page_is_accessible_and_fits_its_screen(
    pages: Pages, name: str, scheme: Any, width: int
) -> None:
    viewport: Any = {"width": width, "height": 900}
    refuse_what_shuts_out(pages.open(PLANS[name](), viewport=viewport, color_scheme=scheme))


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_a_page_with_signatures_and_what_has_changed_is_accessible_too(
    pages: Pages, scheme: Any, width: int
) -> None:
    plan = rehearsed_plan()
    good, bad = Approval(Path("a.sig"), "ann@example.com"), Approval(Path("b.sig"), problem="bad")
    approvals = ApprovalState((good, bad), "Needed: 2 approvals.", "Run `migrate approve`.")
    page = render_html(review(plan), approvals, compare_plans(altered_plan(), plan))
    viewport: Any = {"width": width, "height": 900}
    opened = pages.open(plan, page, viewport=viewport, color_scheme=scheme)
    assert opened.page.locator("#since").count() == 1
    assert opened.page.get_by_text("ann@example.com").count()
    refuse_what_shuts_out(opened)


def refuse_what_shuts_out(opened: Opened) -> None:
    """Holds a page against axe, and its width against its screen's."""
    opened.page.evaluate(axe_source())
    report = opened.page.evaluate("axe.run()")
    assert [(each["id"], each["nodes"][0]["html"]) for each in report["violations"]] == []
    assert [each["id"] for each in report["incomplete"]] == []
    assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert opened.complaints == []


def test_nothing_is_fetched_from_anywhere(pages: Pages) -> None:
    opened = pages.open(release_plan())
    assert [url for url in opened.requests if not url.endswith("/plan.html")] == []
    content = opened.page.content()
    assert not re.search(r"""src=|<link|href=["'](?!#|https://)""", content)
    links = re.findall(r'<a href="(https:[^"]*)"( rel="noreferrer")?', content)
    assert {*links} <= {(page_of(code), ' rel="noreferrer"') for code in rule_codes()}


def test_no_text_of_a_plan_becomes_markup(pages: Pages) -> None:
    opened = pages.open(hostile_plan())
    assert opened.complaints == []
    assert opened.page.locator("img").count() == 0
    assert opened.page.locator("script").count() == 1
    assert "⟨U+202E⟩" in opened.page.locator(".step").inner_text()
    assert "\u202e" not in opened.page.content()


def test_only_the_pages_own_script_may_run(pages: Pages) -> None:
    opened = pages.open(small_plan())
    opened.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'),"
        "{textContent: 'document.title = `taken over`'}))"
    )
    assert opened.page.title() == "Apply 1 migration on production"
    assert any("Content Security Policy" in text for text in opened.complaints)


def test_without_scripts_all_is_there_to_be_read(pages: Pages) -> None:
    opened = pages.open(release_plan(), java_script_enabled=False)
    assert opened.steps() == ["1", "2", "3", "4", "5", "6"]
    assert not opened.page.locator("#filter").is_visible()
    text = opened.page.locator("body").inner_text()
    for words in ("ATOMIC IN PARTS", "users.legacy_name", "ACCESS EXCLUSIVE", "~80 M", "~41GB",
                  "create index concurrently", "The server undoes all of it.",
                  "the table was made one line above", "There is no way back"):  # fmt: skip
        assert words in text, words


def test_a_rehearsal_is_shown_with_what_each_statement_cost(pages: Pages) -> None:
    page = pages.open(rehearsed_plan()).page
    section = page.locator("section[aria-labelledby=rehearsal]")
    assert "The way back does not restore what was there." in section.inner_text()
    section.locator("summary").click()
    assert "+index orders_by_total: columns total" in section.inner_text()
    cost = "Rehearsed in 12 ms: ACCESS EXCLUSIVE on public.orders, rewrites public.orders"
    assert cost in page.locator("#step-3").inner_text()


def test_sql_is_shown_as_it_is_written(pages: Pages) -> None:
    opened = pages.open(release_plan())
    shown = opened.page.locator("#step-6 .statement .sql").all_inner_texts()
    assert "\n".join(shown) == MIGRATIONS[5].text.split("migrate:up \n")[1].split("\n--")[0]
    assert opened.page.locator("#step-6 .sql .keyword").first.inner_text() == "create"


@pytest.mark.parametrize(
    ("words", "severity", "expected"),
    [
        ("orders_by_customer", "", ["4"]),
        ("ORDERS create", "", ["4", "6"]),
        ("", "danger", ["2", "3"]),
        ("", "danger warning", ["2", "3", "5"]),
        ("billing", "danger warning info", ["5"]),
        ("no such word", "", []),
    ],
)
def test_steps_are_filtered_by_words_and_severity(
    pages: Pages, words: str, severity: str, expected: list[str]
) -> None:
    opened = pages.open(release_plan())
    opened.page.get_by_label("Find", exact=True).fill(words)
    opened.page.locator("#severity").select_option(severity)
    assert opened.steps() == expected
    assert opened.page.locator("#shown").inner_text() == f"{len(expected)} of 6 steps"
    assert opened.page.locator("#none").is_visible() == (not expected)


def test_the_keyboard_alone_reaches_filter_and_steps(pages: Pages) -> None:
    opened = pages.open(release_plan())
    keyboard = opened.page.keyboard
    keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.className") == "skip"
    keyboard.press("Enter")
    keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.id") == "words"
    keyboard.type("fill_totals")
    assert opened.steps() == ["5"]
    keyboard.press("Escape")
    assert len(opened.steps()) == 6
    for _ in range(3):
        keyboard.press("Tab")
    keyboard.press("Enter")
    assert opened.page.evaluate("document.activeElement.closest('.step').open") is False


def test_a_link_leads_to_a_step_that_the_filter_hides(pages: Pages) -> None:
    opened = pages.open(release_plan())
    opened.page.get_by_label("Find", exact=True).fill("legacy")
    opened.page.locator("#fold").click()
    opened.page.locator(".losses a").first.click()
    opened.page.locator("#findings ~ .findings a[href^='#']").nth(1).click()
    opened.page.locator("#step-3[open]").wait_for()
    assert opened.page.locator("#step-3 .sql").first.is_visible()
    assert len(opened.steps()) == 6


def test_of_200_steps_only_those_to_be_read_are_unfolded(pages: Pages) -> None:
    page = pages.open(long_plan(200), java_script_enabled=False).page
    graded = ".step[data-severity=danger], .step[data-severity=warning]"
    assert page.locator(".step").count() == 200
    assert page.locator(".step[open]").count() == page.locator(graded).count() == 13
    page.locator("#step-101 > summary").click()
    assert "create table part_101" in page.locator("#step-101 .sql").first.inner_text()


def test_a_page_of_200_steps_stays_small_and_begins_early(pages: Pages) -> None:
    page = pages.open(long_plan(200)).page
    assert len(page.content()) < 200 * 2_500
    assert page.locator("*").count() < 200 * 60
    assert page.locator("#steps").bounding_box()["y"] < 2_000, "pixels"  # type: ignore[index]


def test_to_filter_200_steps_the_browser_lays_the_page_out_once(pages: Pages) -> None:
    page = pages.open(long_plan(200)).page
    page.evaluate(
        "new MutationObserver((all) => window.altered = all"
        ".filter((one) => one.target.matches('.step')).map((one) => one.attributeName))"
        ".observe(document.body, {subtree: true, attributes: true, childList: true})"
    )
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    before = _layouts(session)
    page.get_by_label("Find", exact=True).fill("part_100_by_note")
    assert page.locator("#shown").inner_text() == "1 of 200 steps"
    assert page.evaluate("window.altered") == ["hidden"] * 199
    assert _layouts(session) - before < 20, "far less than one for each step"


def _layouts(session: CDPSession) -> float:
    """How often the browser has laid the page out."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == "LayoutCount")


def test_findings_that_are_alike_are_explained_once(pages: Pages) -> None:
    page = pages.open(long_plan(200)).page
    cards = page.locator("section[aria-labelledby=findings] .finding")
    assert cards.count() == 3
    assert "drops-data 6 times" in cards.first.inner_text()
    assert "steps 30, 60, 90, 120, 150, 180" in cards.first.inner_text()
    assert page.get_by_text("No rollback that comes later").count() == 1
    page.locator("#step-30 .finding a").click()
    assert page.evaluate("document.querySelector(':target') === document.querySelector('.finding')")


def test_what_decides_stands_at_the_top_the_worst_first(pages: Pages) -> None:
    facts = pages.open(release_plan()).page.locator(".decisive li")
    assert facts.all_inner_texts() == [
        "Denied by policy findings: Dangers: drops-data (step 2).",
        "2 dangers: drops-data, blocks-table",
        "Data is lost: the column users.legacy_name, values of the column orders.total",
        "orders is closed for reads and writes from step 3 statement 1 until its transaction ends: "
        "about 41GB, ~80 M rows, rewrites all rows, ACCESS EXCLUSIVE",
        "Needs approval by policy destructive: "
        "Data is lost: the column users.legacy_name (step 2 statement 1).",
        "Every row is changed in invoices (it has ~12 k rows): their old values are overwritten",
        "ATOMIC IN PARTS (3 units, each all or nothing): "
        "a failure undoes its own unit and keeps those before it",
    ]


@pytest.mark.parametrize("name", PLANS)
def test_every_link_leads_somewhere_and_no_id_is_given_twice(pages: Pages, name: str) -> None:
    page = pages.open(PLANS[name]()).page
    inside = "a:not([rel])"  # test_nothing_is_fetched_from_anywhere holds the others
    targets = set(page.eval_on_selector_all(inside, "all => all.map((a) => a.hash.slice(1))"))
    ids = page.eval_on_selector_all("[id]", "all => all.map((each) => each.id)")
    assert targets - set(ids) == set()
    assert len(ids) == len(set(ids))


def test_a_tile_leads_to_the_findings_that_it_counts(pages: Pages) -> None:
    page = pages.open(release_plan()).page
    page.locator(".tiles a", has_text="info").click()
    page.get_by_text("Good to know.").first.wait_for()
    assert page.locator("#info").is_visible()


@pytest.mark.parametrize(
    ("sql", "tile", "grade"),
    [
        ("update users set a = 1; update orders set a = 1 where id < 5", "2 overwrite rows",
         "warning"),
        ("update users set a = 1 where id < 5", "1 overwrites rows", None),
        ("update users set a = 1; delete from orders where id < 5", "1 loses data", "danger"),
        ("insert into users values (1)", "0 lose data", None),
    ],
)  # fmt: skip
def test_no_tile_counts_zero_losses_where_rows_are_overwritten(
    pages: Pages, sql: str, tile: str, grade: str | None
) -> None:
    plan = up_plan([written("001_rows.sql", f"{sql};")], setting=PRODUCTION)
    last = pages.open(plan).page.locator(".tiles li").last
    assert last.inner_text().split() == tile.split()
    assert last.get_attribute("class") == grade


def test_a_table_stands_once_with_all_statements_that_lock_it(pages: Pages) -> None:
    rows = pages.open(long_plan(100)).page.locator("section[aria-labelledby=locks] tbody tr")
    assert rows.count() == 1
    assert "steps 25, 50, 75, 100" in rows.inner_text()


def test_guarantees_are_shown_only_where_they_differ(pages: Pages) -> None:
    same = pages.open(small_plan()).page
    assert "2 transactional statements" in same.locator(".part").inner_text()
    assert same.locator(".cell").count() == 0
    mixed = pages.open(compensated_plan()).page
    assert mixed.locator(".part .cell").count() == 4
    assert mixed.locator(".statement .cell").count() == 4


def test_paper_shows_every_step_and_no_filter(pages: Pages) -> None:
    opened = pages.open(release_plan())
    opened.page.locator("#fold").click()
    opened.page.emulate_media(media="print")
    assert not opened.page.locator("#filter").is_visible()
    assert opened.page.locator("#step-4 .sql").first.bounding_box()
    assert opened.page.locator("#step-4 .sql").first.is_visible()
    assert not opened.page.locator("#step-4 .rollback .sql").first.is_visible()
    markers = "getComputedStyle(document.querySelector('.rollback > summary')).listStyleType"
    assert opened.page.evaluate(markers) == "none"
