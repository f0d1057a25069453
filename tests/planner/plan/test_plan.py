"""The plan as a value: its units, its three digests, its schema and its page of reference."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from lockgate.planner.database.ledger import Ledger
from lockgate.planner.document import document_digest, document_schema
from lockgate.planner.migrations.migration import Migration
from lockgate.planner.plan import filetext as filetext_module
from lockgate.planner.plan import plan as plan_module
from lockgate.planner.plan import proof as proof_module
from lockgate.planner.plan import record as record_module
from lockgate.planner.plan import statement as statement_module
from lockgate.planner.plan.plan import Plan, Step, intent_digest, seal
from lockgate.planner.plan.planfile import PLAN, parse_plan, render_plan
from lockgate.planner.plan.statement import statement_digest
from lockgate.planner.sql.dialect import MYSQL
from tests.planner.literals import IDENTITY, SERVER, SETTING, ledger, migration, up_plan

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
SCHEMA = REFERENCE / "plan.schema.json"
PAGE = REFERENCE / "plan-format.md"
ONE, TWO = migration("001"), migration("002")
STAGING = replace(
    SETTING,
    environment="staging",
    tool_version="0.2.0",
    server=replace(SERVER, database="shop_staging", version="17.2", evidence={}),
)


def canonical(value: Any) -> str:
    """SHA-256 of the JSON text that any language can write."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class TestUnits:
    @staticmethod
    def numbered(*transactions: int | None) -> Plan:
        plan = up_plan([migration(n) for n in range(1, len(transactions) + 1)])
        pairs = zip(plan.steps, transactions, strict=True)
        steps = tuple(step.model_copy(update={"transaction": own}) for step, own in pairs)
        return plan.model_copy(update={"steps": steps})

    @staticmethod
    def shape(plan: Plan, done: int = 0) -> list[tuple[int, int, int | None]]:
        return [(unit.first, len(unit.steps), unit.transaction) for unit in plan.units(done)]

    def test_are_the_steps_that_are_kept_or_undone_together(self) -> None:
        plan = self.numbered(1, 1, None, None, 2, 3, 3)
        assert self.shape(plan) == [
            *((1, 2, 1), (3, 1, None), (4, 1, None)),
            *((5, 1, 2), (6, 2, 3)),
        ]

    def test_after_some_are_done_begin_in_the_middle_of_a_transaction(self) -> None:
        plan = self.numbered(1, 1, 1, None)
        assert self.shape(plan, 2) == [(3, 1, 1), (4, 1, None)]
        assert self.shape(plan, 4) == []

    @given(st.lists(st.sampled_from([None, 1, 2]), max_size=8), st.integers(0, 8))
    def test_hold_every_step_that_is_left_once_and_in_order(
        self, transactions: list[int | None], done: int
    ) -> None:
        plan = self.numbered(*transactions)
        units = plan.units(done)
        assert tuple(step for unit in units for step in unit.steps) == plan.steps[done:]
        for unit in units:
            assert plan.steps[unit.first - 1] is unit.steps[0]
            assert {step.transaction for step in unit.steps} == {unit.transaction}


class TestDigests:
    def test_the_digest_is_of_all_the_rest_as_canonical_json(self) -> None:
        document = up_plan([ONE, TWO]).model_dump(mode="json")
        digest = document.pop("digest")
        assert digest == canonical(document) == document_digest(document)

    def test_the_digest_changes_with_every_field(self) -> None:
        document = up_plan([ONE]).model_dump(mode="json")
        others = [key for key in document if key != "digest"]
        digests = {document_digest({**document, key: "changed"}) for key in others}
        assert len(digests) == len(document) - 1
        assert document["digest"] not in digests

    def test_a_sealed_plan_is_sealed(self) -> None:
        plan = up_plan([ONE])
        assert seal(plan) == plan

    def test_the_intent_is_equal_for_two_environments(self) -> None:
        here = up_plan([ONE, TWO])
        there = up_plan([ONE, TWO], replace(ledger(serial=7), identity=IDENTITY), STAGING)
        assert here.intent_digest == there.intent_digest
        assert here.digest != there.digest

    def test_the_intent_is_equal_whatever_the_transactions(self) -> None:
        stepwise = up_plan([ONE, TWO], setting=replace(SETTING, transaction="step"))
        assert stepwise.intent_digest == up_plan([ONE, TWO]).intent_digest

    @pytest.mark.parametrize(
        "other",
        [
            [ONE],
            [ONE, TWO, migration("003")],
            [ONE, migration("002", "create table t002 (id bigint);")],
            [ONE, migration("002", "-- a comment\ncreate table t002 (id int);")],
            [ONE, migration("2")],
        ],
        ids=["fewer", "more", "another statement", "another checksum", "another version"],
    )
    def test_the_intent_differs_when_something_else_would_run(self, other: list[Migration]) -> None:
        assert up_plan(other).intent_digest != up_plan([ONE, TWO]).intent_digest

    def test_the_intent_differs_when_a_variable_changes_a_statement(self) -> None:
        template = replace(migration(1, "select '{{ tenant }}';"), template=True)
        plans = [
            up_plan([template], setting=replace(SETTING, variables={"tenant": tenant}))
            for tenant in ("1", "2")
        ]
        assert plans[0].steps[0].checksum == plans[1].steps[0].checksum
        assert plans[0].intent_digest != plans[1].intent_digest

    def test_the_intent_differs_between_up_and_down(self) -> None:
        (step,) = up_plan([ONE]).steps
        down = step.model_copy(update={"direction": "down"})
        assert intent_digest([step]) != intent_digest([down])

    def test_a_statement_is_digested_with_its_rows(self) -> None:
        assert statement_digest("copy t from stdin", "1\n") == canonical(
            {"sql": "copy t from stdin", "copy_data": "1\n"}
        )
        assert statement_digest("select 1", None) != statement_digest("select 1", "")

    def test_no_secret_place_or_host_is_in_a_plan(self) -> None:
        keys = set(re.findall(r'"(\w+)":', render_plan(up_plan([ONE], ledger([])))))
        assert not keys & {"url", "user", "password", "host", "port", "path", "directory"}


