"""The receipt as a value: its digest, its schema, its page, and what a reader refuses."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from lockgate.planner.building.compare import compare
from lockgate.planner.building.records import build_baseline_plan
from lockgate.planner.database.ledger import Ledger
from lockgate.planner.document import document_digest, document_schema, render_document
from lockgate.planner.errors import AlteredPlan, MalformedPlan, UnsupportedPlan, UsageError
from lockgate.planner.plan import receipt as receipt_module
from lockgate.planner.plan.receipt import (
    Applied,
    FinishedRun,
    Job,
    Receipt,
    make_receipt,
    parse_receipt,
    read_receipt,
    write_receipt,
)
from tests.planner.literals import NOW, SETTING, UUID, migration, up_plan

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
PLAN = up_plan([migration(1), migration(2)])
RUN = FinishedRun(
    "7d0c", PLAN.digest, "ann@build", ("ann", "bob"), "0.1.0", NOW, NOW + timedelta(seconds=2), ""
)
RECEIPT = make_receipt(PLAN, RUN, uuid=UUID, fingerprint="f" * 64)


def test_it_says_what_ran_where_and_when() -> None:
    assert (RECEIPT.project, RECEIPT.environment) == ("shop", "dev")
    assert (RECEIPT.plan_digest, RECEIPT.intent_digest) == (PLAN.digest, PLAN.intent_digest)
    assert RECEIPT.target == PLAN.target.model_copy(update={"uuid": UUID})
    assert (RECEIPT.started_at, RECEIPT.finished_at) == (NOW, NOW + timedelta(seconds=2))
    assert RECEIPT.result == PLAN.result
    assert [(step.version, step.checksum, step.statements) for step in RECEIPT.steps] == [
        (step.version, step.checksum, 1) for step in PLAN.steps
    ]
    assert (RECEIPT.actor, RECEIPT.approvers) == ("ann@build", ("ann", "bob"))


def test_a_baseline_shows_that_nothing_ran() -> None:
    comparison = compare([migration(1)], Ledger())
    plan = build_baseline_plan(comparison, Ledger(), SETTING, "1")
    assert [step.statements for step in make_receipt(plan, RUN, uuid=UUID).steps] == [0]


def test_the_digest_is_of_all_the_rest() -> None:
    assert RECEIPT.digest == document_digest(RECEIPT.model_dump(mode="json"))
    later = replace(RUN, finished_at=NOW + timedelta(seconds=3))
    assert make_receipt(PLAN, later, uuid=UUID).digest != RECEIPT.digest


def test_one_of_format_1_0_is_read() -> None:
    older = RECEIPT.model_dump(mode="json") | {"format_version": "1.0"}
    del older["job"]
    older["digest"] = document_digest(older)
    receipt = parse_receipt(json.dumps(older).encode(), "receipt.json")
    assert (receipt.job, receipt.digest) == (None, older["digest"])


def test_it_survives_its_way_through_a_file(tmp_path: Path) -> None:
    path = tmp_path / "receipt.json"
    write_receipt(RECEIPT, path)
    assert read_receipt(path) == RECEIPT
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("ann@build", "bob@build", AlteredPlan),
        ('"environment": "dev"', '"environment": "staging"', AlteredPlan),
        ("lockgate-receipt", "lockgate-plan", MalformedPlan),
        ('"format_version": "1.1"', '"format_version": "2.0"', UnsupportedPlan),
        ('"run": "7d0c"', '"run": "7d0c", "run": "7d0d"', MalformedPlan),
    ],
)
def test_an_altered_one_is_refused(old: str, new: str, error: type[Exception]) -> None:
    text = render_document(RECEIPT)
    assert old in text
    with pytest.raises(error) as caught:
        parse_receipt(text.replace(old, new).encode(), "receipt.json")
    assert "--receipt FILE" in str(caught.value) or error is UnsupportedPlan


def test_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"The receipt .*no\.json cannot be read"):
        read_receipt(tmp_path / "no.json")


def test_a_receipt_fits_its_schema() -> None:
    schema = document_schema(receipt_module.RECEIPT)
    jsonschema.validate(json.loads(render_document(RECEIPT)), schema)


def test_the_page_has_a_row_for_every_field_and_no_other() -> None:
    text = (REFERENCE / "receipt-format.md").read_text("utf-8")
    sections = {part.splitlines()[0]: part for part in re.split(r"^## ", text, flags=re.MULTILINE)}
    for model in (Receipt, Job, Applied):
        section = sections[f"The {model.__name__.lower()} object"]
        assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(model.model_fields)
    assert receipt_module.FORMAT in text
