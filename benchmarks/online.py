"""What writers of a large table notice of a change: as it is first written, and its safe form.

`python -m benchmarks.online [--engine NAME] [--rows N] [--only TEXT] [--resume] [--page]` prints a
table, and with `--page` writes it into docs/concepts/online.md. Four clients in processes of their
own write 200 times a second; a write without an answer a second after it was due has failed. Both
forms must leave the same schema. What has been measured is kept in build/online.json, form by form:
with `--resume` only the rest is measured. A form that fails is a row that says so; after Ctrl-C the
table ends with what was measured. `--short` takes 2 s of the idle server in place of 5.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import click

from benchmarks.online_bench import IDLE, LEAST, RATE, Bench, Refused, Seen
from benchmarks.online_cases import MYSQL, POSTGRESQL, Change
from tests.servers.mysql import MySQLServer
from tests.servers.postgres import PostgresServer
from tests.servers.toolkit import install

PAGE = Path(__file__).parents[1] / "docs/concepts/online.md"
KEPT = Path(__file__).parents[1] / "build/online.json"
SHORT = {"idle": 2.0, "least": 1.0}
USUAL = {"idle": IDLE, "least": LEAST}
"""Seconds that are measured with `--short`, and without."""
BAR = 5
"""With the safe form the slowest writes may take so many times what they take of an idle server."""
HEAD = (
    "| change | form | took | idle p99 | p99 | longest | writes that failed | schema |\n"
    + "|---" * 8
    + "|"
)


class Results:
    """What was seen, in a file that is whole after each form."""

    def __init__(self, path: Path, *, resume: bool) -> None:
        self._path, self._seen = path, dict[str, dict[str, Any]]()
        if resume:
            with suppress(FileNotFoundError):
                self._seen = json.loads(path.read_text("utf-8"))

    def see(self, bench: Bench, change: Change | None, form: str) -> Seen:
        """What is noticed of one form of a change, or of a plain load where there is none; as it
        was seen before where it was.

        Raises:
            Refused: it did not run.
        """
        name = change.name if change else ""
        key = f"{bench.server.engine}/{bench.rows}/{name}/{form}"
        if key not in self._seen:
            begun = time.monotonic()
            seen = bench.see(change, form) if change else bench.see_load()
            told = f"{bench.server.engine}, {name or 'a query'} {form}: p99 {seen.p99:.0f} ms"
            took = time.monotonic() - begun
            _tell(f"{told}, {seen.p99 / seen.idle:.1f} x idle; {took:.0f} s")
            self._seen[key] = asdict(seen)
            self._path.parent.mkdir(exist_ok=True)
            whole = self._path.with_suffix(".new")
            whole.write_text(json.dumps(self._seen, indent=1), "utf-8")
            whole.replace(self._path)
        return Seen(**self._seen[key])


def compare(bench: Bench, changes: Sequence[Change], results: Results) -> Iterator[str]:
    """A row for a load without a change, then for each form of each change, and at the end how many
    keep to the bar."""
    kept = 0
    try:
        what = "a query sorts all rows" if bench.is_postgres else "all rows go to another table"
        yield _row(f"none: {what}", "", results.see(bench, None, ""), "")
    except Exception as error:  # the rest is still worth its time
        yield _failed("a query", error)
    for change in changes:
        try:
            naive, fixed = (results.see(bench, change, form) for form in ("naive", "fixed"))
        except KeyboardInterrupt:
            yield f"| `{change.name}` and what follows | not measured |"
            break
        except Exception as error:  # the rest is still worth its time
            yield _failed(f"`{change.name}`", error)
            continue
        is_same = naive.schema == fixed.schema
        kept += is_same and not fixed.failed and fixed.p99 <= BAR * fixed.idle
        yield _row(f"`{change.name}`", "naive", naive, "")
        yield _row("", "fixed", fixed, "same" if is_same else "OTHER")
    yield ""
    yield (f"{kept} of {len(changes)} safe forms: no write failed, the p99 is at most {BAR} times "
           "that of the idle server, and the schema is the same.")  # fmt: skip


def _failed(name: str, error: Exception) -> str:
    why = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
    return f"| {name} | not measured: {' '.join(why.split())[-200:]} |"


def _tell(text: str) -> None:
    """Says how far it is, beside the table."""
    click.echo(f"{time.strftime('%H:%M:%S')} {text}", err=True)


def _row(name: str, form: str, seen: Seen, schema: str) -> str:
    times = " | ".join(f"{ms:.0f} ms" for ms in (seen.idle, seen.p99, seen.longest))
    failed = f"{seen.failed:,} of {seen.writes:,}"
    return f"| {name} | {form} | {seen.seconds:.1f} s | {times} | {failed} | {schema} |"


def write_page(engine: str, lines: Sequence[str]) -> None:
    """Puts what was measured between the page's marks for this engine."""
    text, mark = PAGE.read_text("utf-8"), f"<!-- measured: {engine} -->\n"
    before, _, rest = text.partition(mark)
    _, _, after = rest.partition("<!-- end -->")
    made = "\n".join(lines)
    PAGE.write_text(f"{before}{mark}\n{made}\n\n<!-- end -->{after}", "utf-8")


def main() -> None:
    """Prints the table of each engine."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=["postgresql", "mysql"])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--only", default="")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--short", action="store_true")
    asked = parser.parse_args()
    results = Results(KEPT, resume=asked.resume)
    kinds = {"postgresql": (PostgresServer, POSTGRESQL), "mysql": (MySQLServer, MYSQL)}
    for engine, (kind, changes) in kinds.items():
        if asked.engine not in (None, engine):
            continue
        with tempfile.TemporaryDirectory() as name, kind() as server:
            if engine == "mysql":
                install(Path(name))
            told = []
            wanted = [one for one in changes if asked.only in one.name]
            bench = Bench(server, Path(name), asked.rows, **(SHORT if asked.short else USUAL))
            for line in chain(_head(server, asked.rows), compare(bench, wanted, results)):
                click.echo(line)
                told.append(line)
            if asked.page:
                write_page(engine, told)


def _head(server: Any, rows: int) -> Iterator[str]:
    with server.connect(None if server.engine == "mysql" else "postgres") as connection:
        cursor = connection.cursor()
        cursor.execute("select version()")
        ((version,),) = cursor.fetchall()
    shown = str(version).split(" (", maxsplit=1)[0].split(" on ", maxsplit=1)[0]
    version = shown.removeprefix("PostgreSQL ")
    name = {"postgresql": "PostgreSQL", "mysql": "MySQL"}[server.engine]
    yield f"{name} {version}, {rows:,} rows, {RATE:.0f} writes a second:"
    yield ""
    yield HEAD


if __name__ == "__main__":
    main()
