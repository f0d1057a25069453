"""The pages of a fleet's plan and of where it stands, in a real browser."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from lockgate.executors.fleet.coordinator import NotedRun
from lockgate.executors.fleet.crew import TargetResult, TargetState
from lockgate.executors.fleet.stand import FleetStand, TargetStand
from lockgate.planner.fleet.fleet_plan import Odd
from lockgate.trust.approvals import ApprovalState
from lockgate.views.fleet.plan_page import render_fleet_plan
from lockgate.views.fleet.status_page import render_fleet_status
from tests.browser import axe_source
from tests.planner.fleet.test_fleet_plan import fleet_plan
from tests.planner.literals import NOW


def large_stand() -> FleetStand:
    """A thousand targets on two servers: one has failed, one is not reached, a server is busy."""
    names = [f"tenant_{number:04}" for number in range(1_000)]
    targets = [TargetStand(name, f"db{n % 2}:5432", "up to date", "002")
               for n, name in enumerate(names)]  # fmt: skip
    targets[7] = TargetStand(names[7], "db1:5432", "unreachable", detail="<b>no connection</b>")
    results = {name: TargetResult(name, TargetState.APPLIED) for name in names[:600]}
    results |= {name: TargetResult(name, TargetState.WAITING) for name in names[600:]}
    results[names[3]] = TargetResult(names[3], TargetState.FAILED, "relation exists")
    run = NotedRun(
        "0" * 64, "running", "ann@build", (), 2, NOW - timedelta(hours=1), None, None, ""
    )
    return FleetStand("live", tuple(targets), run, results, 754.0, {"db0:5432": "throttle.running"})


def plan_page() -> str:
    odd = Odd(name="<i>z</i>", reason="drifted", detail="its definitions are others")
    names = [f"tenant_{number}" for number in range(40)]
    plan = fleet_plan(*names).model_copy(update={"odd": (odd,)})
    return render_fleet_plan(plan, ApprovalState())


PAGES = {"status": lambda: render_fleet_status(large_stand()), "plan": plan_page}


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 420)])
@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_accessible_quiet_and_fits_its_screen(
    browser: Browser, tmp_path: Path, name: str, scheme: Any, width: int
) -> None:
    path = tmp_path / "page.html"
    path.write_text(PAGES[name](), encoding="ascii")
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=True
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(path.as_uri())
    page.evaluate(axe_source())
    report = page.evaluate("axe.run()")
    assert [(each["id"], each["nodes"][0]["html"]) for each in report["violations"]] == []
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_the_status_says_how_far_the_run_is_and_what_holds_each_host() -> None:
    page = render_fleet_status(large_stand())
    assert 'max="1000" value="599"' in page
    assert "about 754s left" in page
    assert "throttle.running" in page
    assert "relation exists" in page
    assert "&lt;b&gt;no connection" in page


def test_the_plan_names_waves_groups_and_who_is_left_out() -> None:
    page = plan_page()
    assert "40 targets in 1 group, 1 not included" in page
    assert "&lt;i&gt;z" in page
    assert 'id="group-1"' in page
