"""What the views print, byte for byte; see `golden` for how to write the files anew."""

import json

import pytest

from tests.views.golden import FOLDER, rendered

RENDERED = rendered()


@pytest.mark.parametrize("name", sorted(RENDERED))
def test_a_view_prints_what_its_golden_file_holds(name: str) -> None:
    assert RENDERED[name] == (FOLDER / name).read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(RENDERED)


def test_the_difference_is_a_json_document() -> None:
    assert json.loads(RENDERED["difference.json"])["same_intent"] is False
