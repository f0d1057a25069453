"""Every case on its server, as a table: what was measured, its bar, and whether it is met.

Run it with `make benchmark`, or some cases with `python -m benchmarks NAME …`. A ratio is of client
CPU unless the row says otherwise, taken in one run on one machine. A case that fails is a row too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.cases import CASES, SERVERS, Bench
from benchmarks.dbmate import fetch_dbmate
from benchmarks.measure import Result

ROW = "{:<11}{:<46}{:>11}{:>10}  {:<8}{}"


def measure(wanted: Sequence[str], folder: Path) -> Iterator[tuple[str, Result | str]]:
    """The engine of each case with its result, or with a sentence where it could not be run."""
    binary = fetch_dbmate(folder)
    for engine, cases in CASES.items():
        chosen = [case for case in cases if not wanted or case.__name__ in wanted]
        if not chosen:
            continue
        with SERVERS[engine]() as server:
            for case in chosen:
                try:
                    bench = Bench(folder / engine / case.__name__, server, binary)
                    for result in case(bench):
                        yield engine, result
                except SystemExit as failed:
                    yield engine, f"{case.__name__}: {failed}"


def main(wanted: Sequence[str]) -> None:
    """Prints the table, a row as soon as it is known."""
    print(ROW.format("server", "case", "measured", "bar", "met", ""))
    with TemporaryDirectory() as name:
        for engine, found in measure(wanted, Path(name)):
            if isinstance(found, str):
                print(f"{engine:<11}{found}", flush=True)
                continue
            measured, bar = (f"{value:.2f} {found.unit}" for value in (found.measured, found.bar))
            met = "yes" if found.is_met else "NO"
            print(ROW.format(engine, found.case, measured, bar, met, found.detail), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
