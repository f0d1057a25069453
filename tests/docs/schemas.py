"""Writes the JSON Schemas of docs/reference/ from the code: python -m tests.docs.schemas.

For after a field was added to a document or an environment; events.schema.json is written by hand.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lockgate.planner.building.statefile import STATE
from lockgate.planner.document import document_schema
from lockgate.planner.environments.keys import environment_schema
from lockgate.planner.fleet.fleet_plan import fleet_schema
from lockgate.planner.fleet.receipt import FLEET_RECEIPT
from lockgate.planner.plan.planfile import PLAN
from lockgate.planner.plan.receipt import RECEIPT

REFERENCE = Path(__file__).parents[2] / "docs/reference"
SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "environment": environment_schema,
    "fleet": fleet_schema,
    "fleet-receipt": lambda: document_schema(FLEET_RECEIPT),
    "plan": lambda: document_schema(PLAN),
    "receipt": lambda: document_schema(RECEIPT),
    "state": lambda: document_schema(STATE),
}


def render(name: str) -> str:
    """What the file of a schema holds."""
    return json.dumps(SCHEMAS[name](), indent=2) + "\n"


def path_of(name: str) -> Path:
    """Where a schema is published."""
    return REFERENCE / f"{name}.schema.json"


if __name__ == "__main__":
    for each in SCHEMAS:
        path_of(each).write_text(render(each), encoding="utf-8")
