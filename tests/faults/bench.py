"""A server, a proxy and a database on which plans are applied, with faults and without.

It must not judge what it sees: it observes.
"""

import json
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from lockgate.planner.environments.environment import Environment
from tests.faults.case import Case, Collection
from tests.faults.command import Ending, Runner, has_caught, send_signal
from tests.faults.difference import show_difference
from tests.faults.fault import Fault, Variant
from tests.faults.leftovers import Leftovers
from tests.faults.trap import Counter, Then, Trap
from tests.proxy import Connection, Proxy
from tests.servers.process import wait_until

SETTINGS = {
    "lock": "{wait: 30s}",
    "timeouts": "{lock: 10s}",
    "policy": "{non_atomic: allow}",
}
"""What an environment of these plans says; a key that it does not know yet is left out."""


class State(Protocol):
    """One database: looked at, saved, and put back."""

    server: Any
    protocol: str
    database: str

    def create(self) -> None: ...
    def remove(self) -> None: ...
    def save(self) -> Any: ...
    def restore(self, image: Any) -> None: ...
    def look(self) -> str: ...
    def await_quiet(self) -> None: ...
    def leftovers(self) -> Leftovers: ...


class Unprepared(Exception):
    """A case that cannot be had: its plan is refused, or does not do without faults what it is
    to do."""


@dataclass(frozen=True)
class Prepared:
    """A plan, the database that it is for, and how it goes without faults.

    `messages` are those of a run without faults. Where the plan fails for a statement of its
    own, `after` is what that leaves: `before`, if the plan is atomic.
    """

    variant: Variant
    folder: Path
    image: Any
    verdict: str
    before: str
    after: str
    ending: Ending
    messages: tuple[str, ...]

    @property
    def fails(self) -> bool:
        return bool(self.ending.code)

    @property
    def is_atomic(self) -> bool:
        return self.verdict.startswith("ATOMIC")

    @property
    def is_one_transaction(self) -> bool:
        return self.verdict.startswith("ATOMIC (one transaction)")


@dataclass(frozen=True)
class Observed:
    """What was seen of one fault: the ending and the state at once, when the plan was applied
    again, and when it was applied a third time. `struck` is the message at which it was done."""

    sprung: bool
    struck: str
    ending: Ending
    state: str
    again: Ending
    state_again: str
    third: Ending | None
    leftovers: Leftovers


