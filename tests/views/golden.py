"""What the views print for `plans` and `matrices`: python -m tests.views.golden writes it anew.

For after a view has changed: read the difference before you keep it.
"""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

from lockgate.planner.plan.difference import compare_plans
from lockgate.views.database import matrix
from lockgate.views.plan import difference as plan_diff
from lockgate.views.plan import text
from lockgate.views.plan.markdown import render_markdown
from lockgate.views.plan.review import review
from tests.views.matrices import small_matrix
from tests.views.plans import (
    altered_plan,
    compensated_plan,
    empty_plan,
    hostile_plan,
    long_plan,
    rehearsed_plan,
    release_plan,
    small_plan,
)

FOLDER = Path(__file__).parent / "golden"
PLANS = {
    "release": release_plan,
    "small": small_plan,
    "empty": empty_plan,
    "compensated": compensated_plan,
    "hostile": hostile_plan,
    "rehearsed": rehearsed_plan,
    "long": long_plan,
}


def printed(show: Callable[[], None]) -> str:
    """What a view prints on stdout."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        show()
    return out.getvalue()


def rendered() -> dict[str, str]:
    """Each golden file's name and what it should hold."""
    found = {}
    for name, make in PLANS.items():
        plan = make()
        found[f"{name}.md"] = render_markdown(review(plan))
        found[f"{name}.txt"] = printed(lambda plan=plan: text.show_plan(plan))  # type: ignore[misc]
    difference = compare_plans(release_plan(), altered_plan())
    found["difference.txt"] = printed(lambda: plan_diff.show_text(difference))
    found["difference.json"] = printed(lambda: plan_diff.show_json(difference))
    shown = small_matrix()
    found["status.txt"] = printed(lambda: matrix.show_text(shown))
    found["status.json"] = printed(lambda: matrix.show_json(shown))
    found["status.html"] = matrix.render_status(shown).partition("</head>\n")[2]
    return found


if __name__ == "__main__":
    for name, content in rendered().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
