"""Runs as spans and metrics, by the SDK's own exporters that keep them in memory."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from lockgate.planner.errors import LockgateError, StatementFailed
from lockgate.runs.telemetry import Telemetry
from tests.commands.client import ROOT
from tests.commands.running import Project, succeed
from tests.executors.building import Recorder, apply_up, environment_for, open_test_engine

SECRET = "s3cret-literal"
GOOD = {
    "001_users": "create table users (id int primary key, name varchar(40));\n"
    f"insert into users values (1, '{SECRET}'), (2, 'b');\n",
    "002_age": "alter table users add age int;\n",
}
BAD = {**GOOD, "003_again": f"insert into users (id, name) values (1, '{SECRET}');\n"}


@dataclass
class Told:
    """What a run has told."""

    spans: InMemorySpanExporter
    reader: InMemoryMetricReader
    telemetry: Telemetry
    engine: Any

    def apply(self, migrations: dict[str, str]) -> None:
        """Applies migrations as a command does."""
        with self.telemetry.hearing(Recorder()) as emit:
            apply_up(self.engine, migrations, emit=emit)

    @property
    def named(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.spans.get_finished_spans()}

    @property
    def metrics(self) -> dict[str, list[Any]]:
        data: Any = self.reader.get_metrics_data()
        scopes = [scope for each in data.resource_metrics for scope in each.scope_metrics]
        return {one.name: list(one.data.data_points) for scope in scopes for one in scope.metrics}


@pytest.fixture
def told(any_server: Any, any_database: str) -> Iterator[Told]:
    """An engine whose runs are told, within a trace of a job."""
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(shutdown_on_exit=False), MeterProvider([reader])
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    telemetry = Telemetry(tracers, meters, environment_for(any_server, any_database), parent)
    limits: Any = {"timeouts": {"lock": "1s"}, "retries": {"lock": 1}}
    with open_test_engine(any_server, any_database, **limits) as engine:
        yield Told(spans, reader, telemetry, engine)
    meters.shutdown()


def test_a_run_is_a_span_above_its_steps_and_their_statements(told: Told) -> None:
    told.apply(GOOD)
    spans = told.named
    run, step = spans["migrate up"], spans["001 users"]
    assert f"{run.context.trace_id:x}" == "a" * 32
    assert step.parent == spans["002 age"].parent == run.context
    assert spans["create table users"].parent == step.context
    assert spans["insert users"].attributes["lockgate.rows"] == 2
    assert spans["alter table users"].parent == spans["002 age"].context
    assert run.attributes["lockgate.outcome"] == "applied"
    for span in spans.values():
        assert run.start_time <= span.start_time <= span.end_time <= run.end_time


def test_a_run_is_measured(told: Told) -> None:
    told.apply(GOOD)
    metrics = told.metrics
    assert metrics["lockgate.rows"][0].value == 2
    assert metrics["lockgate.run.duration"][0].count == 1
    points = metrics["lockgate.statement.duration"]
    kinds = {point.attributes["db.operation.name"] for point in points}
    assert kinds == {"create table", "insert", "alter table"}


def test_a_run_that_fails_has_a_code_and_no_value_of_a_row(told: Told) -> None:
    with pytest.raises(StatementFailed):
        told.apply(BAD)
    run = told.named["migrate up"]
    assert not run.status.is_ok
    assert run.attributes["lockgate.outcome"] == "failed"
    assert run.attributes["lockgate.version"] == "003"
    assert run.attributes["db.response.status_code"] in ("23505", "1062")
    written = "".join(span.to_json() for span in told.spans.get_finished_spans())
    assert SECRET not in written + str(told.reader.get_metrics_data())


def test_a_wait_for_a_lock_is_told(told: Told, any_server: Any) -> None:
    told.apply({"001_users": GOOD["001_users"]})
    told.spans.clear()
    with any_server.connect(told.engine.server.database) as other, other.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("select * from users")
        with pytest.raises(LockgateError):
            told.apply(GOOD)
        cursor.execute("rollback")
    run = told.named["migrate up"]
    assert not run.status.is_ok
    events = [event.name for event in run.events]
    assert "retried" in events
    if any_server.engine == "postgresql":
        assert "blocked" in events
        assert told.metrics["lockgate.wait.duration"][0].attributes["lockgate.for"] == "lock"


def test_the_environment_turns_it_on(any_project: Project) -> None:
    any_project.write_tables(1)
    console = {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none"}
    result = succeed(any_project.migrate("up", environ=console))
    spans = [each for each in documents(result.out) if "context" in each]
    assert {span["name"] for span in spans} == {"migrate up", "001 t1", "create table t1"}
    assert spans[0]["resource"]["attributes"]["service.name"] == "lockgate"


def documents(text: str) -> list[dict[str, Any]]:
    """The JSON documents within a text."""
    found, decoder, place = [], json.JSONDecoder(), text.find("{")
    while place >= 0:
        document, end = decoder.raw_decode(text, place)
        found.append(document)
        place = text.find("{", end)
    return found


def test_a_collector_that_is_away_changes_nothing(project: Project) -> None:
    project.write_tables(1)
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    assert "Applied 001 t1." in succeed(project.migrate("up", environ=away)).out


def test_an_exporter_that_is_not_there_is_a_warning(project: Project) -> None:
    project.write_tables(1)
    result = succeed(project.migrate("up", environ={"OTEL_TRACES_EXPORTER": "nothing"}))
    assert "Warning: no telemetry: " in result.err


OFF = {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "console"}


@pytest.mark.parametrize("asked", [{}, {"OTEL_SERVICE_NAME": "shop"}, OFF])
def test_nothing_is_imported_unless_it_is_asked_for(
    project: Project, asked: dict[str, str]
) -> None:
    project.write_tables(1)
    program = (
        "import sys; from lockgate.main import main; main(['up']);"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    environ = {**project.environ(), **asked, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], cwd=project.folder, env=environ,
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"
