"""Runs of a fleet whose workers, drivers and servers are killed with -9 at random moments.

Afterwards each target is asked: none was applied twice, none was lost, those that were changed by
hand were found and left alone, and what was reported is what is true.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from lockgate.executors.fleet.procrastinate import JOB
from tests.commands.running import Result, succeed
from tests.fleets.world import CHANGED, COUNTED, Target, World

WORKERS = 3
ALLOWED = 5
"""Targets that may fail before a run pauses, in the phase that looks at that."""
GOES_ON = {4, 5, 7, 9, 11, 12, -9, 137}
"""How a driver may end while things are killed: it is started again."""
LONGEST = 3600.0
"""Seconds that a phase may take."""


@dataclass
class Tally:
    """What was done: kills by their victim, how drivers ended, and what was found."""

    kills: Counter[str] = field(default_factory=Counter)
    ends: Counter[int] = field(default_factory=Counter)
    applied: int = 0
    rolled_back: int = 0
    found: int = 0
    rivals: Counter[int] = field(default_factory=Counter)
    failed_at_pause: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        rows = {
            "kills": f"{sum(self.kills.values())}: {_listed(self.kills)}",
            "exit codes of drivers": _listed(self.ends),
            "exit codes of second drivers": _listed(self.rivals) or "none was started",
            "applied once": f"{self.applied:,}",
            "rolled back once": f"{self.rolled_back:,}",
            "applied twice, lost, or reported wrongly": "0",
            "changed by hand, found and left alone": f"{self.found}",
            "failed when the budget paused": f"{self.failed_at_pause}, {ALLOWED} may",
            "seconds": f"{self.seconds:.0f}",
        }
        return "\n".join(f"  {what:<42}{told}" for what, told in rows.items())


def _listed(found: Counter[Any]) -> str:
    """How often each."""
    return ", ".join(f"{number} x {what}" for what, number in sorted(found.items()))


class Campaign:
    """Kills while a fleet is changed, `kills` times in all."""

    def __init__(self, world: World, kills: int, gap: float) -> None:
        self.world = world
        self.tally = Tally()
        self._kills = kills
        self._gap = gap
        self._workers: list[Any] = []
        self._driver: Any = None
        self._ups = self._downs = 0

    def run(self, early: int, late: int) -> None:
        """The whole: a first migration in peace; `early` targets are changed by hand before the
        plan and `late` after it; then up and down until all kills are done."""
        began = time.monotonic()
        self._begin()
        world = self.world
        chosen = world.draw.sample(sorted(world.targets), early + late + 3)
        picked = [world.targets[name] for name in chosen]
        world.drift(picked[:early])
        odd = {one.name for one in picked[:early]}
        self._plan(drifted=odd)
        world.drift(picked[early : early + late])
        locked, poor, gone = picked[early + late :]
        world.drop(gone)
        world.add(locked.database, "schema" if locked.schema else None).late = 1
        late_ones = {one.name for one in picked[early : early + late]}
        with self._poor(poor), self._held([locked]) as let_go:

            def release() -> None:
                let_go()
                poor.role = None
                world.write_targets()

            self._drive(self._kills // 2, before_end=release)
        self._ups += 1
        self._check(refused=late_ones | {gone.name})
        self.tally.found = early + late
        odd |= late_ones
        while sum(self.tally.kills.values()) < self._kills:
            self._turn(odd)
        self._pause(odd)
        self._end()
        self.tally.seconds = time.monotonic() - began

    def _turn(self, odd: set[str]) -> None:
        """Back and forth once more, under fire."""
        self._plan("--down", "2")
        self._drive()
        self._downs += 1
        self._check()
        self._plan(drifted=odd)
        self._drive()
        self._ups += 1
        self._check()

    def _pause(self, odd: set[str]) -> None:
        """Back once more, while others keep many targets locked: the run pauses when more have
        failed than may, within what was under way; then the same command ends it."""
        self.world.configure(str(ALLOWED))
        self._plan("--down", "2")
        able = [one for one in self.world.targets.values() if one.late == 0]
        with self._held(able[: ALLOWED + 4 * JOB]):
            result = self._migrate("apply", "plan.json")
            assert result.code == 12, result
            states = Counter(self._cached().values())
            assert ALLOWED < states["failed"] <= ALLOWED + JOB, states
            self.tally.failed_at_pause = states["failed"]
        self.world.configure()
        self._drive()
        self._downs += 1
        self._check()

    def _begin(self) -> None:
        project = self.world.project
        path = project.folder / "environments" / "live.yaml"
        text = path.read_text()
        path.write_text(text.replace("crew: procrastinate", "crew: local"))
        succeed(self._migrate("plan", "-e", "live"))
        succeed(self._migrate("apply", "plan.json"))
        path.write_text(text)
        project.write("002_counted.sql", *COUNTED)
        project.write("003_changed.sql", *CHANGED)
        self._workers = [self._start_worker(number) for number in range(WORKERS)]

    def _end(self) -> None:
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            told = worker.communicate(timeout=120)[1]
            assert worker.returncode in (0, 143), told  # 143: it had just begun
            assert "Traceback" not in told, told

    def _plan(self, *options: str, drifted: set[str] | None = None) -> None:
        """Makes the plan; those that were changed by hand are named, and are in no group."""
        while True:
            shown = succeed(self._migrate("plan", "-e", "live", "--json", *options)).document
            if all(one["reason"] != "unreachable" for one in shown["odd"]):
                break  # else the machine is too slow for the proxy
        planned = {one["name"] for group in shown["groups"] for one in group["targets"]}
        assert planned.isdisjoint(drifted or ()), planned & (drifted or set())
        if drifted is not None:
            others = [one for one in shown["odd"] if one["name"] not in drifted]
            assert not others, others
            reasons = {one["name"]: one["reason"] for one in shown["odd"]}
            assert {name for name in drifted if reasons.get(name) == "drifted"} == drifted

    def _drive(self, kills: int = 0, before_end: Callable[[], None] = lambda: None) -> None:
        """Applies the plan under fire, until so many kills are done or all, and then in peace."""
        end = time.monotonic() + LONGEST
        self._start_driver()
        draw, is_over = self.world.draw, False
        while not is_over and sum(self.tally.kills.values()) < (kills or self._kills):
            time.sleep(draw.uniform(0, 2 * self._gap))
            self._kill_one()
            is_over = self._has_ended()
            assert time.monotonic() < end
        before_end()
        if not is_over:
            self._driver.communicate()
        self._start_driver()  # who was refused under fire may have become good
        while not self._has_ended(final=True):
            time.sleep(0.05)
            assert time.monotonic() < end

    def _has_ended(self, *, final: bool = False) -> bool:
        """Whether the run has ended for good; a driver that ended otherwise is started again. Under
        fire a run with refused targets may still have others."""
        if self._driver.poll() is None:
            return False
        told = self._driver.communicate()[1]
        code = self._driver.returncode
        self.tally.ends[code] += 1
        assert code in GOES_ON | {0}, (code, told)
        assert "Traceback" not in told, told
        if code == 0 or (final and code == 4 and self._is_finished()):
            return True
        self._start_driver()
        return False

    def _is_finished(self) -> bool:
        """Whether only refused targets are not applied."""
        shown = self._cached()
        return set(shown.values()) <= {"applied", "refused"}

    def _kill_one(self) -> None:
        name, kill = self.world.draw.choice(
            [("worker", self._kill_worker)] * 5
            + [("driver", self._kill_driver)] * 2
            + [("control server", self._kill_control), ("target server", self._kill_server)]
            + [("connections", self._cut)] * 2
        )
        kill()
        self.tally.kills[name] += 1

    def _kill_worker(self) -> None:
        number = self.world.draw.randrange(WORKERS)
        worker = self._workers[number]
        worker.kill()
        told = worker.communicate(timeout=60)[1]
        assert "Traceback" not in told, told
        self._workers[number] = self._start_worker(number)

    def _kill_driver(self) -> None:
        """A second one is started before, and ends: as locked, while the first one drives."""
        second = self._migrate("apply", "plan.json")
        assert second.code in GOES_ON | {0}, second
        self.tally.rivals[second.code] += 1
        self._driver.kill()
        rival = self._start("apply", "plan.json")  # while the dead one may still hold the lock
        self._driver.communicate(timeout=60)
        self._driver = rival

    def _kill_control(self) -> None:
        self.world.control.restart()

    def _kill_server(self) -> None:
        self.world.server.restart()

    def _cut(self) -> None:
        """All connections through the proxy, and all to the control database."""
        self.world.proxy.cut()
        with self.world.control.connect("postgres") as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name like 'lockgate%'"
            )

    @contextmanager
    def _poor(self, target: Target) -> Iterator[None]:
        """A target whose role has no rights there, until the block ends."""
        world = self.world
        on_mysql = world.engine != "postgresql"
        world.run("create user poor" if on_mysql else "create role poor login")
        target.role = "poor"
        world.write_targets()
        yield

    @contextmanager
    def _held(self, targets: Sequence[Target]) -> Iterator[Callable[[], None]]:
        """Somebody has locked the row of each target, until the block ends, `release` is called, or
        their server dies."""
        with ExitStack() as stack:
            sessions: dict[str, Any] = {}
            for one in targets:
                place = f"{one.database}.t" if one.schema is None else f"{one.schema}.t"
                home = one.database
                if self.world.engine == "postgresql" and one.schema is None:
                    place = "t"
                elif one.schema is None:
                    home = targets[0].database
                if home not in sessions:
                    sessions[home] = stack.enter_context(closing(self.world.server.connect(home)))
                    sessions[home].cursor().execute("begin")
                with sessions[home].cursor() as cursor:
                    cursor.execute(f"select * from {place} for update")
            yield stack.close

    def _check(self, refused: set[str] | None = None) -> None:
        """Holds the targets against what must be, and the report against the targets."""
        world = self.world
        is_up = self._ups > self._downs
        full = ["001", "002", "003"] if is_up else ["001"]
        begun = [
            one for one in world.targets.values()
            if one.late is None or self._ups > one.late or self._downs > one.late
        ]  # fmt: skip
        for one, truth in world.truths(begun):
            if one.late is None:
                assert truth == (["001"], 0, 0, 0), one.name
            else:
                wanted = (full, self._ups - one.late, max(0, self._downs - one.late), 0)
                assert truth == wanted, (one.name, truth, wanted, self._reported(one.name))
                self.tally.applied += is_up
                self.tally.rolled_back += not is_up
        reported = self._cached()
        found = {name for name, state in reported.items() if state == "refused"}
        assert found == (refused or set()), (found, refused, Counter(reported.values()))
        assert set(reported.values()) <= {"applied", "refused"}, Counter(reported.values())

    def _reported(self, name: str) -> Any:
        """What is noted of a target."""
        shown = self._migrate("status", "-e", "live", "--cached", "--json")
        return [one for one in succeed(shown).document["targets"] if one["name"] == name]

    def _cached(self) -> dict[str, str]:
        shown = self._migrate("status", "-e", "live", "--cached", "--json")
        return {one["name"]: one["state"] for one in succeed(shown).document["targets"]}

    def _start_driver(self) -> None:
        self._driver = self._start("apply", "plan.json")

    def _start_worker(self, number: int) -> Any:
        home = self.world.project.folder / f"machine{number}"
        home.mkdir(exist_ok=True)
        return self._start("worker", "-e", "live", "--stalled-after", "2s", HOME=str(home))

    def _start(self, *arguments: str, **environ: str) -> Any:
        return self.world.project.start(*arguments, environ=self.world.environ | environ)

    def _migrate(self, *arguments: str) -> Any:
        process = self._start(*arguments)
        out, err = process.communicate(timeout=LONGEST)
        return Result(process.returncode, out, err)
