"""The page of migrations by environments in a real browser."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from lockgate.planner.building.compare import compare, standings
from lockgate.planner.building.matrix import Column, Matrix, lay_out
from lockgate.views.database.matrix import render_status
from tests.browser import axe_source
from tests.planner.literals import ledger, migration

FILES = [migration(f"{number:03}") for number in range(1, 201)]


def wide_matrix() -> Matrix:
    """200 migrations in six environments: one changed, one unreachable, the others on their way."""
    columns = []
    for name, count in (("dev", 200), ("test", 180), ("staging", 160), ("eu", 120), ("us", 90)):
        found = ledger(FILES[:count])
        columns.append(Column(name, standings(compare(FILES, found), found), found.serial))
    changed = replace(columns[2].standings[40], state="changed")
    altered = (*columns[2].standings[:40], changed, *columns[2].standings[41:])
    columns[2] = replace(columns[2], standings=altered)
    return lay_out([*columns, Column("<b>asia</b>", problem="cannot connect to db.example.com")])


MATRICES = {"wide": wide_matrix, "empty": lambda: lay_out([Column("dev", serial=0)])}


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 420)])
@pytest.mark.parametrize("name", MATRICES)
def test_the_page_is_accessible_quiet_and_fits_its_screen(
    browser: Browser, tmp_path: Path, name: str, scheme: Any, width: int
) -> None:
    path = tmp_path / "status.html"
    path.write_text(render_status(MATRICES[name]()), encoding="ascii")
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=True
    )
    page = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.evaluate(axe_source())
    report = page.evaluate("axe.run()")
    assert [(each["id"], each["nodes"][0]["html"]) for each in report["violations"]] == []
    assert (complaints, requests) == ([], [path.as_uri()])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_the_head_and_the_first_column_stay_in_sight(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "status.html"
    path.write_text(render_status(wide_matrix()), encoding="ascii")
    page = browser.new_page(viewport={"width": 700, "height": 700})
    page.goto(path.as_uri())
    region = page.locator(".matrix")
    region.scroll_into_view_if_needed()
    region.evaluate("it => it.scrollTo(400, 3000)")
    box = region.bounding_box()
    head = page.get_by_role("columnheader", name="migration").bounding_box()
    assert box
    assert head
    assert abs(head["x"] - box["x"]) < 3
    assert abs(head["y"] - box["y"]) < 3
    page.close()


def test_on_paper_it_is_white_and_no_wider_than_the_page(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "status.html"
    path.write_text(render_status(wide_matrix()), encoding="ascii")
    landscape = 1047  # CSS pixels between the margins of A4
    page = browser.new_page(viewport={"width": landscape, "height": 718}, color_scheme="dark")
    page.emulate_media(media="print")
    page.goto(path.as_uri())
    assert page.evaluate("document.querySelector('table').scrollWidth") <= landscape
    assert page.evaluate("document.documentElement.scrollWidth") <= landscape
    for element in ("body", "td", ".badge"):
        colour = f"getComputedStyle(document.querySelector('{element}')).backgroundColor"
        assert page.evaluate(colour) in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")
    page.close()