class TestModel:
    def test_is_frozen(self) -> None:
        with pytest.raises(ValidationError):
            up_plan([ONE]).environment = "production"  # type: ignore[misc]

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (("base", "serial"), "-1"),
            (("created_at",), "2026-11-22T09:30:00"),
            (("format",), "another"),
            (("digest",), "A" * 64),
            (("steps", 0, "version"), "1\n"),
            (("steps", 0, "version"), "9" * 5000),
            (("steps", 0, "direction"), "sideways"),
            (("steps", 0, "statements", 0, "guarantee"), "surely"),
        ],
    )
    def test_refuses_a_value_that_no_plan_has(
        self, path: tuple[str | int, ...], value: str
    ) -> None:
        document = up_plan([ONE]).model_dump(mode="json")
        inner: Any = document
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        with pytest.raises(ValidationError) as caught:
            Plan.model_validate(document)
        assert caught.value.errors()[0]["loc"] == path

    def test_a_serial_beyond_a_double_survives_json(self) -> None:
        plan = up_plan([ONE], Ledger(IDENTITY, 2**63 - 2))
        again = Plan.model_validate_json(plan.model_dump_json())
        assert again.base.serial == 2**63 - 2
        assert json.loads(plan.model_dump_json())["result"]["serial"] == str(2**63 - 1)


class TestSchema:
    @pytest.mark.parametrize(
        "plan",
        [
            up_plan([ONE, TWO]),
            up_plan([]),
            up_plan([migration(1, down="")], ledger(serial=3)),
            up_plan([migration(2, "copy t from stdin;\n1\n\\.", options="transaction:false")]),
            up_plan([ONE], setting=replace(SETTING, server=replace(SERVER, dialect=MYSQL))),
        ],
    )
    def test_plans_are_valid_by_it(self, plan: Plan) -> None:
        schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(json.loads(render_plan(plan)), schema)

    def test_a_document_without_steps_is_not(self) -> None:
        document = json.loads(render_plan(up_plan([ONE])))
        del document["steps"]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))


def models() -> list[type[BaseModel]]:
    """Every model that a plan document is made of."""
    modules = (plan_module, record_module, proof_module, statement_module, filetext_module)
    found = [one for module in modules for one in vars(module).values()]
    classes = (one for one in found if isinstance(one, type) and issubclass(one, BaseModel))
    bases = (BaseModel, statement_module.Model)
    return [one for one in dict.fromkeys(classes) if one not in bases]


class TestPage:
    TEXT = PAGE.read_text(encoding="utf-8")

    def test_has_a_row_for_every_field_of_every_model_and_no_other(self) -> None:
        sections = re.split(r"^## ", self.TEXT, flags=re.MULTILINE)
        documented = {
            heading: set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
            for section in sections
            if (heading := section.splitlines()[0]).endswith("object")
        }
        shown = {"PlannedStatement": "statement", "StatementReading": "reading"}
        expected = {
            f"The {shown.get(model.__name__, model.__name__.lower())} object": set(
                model.model_fields
            )
            for model in models()
        }
        assert documented == expected

    def test_its_worked_example_is_a_plan_with_the_digests_it_names(self) -> None:
        (text,) = re.findall(r"```json\n(\{\n.*?\n\})\n```", self.TEXT, re.DOTALL)
        plan = parse_plan(text.encode(), "the page")
        assert render_plan(plan) == text + "\n"
        jsonschema.validate(json.loads(text), document_schema(PLAN))
        hashed = re.findall(r"^SHA-256 of `(.*)` is `([0-9a-f]{64})`\.$", self.TEXT, re.MULTILINE)
        for written, digest in hashed:
            assert hashlib.sha256(written.encode()).hexdigest() == digest
        found = [digest for _, digest in hashed]
        step: Step = plan.steps[0]
        assert found == [
            step.statements[0].digest,
            plan.intent_digest,
            plan.base.digest,
            plan.result.digest,
        ]