class Bench:
    """One engine's server with all that is needed to do faults to it, for a `with` block."""

    def __init__(self, state: State, collection: Collection, folder: Path) -> None:
        self.state = state
        self.collection = collection
        self._folder = folder
        self._runner = Runner(folder)
        self._prepared: dict[Variant, Prepared] = {}
        self._up: dict[Case, Any] = {}
        self._restart: threading.Thread | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._proxy = self._open_proxy(stack)
            self.state.create()
            stack.callback(self.state.remove)
            base = Case("base", (self.collection.base,))
            self._succeed(self._write(base), "up")
            self._base = self._save()
            self._prove(self._base)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def prepare(self, variant: Variant) -> Prepared:
        """A plan of a variant, applied once without faults.

        Raises:
            Unprepared: it cannot be made, or does not end as a plan must.
        """
        if variant not in self._prepared:
            case = self.collection.case(variant.case)
            if variant.fail is not None:
                case = self.collection.with_failure(case, variant.direction, variant.fail)
            prepared = self.prepare_case(variant, case)
            if prepared.fails and variant.fail is None:
                raise Unprepared(f"{variant} failed: {prepared.ending}")
            self._prepared[variant] = prepared
        return self._prepared[variant]

    def prepare_case(self, variant: Variant, case: Case) -> Prepared:
        """As `prepare`, of any case; it may fail."""
        folder = self._write(case)
        image = self._stand_before(variant.direction, case, folder)
        self.state.restore(image)
        downwards = ("--down", str(len(case.migrations))) if variant.direction == "down" else ()
        self._succeed(folder, "plan", *downwards)
        verdict = json.loads((folder / "plan.json").read_text())["verdict"]
        before = self.state.look()
        counter = Counter(self.state.protocol)
        with self._interposed(counter):
            ending = self._apply(folder, port=self._proxy.port)
        self.state.await_quiet()
        after = self.state.look()
        messages = tuple(counter.labels)
        return Prepared(variant, folder, image, verdict, before, after, ending, messages)

    def inject(self, prepared: Prepared, fault: Fault) -> Observed:
        """Does a fault to a plan's application, then applies the plan again without, twice."""
        self.state.restore(prepared.image)
        trap = Trap(
            self.state.protocol,
            fault.number,
            fault.side,
            lambda connection: self._strike(fault.kind, connection),
        )
        with self._interposed(trap):
            ending = self._apply(prepared.folder, port=self._proxy.port)
        self._await_restart()
        self.state.await_quiet()
        state = self.state.look()
        again = self._apply(prepared.folder)
        state_again = self.state.look()
        third = None if prepared.fails else self._apply(prepared.folder)
        struck = trap.labels[fault.number - 1] if trap.sprung else ""
        left = self.state.leftovers()
        return Observed(trap.sprung, struck, ending, state, again, state_again, third, left)

    def apply(self, prepared: Prepared) -> Ending:
        """Applies a plan without faults, to the database as it is."""
        return self._apply(prepared.folder)

    def _stand_before(self, direction: str, case: Case, folder: Path) -> Any:
        """An image of the database for which the plan is to be made."""
        if direction == "up":
            return self._base
        if case not in self._up:
            self.state.restore(self._base)
            self._succeed(folder, "up")
            self._up[case] = self._save()
        return self._up[case]

    def _save(self) -> Any:
        """An image of the database as it is."""
        self.state.await_quiet()
        return self.state.save()

    def _prove(self, image: Any) -> None:
        """Raises Unprepared when an image of the present state is not true."""
        saved = self.state.look()
        self.state.restore(image)
        found = self.state.look()
        if found != saved:
            raise Unprepared(f"an image is not true:\n{show_difference(saved, found)}")

    def _strike(self, kind: str, connection: Connection) -> Then:
        """The fault itself, in the proxy's thread: all connections stand still."""
        pid = self._runner.pid
        if kind == "kill":
            send_signal(pid, signal.SIGKILL)
            return "drop"
        if kind == "term":
            send_signal(pid, signal.SIGTERM)
            wait_until(has_caught(pid), "SIGTERM is caught")
        elif kind == "cut-one":
            self._proxy.sever(connection)
        else:
            if kind == "server":
                self._kill_server()
            self._proxy.cut()
        return "pass"

    def _kill_server(self) -> None:
        self.state.server.kill_9()
        self._restart = threading.Thread(target=self.state.server.restart)
        self._restart.start()

    def _await_restart(self) -> None:
        if self._restart:
            self._restart.join()
            self._restart = None

    @contextmanager
    def _interposed(self, counter: Counter) -> Iterator[None]:
        self._proxy.interpose(counter)
        try:
            yield
        finally:
            self._proxy.interpose(None)

    def _apply(self, folder: Path, port: int | None = None) -> Ending:
        return self._run(folder, "apply", "plan.json", port=port)

    def _succeed(self, folder: Path, *arguments: str) -> None:
        ending = self._run(folder, *arguments)
        if ending.code:
            raise Unprepared(f"migrate {' '.join(arguments)} ended with {ending}")

    def _run(self, folder: Path, *arguments: str, port: int | None = None) -> Ending:
        url = self.state.server.url(self.state.database, port=port)
        return self._runner.run(folder, arguments, {"TEST_URL": url})

    def _open_proxy(self, stack: ExitStack) -> Proxy:
        server = self.state.server
        return stack.enter_context(Proxy(server.host, server.port, self.state.protocol))

    def _write(self, case: Case) -> Path:
        """A project's folder with a case's migrations behind the base."""
        folder = self._folder / f"project_{len(list(self._folder.iterdir()))}"
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("environments", "migrations"):
            (folder / name).mkdir(parents=True)
        settings = {key: SETTINGS[key] for key in SETTINGS.keys() & Environment.model_fields}
        lines = [f"engine: {self.state.server.engine}", "database: {url_env: TEST_URL}"]
        lines += [f"{key}: {value}" for key, value in sorted(settings.items())]
        (folder / "environments" / "test.yaml").write_text("\n".join(lines) + "\n")
        for each in {self.collection.base, *case.migrations}:
            (folder / "migrations" / f"{each.name}.sql").write_text(each.text)
        return folder
