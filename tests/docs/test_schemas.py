"""The published JSON Schemas are those of the code."""

import pytest

from tests.docs.schemas import REFERENCE, SCHEMAS, path_of, render


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_published_schema_is_that_of_the_code(name: str) -> None:
    assert path_of(name).read_text(encoding="utf-8") == render(name)


def test_every_published_schema_but_that_of_events_is_made_from_the_code() -> None:
    published = {path.name.removesuffix(".schema.json") for path in REFERENCE.glob("*.schema.json")}
    assert published == {*SCHEMAS, "events"}
