"""The maps of the packages: python -m tests.maps writes them again, into their docstrings.

A package's docstring ends with a line for each of its modules and folders: its name, and the
first line of its own docstring, as far as that fits. What is before them is written by hand.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("lockgate", "planner", "executors")

PLUGINS = (
    "lockgate/commands/*",
    "planner/migrations/formats",
    "planner/policies",
    "planner/review/rules",
    "planner/rewriting/postgresql",
    "planner/adoption/tools",
)
"""Folders whose files are found by being there: adding one touches no other file."""

LONGEST = 100
ENTRY = re.compile(r"\S+(?:\.py|/)(?:  .*)?")
PAUSES = (
    re.compile(r"[:;.] "),
    re.compile(r",? (?:by|for|from|in|of|on|to|with) which |, | so that | which | where "),
)
"""Where a line may end that is too long, the better ones first."""
FEWEST_WORDS = 3
"""What is left of it must say something."""


def find_packages() -> list[Path]:
    """The folder of each package that has a map; links are not followed."""
    found = [init.parent for name in PACKAGES for init in (ROOT / name).rglob("__init__.py")]
    return sorted(folder for folder in found if not _is_plugin(folder))


def docstring(module: Path) -> str:
    return ast.get_docstring(ast.parse(module.read_text()), clean=False) or ""


def mapped(folder: Path) -> str:
    """A package's docstring with the map that it should have."""
    written = docstring(folder / "__init__.py").strip().splitlines()
    head = "\n".join(line for line in written if not ENTRY.fullmatch(line)).strip()
    return f"{head}\n\n" + "".join(f"{line}\n" for line in _entries(folder))


def write_map(folder: Path) -> None:
    """Puts the map into a package's docstring."""
    module = folder / "__init__.py"
    text = module.read_text()
    first = next(iter(ast.parse(text).body), None)
    is_docstring = bool(docstring(module)) and first is not None
    rest = text.splitlines()[first.end_lineno :] if first and is_docstring else text.splitlines()
    module.write_text("\n".join([f'"""{mapped(folder)}"""', *rest, ""]))


def _is_plugin(folder: Path) -> bool:
    return any(folder.relative_to(ROOT).match(pattern) for pattern in PLUGINS)


def _entries(folder: Path) -> Iterator[str]:
    found = dict(_described(folder))
    width = max(map(len, found))
    for name, text in found.items():
        room = LONGEST - width - 2
        yield f"{name:<{width}}  {_fitted(text, room)}".rstrip()


def _described(folder: Path) -> Iterator[tuple[str, str]]:
    """Each module and folder of a package, with the first line of its docstring."""
    for path in sorted(folder.iterdir()):
        package = path / "__init__.py"
        if path.suffix == ".py" and not path.name.startswith("__"):
            yield path.name, docstring(path).strip().partition("\n")[0]
        elif package.exists():
            yield f"{path.name}/", docstring(package).strip().partition("\n")[0]


def _fitted(line: str, room: int) -> str:
    """The line, or what fits of it, up to a pause."""
    text = line.rstrip(".")
    if len(text) <= room:
        return text
    for pause in PAUSES:
        ends = (match.start() for match in pause.finditer(text) if match.start() <= room)
        places = [end for end in ends if len(text[:end].split()) >= FEWEST_WORDS]
        if places:
            return text[: places[-1]]
    return text[:room].rpartition(" ")[0]


if __name__ == "__main__":
    for each in find_packages():
        write_map(each)
