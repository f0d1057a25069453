"""A run as spans and metrics of OpenTelemetry, where `lockgate[otel]` is installed.

Neither SQL nor a server's message is in them, since both may hold rows: kinds of statements,
tables, versions and codes alone. It must not change how the run ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any

from lockgate import __version__
from lockgate.executors.events import (
    BatchCommitted,
    Blocked,
    LockAwaited,
    OthersWaited,
    Retried,
    RunStarted,
    StatementFinished,
    StepFinished,
    Undoing,
)
from lockgate.exits import Exit, exit_code
from lockgate.planner.errors import Interrupted, LockgateError
from lockgate.planner.versions import titled
from lockgate.signals import deferred_signals
from lockgate.views.terminal import tell

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter, MeterProvider
    from opentelemetry.trace import Span, Tracer, TracerProvider

    from lockgate.executors.events import Emit, Event
    from lockgate.planner.environments.environment import Environment
    from lockgate.planner.plan.plan import Plan, Step
    from lockgate.planner.plan.statement import PlannedStatement

# https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
ASKED_BY = ("OTEL_EXPORTER_OTLP_", "OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER")
DEFAULT = "otlp"
SAME = {"otlp": "otlp_proto_http"}
PATIENCE = 5.0
"""Seconds that are waited at the end for what is not sent yet."""
SECOND = 1_000_000_000


def is_asked(variables: Mapping[str, str]) -> bool:
    """Whether the process environment asks for telemetry.

    >>> is_asked({"OTEL_TRACES_EXPORTER": "console"}), is_asked({"OTEL_SERVICE_NAME": "shop"})
    (True, False)
    """
    disabled = variables.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not disabled and any(name.startswith(ASKED_BY) for name in variables)


@contextmanager
def traced(environment: Environment, emit: Emit, variables: Mapping[str, str]) -> Iterator[Emit]:
    """Where the events of the block go, so that they become spans and metrics too."""
    providers = _open(variables) if is_asked(variables) else None
    if providers is None:
        yield emit
        return
    tracers, meters, close = providers
    telemetry = Telemetry(tracers, meters, environment, variables.get("TRACEPARENT", ""))
    try:
        with telemetry.hearing(emit) as heard:
            yield heard
    finally:
        close()


class Telemetry:
    """One run: a span for it, below that one for each step, and below that one for each statement.

    Events tell when a statement or a step has ended, and how long it took: its span begins then.
    """

    def __init__(
        self,
        tracers: TracerProvider,
        meters: MeterProvider,
        environment: Environment,
        parent: str = "",
    ) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._tracer: Tracer = tracers.get_tracer("lockgate", __version__)
        self._metrics = _Metrics(meters.get_meter("lockgate", __version__))
        self._about = {
            "lockgate.project": environment.project,
            "lockgate.environment": environment.name,
        }
        self._above = TraceContextTextMapPropagator().extract({"traceparent": parent})
        self._run: Span | None = None
        self._begun = time.time_ns()
        self._awaited = 0.0
        self._steps: dict[int, Span] = {}

    @contextmanager
    def hearing(self, emit: Emit) -> Iterator[Emit]:
        """Where the run's events go for the block."""

        def heard(event: Event) -> None:
            self._hear(event)
            emit(event)

        try:
            yield heard
        except BaseException as error:
            self._end(error)
            raise
        self._end(None)

    def _hear(self, event: Event) -> None:
        match event:
            case LockAwaited():
                self._awaited = event.seconds
            case RunStarted():
                self._begin(event.plan)
            case _ if self._run is None:  # an earlier run is brought to its end
                return
            case StatementFinished():
                self._statement(event)
            case StepFinished():
                span = self._step(event.number, event.step, event.seconds)
                span.end()
                del self._steps[event.number]
            case Blocked():
                self._metrics.waited.record(event.seconds, {**self._about, "lockgate.for": "lock"})
                self._note("blocked", sessions=len(event.blockers), seconds=event.seconds)
            case OthersWaited():
                self._metrics.others.add(event.seconds, self._about)
                self._note("others waited", version=event.step.version, seconds=event.seconds,
                           sessions=event.sessions)  # fmt: skip
            case BatchCommitted():
                self._metrics.rows.add(event.rows, self._about)
                self._note("batch committed", version=event.step.version, batch=event.batch,
                           rows=event.rows, seconds=event.seconds)  # fmt: skip
            case Retried():
                self._fail("retried")
                self._note("retried", attempt=event.attempt, delay=event.delay)
            case Undoing():
                self._note("undoing", statements=event.statements)

    def _begin(self, plan: Plan) -> None:
        direction = plan.steps[0].direction if plan.steps else "up"
        self._run = self._tracer.start_span(
            f"migrate {direction}",
            self._above,
            start_time=self._begun,
            attributes={
                **self._about,
                "db.system.name": plan.target.engine,
                "lockgate.plan": plan.digest,
                "lockgate.direction": direction,
                "lockgate.steps": len(plan.steps),
            },
        )
        if self._awaited:
            self._metrics.waited.record(self._awaited, {**self._about, "lockgate.for": "migration"})
            self._note("migration lock awaited", seconds=self._awaited)

    def _step(self, number: int, step: Step, seconds: float) -> Span:
        """The span of a step, which may have begun by now, or as many seconds ago."""
        from opentelemetry.trace import set_span_in_context

        if number not in self._steps:
            assert self._run is not None
            self._steps[number] = self._tracer.start_span(
                titled(step.version, step.name),
                set_span_in_context(self._run),
                start_time=time.time_ns() - round(seconds * SECOND),
                attributes={
                    "lockgate.version": step.version,
                    "lockgate.direction": step.direction,
                    "lockgate.file": step.file,
                },
            )
        return self._steps[number]

    def _statement(self, event: StatementFinished) -> None:
        from opentelemetry.trace import set_span_in_context

        kind, tables = describe(event.statement)
        above = self._step(event.number, event.step, event.seconds)
        self._tracer.start_span(
            " ".join((kind, *tables[:1])),
            set_span_in_context(above),
            start_time=time.time_ns() - round(event.seconds * SECOND),
            attributes={
                "db.operation.name": kind,
                "lockgate.tables": tables,
                "lockgate.line": event.statement.line,
                "lockgate.rows": event.rows,
            },
        ).end()
        about = {**self._about, "db.operation.name": kind}
        self._metrics.statements.record(event.seconds, about)
        self._metrics.rows.add(max(event.rows, 0), self._about)

    def _note(self, name: str, **attributes: str | float) -> None:
        if self._run is not None:
            named = {f"lockgate.{key}": value for key, value in attributes.items()}
            self._run.add_event(name, named)

    def _fail(self, why: str) -> None:
        """Ends the steps that are under way."""
        from opentelemetry.trace import StatusCode

        for span in self._steps.values():
            span.set_status(StatusCode.ERROR, why)
            span.end()
        self._steps.clear()

    def _end(self, error: BaseException | None) -> None:
        from opentelemetry.trace import StatusCode

        if self._run is None:
            return
        code = exit_code(error) if isinstance(error, LockgateError) else int(error is not None)
        outcome = Exit(code).name.lower().replace("_", "-") if code else "applied"
        self._run.set_attributes({"lockgate.outcome": outcome, "lockgate.exit_code": int(code)})
        if failure := getattr(error, "failure", None):
            place = {"lockgate.file": failure.step.file, "lockgate.version": failure.step.version}
            self._run.set_attributes({**place, "db.response.status_code": failure.error.code})
        if error is not None:
            self._fail(outcome)
            self._run.set_status(StatusCode.ERROR, outcome)
        self._run.end()
        seconds = (time.time_ns() - self._begun) / SECOND
        self._metrics.runs.record(seconds, {**self._about, "lockgate.outcome": outcome})


