"""The maps of the packages name every module, in its own words."""

from pathlib import Path

import pytest

from tests.maps import ROOT, docstring, find_packages, mapped


@pytest.mark.parametrize("folder", find_packages(), ids=lambda each: str(each.relative_to(ROOT)))
def test_a_package_maps_its_modules(folder: Path) -> None:
    assert docstring(folder / "__init__.py") == mapped(folder), "run: python -m tests.maps"
