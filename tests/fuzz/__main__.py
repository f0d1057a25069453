"""Fuzzes every reader of strangers' texts in turn: python -m tests.fuzz --seconds 3600."""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.campaign import fuzz
from tests.fuzz.targets import TARGETS

ROUND = 20.0  # seconds for one reader before the next has its turn


def main() -> int:
    """Fuzzes for the time that was asked for; prints a table; 1 when a reader had a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lockgate-fuzz-"))
    texts: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    end, seed = time.monotonic() + asked.seconds, asked.seed
    while time.monotonic() < end:
        seed += 1
        for name in asked.target or TARGETS:
            outcome = fuzz(name, seed, min(ROUND, max(1.0, end - time.monotonic())), folder)
            texts[name] += outcome.texts
            if outcome.fault:
                faults[name] += 1
                print(f"{name}: {outcome.fault}\n  {folder / f'{name}-{seed}'}", flush=True)
    for name in texts:
        print(f"{name:<10} {texts[name]:>10,} texts {faults[name]:>4} faults")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