class _Metrics:
    """The instruments; durations are in seconds."""

    def __init__(self, meter: Meter) -> None:
        self.runs = meter.create_histogram("lockgate.run.duration", "s", "Runs of plans")
        self.statements = meter.create_histogram("lockgate.statement.duration", "s", "Statements")
        self.waited = meter.create_histogram("lockgate.wait.duration", "s", "Waits for locks")
        self.others = meter.create_counter("lockgate.others.waited", "s", "Waits of other sessions")
        self.rows = meter.create_counter("lockgate.rows", "{row}", "Rows that statements touched")


def describe(statement: PlannedStatement) -> tuple[str, list[str]]:
    """Of what kind a statement is, and its tables."""
    reading = statement.reading
    tables = [touch.table for touch in statement.touches]
    if reading is None:
        return "statement", tables
    tables += [one.name for one in reading.objects if one.kind == "table" and one.name]
    return reading.kind, list(dict.fromkeys(tables))


def _open(
    variables: Mapping[str, str],
) -> tuple[TracerProvider, MeterProvider, Callable[[], None]] | None:
    """What to tell it by, and what sends the rest; None where the extra is not installed. A program
    that has set up OpenTelemetry itself gets the spans its own way."""
    try:
        from opentelemetry import metrics, trace
        from opentelemetry.sdk.trace import TracerProvider
    except ImportError:
        return None
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return trace.get_tracer_provider(), metrics.get_meter_provider(), lambda: None
    try:
        with deferred_signals():  # its threads leave signals to the main one
            tracers, meters = TracerProvider(**_shared(variables)), _meters(variables)
            if exporter := _exporter("traces", variables):
                from opentelemetry.sdk.trace.export import BatchSpanProcessor

                tracers.add_span_processor(BatchSpanProcessor(exporter))
    except Interrupted:
        raise
    except Exception as error:
        tell(f"Warning: no telemetry: {type(error).__name__}: {error}", "yellow")
        return None

    def send_rest() -> None:
        tracers.shutdown()
        meters.shutdown()

    def close() -> None:
        ending = Thread(target=send_rest, daemon=True)
        with deferred_signals():
            ending.start()
        ending.join(PATIENCE)

    return tracers, meters, close


def _meters(variables: Mapping[str, str]) -> Any:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    exporter = _exporter("metrics", variables)
    readers = [PeriodicExportingMetricReader(exporter)] if exporter else []
    return MeterProvider(readers, **_shared(variables))


def _shared(variables: Mapping[str, str]) -> dict[str, Any]:
    from opentelemetry.sdk.resources import Resource

    name = variables.get("OTEL_SERVICE_NAME", "lockgate")
    resource = Resource.create({"service.name": name, "service.version": __version__})
    return {"resource": resource, "shutdown_on_exit": False}


def _exporter(signal: str, variables: Mapping[str, str]) -> Any:
    """The exporter that a variable names, as plug-ins of the SDK are found; None for `none`."""
    from importlib.metadata import entry_points

    name = variables.get(f"OTEL_{signal.upper()}_EXPORTER", DEFAULT)
    if name == "none":
        return None
    (found,) = entry_points(group=f"opentelemetry_{signal}_exporter", name=SAME.get(name, name))
    return found.load()()
