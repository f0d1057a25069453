"""Time and size of the HTML page by the number of steps, in a real browser.

Run it with `make benchmark`. Each time is the median of a few runs, in milliseconds: `render` is
making the page, `load` opening it until its load event, `filter` a key until the page is laid out.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page

from lockgate.planner.plan.plan import Plan
from lockgate.views.plan.html import render_html
from lockgate.views.plan.review import review
from tests.browser import open_browser
from tests.views.plans import long_plan

SIZES = (10, 60, 200, 1_000)
RUNS = 5
LOAD = "performance.getEntriesByType('navigation')[0].loadEventEnd"
FILTER = """() => {
  const words = document.getElementById("words");
  const begun = performance.now();
  words.value = words.value ? "" : "part_010_by_note";
  words.dispatchEvent(new Event("input"));
  document.body.offsetHeight;
  return performance.now() - begun;
}"""


def median(measure: Callable[[], float]) -> float:
    """The median of a few runs."""
    return statistics.median(measure() for _ in range(RUNS))


def measure_render(plan: Plan) -> float:
    """How long the page takes to be made, in milliseconds."""
    begun = time.perf_counter()
    render_html(review(plan))
    return (time.perf_counter() - begun) * 1000


def measure_load(page: Page, path: Path) -> float:
    """How long the page takes to be opened, in milliseconds."""
    page.goto(path.as_uri())
    return float(page.evaluate(LOAD))


def measure_size(browser: Browser, path: Path, size: int) -> str:
    """A row of the table."""
    plan = long_plan(size)
    path.write_text(render_html(review(plan)), encoding="ascii")
    page = browser.new_page()
    load = median(lambda: measure_load(page, path))
    nodes = page.locator("*").count()
    filtered = median(lambda: float(page.evaluate(FILTER)))
    page.close()
    render = median(lambda: measure_render(plan))
    sizes = f"{size:>6}{path.stat().st_size / 1024:>8.0f}{nodes:>8}"
    return f"{sizes}{render:>10.0f}{load:>10.0f}{filtered:>10.1f}"


def main() -> None:
    """Prints a row for each number of steps."""
    print(f"{'steps':>6}{'KiB':>8}{'nodes':>8}{'render':>10}{'load':>10}{'filter':>10}")
    with TemporaryDirectory() as folder, open_browser() as browser:
        for size in SIZES:
            print(measure_size(browser, Path(folder, "plan.html"), size))


if __name__ == "__main__":
    main()
