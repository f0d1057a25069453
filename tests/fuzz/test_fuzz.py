"""A sample of the fuzzing that `make test-fuzz` does for an hour."""

from pathlib import Path

import pytest

from tests.fuzz.campaign import Outcome, fuzz
from tests.fuzz.targets import TARGETS

SAMPLE = {"signature": 20}


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_bears_what_strangers_write(name: str, tmp_path: Path) -> None:
    texts = SAMPLE.get(name, 150)
    assert fuzz(name, 7, 0.0, tmp_path, texts) == Outcome(name, texts)


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_reads_its_seeds(name: str) -> None:
    if name != "signature":  # a good one needs a key
        for seed in TARGETS[name].seeds:
            TARGETS[name].read(seed)
