"""The shape of the source: folders, files, import chains, and names that mean one thing."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeGuard

import pytest

ROOT = Path(__file__).parents[1]
TOPS = ("lockgate", "planner", "executors")
PLUGINS = (
    "planner/policies",
    "planner/review/rules",
    "planner/rewriting/postgresql",
    "planner/adoption/tools",
    "planner/migrations/formats",
    "lockgate/commands",
)
"""Folders whose files answer by the same names: that is their interface."""

ENGINES = ("postgresql", "mysql", "mariadb")
"""Folders, and a file, that have the same names one by one; they are no duplicates."""


@cache
def modules() -> dict[str, ast.Module]:
    """Each module by its path; those that lockgate/ links to are counted once."""
    found = [
        path
        for top in TOPS
        for path in sorted((ROOT / top).rglob("*.py"))
        if path.resolve() == path and "." not in str(path.relative_to(ROOT).parent)
    ]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in found}


NOT_INTERRUPTED = {
    "executors/apply.py": "the run has ended, and is being noted",
    "executors/costs/waits.py": "in a thread",
    "executors/mysql/undo/recovery.py": "the run has ended, and is in the journal",
    "executors/programs/notice.py": "the run has ended",
    "lockgate/agent/server.py": "in a thread",
    "lockgate/fleet/applying.py": "in a thread",
    "lockgate/fleet/changed.py": "in a thread",
    "lockgate/fleet/planning.py": "in a thread",
    "lockgate/fleet/standing.py": "in a thread",
    "lockgate/fleet/working.py": "in a thread",
    "lockgate/options.py": "a shell completes a word",
    "lockgate/runs/schema_file.py": "the run has ended",
}
"""Where no signal arrives, or none that could stop anything any more."""


def test_who_passes_over_errors_does_not_pass_over_a_signal() -> None:
    """Interrupted is an error like others to most, and the next signal would be ignored."""
    passed_over = set()
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.With):
                calls = [item.context_expr for item in node.items]
                if any(_catches(one.args) for one in calls if isinstance(one, ast.Call)):
                    passed_over.add(path)
            if isinstance(node, ast.Try):
                for handler in node.handlers:
                    caught = [handler.type] if handler.type else []
                    if _catches(caught, "Interrupted"):
                        break
                    goes_on = not any(isinstance(one, ast.Raise) for one in ast.walk(handler))
                    if goes_on and _catches(caught):
                        passed_over.add(path)
    assert passed_over == set(NOT_INTERRUPTED)


def _catches(types: Iterable[ast.expr], name: str = "LockgateError") -> bool:
    found = (one for each in types for one in ast.walk(each))
    return any(isinstance(one, ast.Name) and one.id == name for one in found)


def test_no_folder_has_more_than_15_modules() -> None:
    folders: dict[str, int] = defaultdict(int)
    for path in modules():
        folder, _, name = path.rpartition("/")
        folders[folder] += name != "__init__.py" and folder not in PLUGINS
    assert {folder: count for folder, count in folders.items() if count > 15} == {}


def test_every_import_goes_through_the_package_that_is_installed() -> None:
    written = [
        *modules().items(),
        *(
            (str(p.relative_to(ROOT)), ast.parse(p.read_text()))
            for p in sorted((ROOT / "tests").rglob("*.py"))
        ),
    ]
    assert [
        f"{path}:{node.lineno}"
        for path, tree in written
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom | ast.Import)
        for name in [getattr(node, "module", None) or node.names[0].name]
        if not getattr(node, "level", 0) and name.partition(".")[0] in ("planner", "executors")
    ] == []


def test_no_file_has_more_than_400_lines() -> None:
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path in modules()}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


def test_modules_have_each_other_by_the_name_that_the_wheel_gives_them() -> None:
    """There is no package `planner` where lockgate is installed."""
    imports = {
        path: node.module
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in TOPS[1:]
    }
    assert imports == {}


def public_names(tree: ast.Module) -> Iterator[str]:
    """The classes, functions and type aliases that a module defines for others."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            name = node.name
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        else:
            continue
        if not name.startswith("_") and not name.isupper():
            yield name


def _owner(path: str) -> str:
    """The file that a name belongs to: one for all files of a plug-in folder or of an engine."""
    for folder in PLUGINS:
        if path.startswith(f"{folder}/"):
            return folder
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return "/".join("engine" if part in ENGINES else part for part in parts)


def test_at_most_30_public_names_mean_several_things() -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for path, tree in modules().items():
        for name in public_names(tree):
            owners[name].add(_owner(path))
    several = {name: sorted(where) for name, where in owners.items() if len(where) > 1}
    assert len(several) <= 30, several


def test_no_import_chain_has_more_than_14_modules() -> None:
    chain = max((longest_chain(name) for name in _graph()), key=len)
    assert len(chain) <= LONGEST_CHAIN, " → ".join(chain)


LONGEST_CHAIN = 14


def _module(path: str) -> str:
    dotted = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return dotted if dotted.split(".")[0] == "lockgate" else f"lockgate.{dotted}"


@cache
def _graph() -> dict[str, frozenset[str]]:
    """What each module imports when it is imported itself."""
    names = {_module(path) for path in modules()}
    return {
        _module(path): frozenset(_imported(tree, names) - {_module(path)})
        for path, tree in modules().items()
    }


def _imported(tree: ast.Module, names: set[str]) -> set[str]:
    found: set[str] = set()
    for node in tree.body:  # neither in a function nor for the type checker alone
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & names
            found |= inner or ({node.module} & names)
    return found


@cache
def longest_chain(name: str) -> tuple[str, ...]:
    """The longest way from a module down to one that imports nothing of ours."""
    below = [longest_chain(each) for each in _graph()[name]]
    return (name, *max(below, key=len, default=()))


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
def test_an_engine_has_its_parts_in_files_of_the_same_names(engine: str) -> None:
    folder = ROOT / "executors" / engine
    names = {path.stem for path in folder.iterdir() if path.name != "__init__.py"}
    assert names >= {
        *("engine", "session", "store", "lock", "units", "scratch"),
        *("connection", "ledger", "facts", "catalogue", "gauge"),
    }


def test_no_part_of_an_engine_has_more_methods_than_it_had() -> None:
    parts = {"Session", "Store", "LedgerTables", "Runs", "MigrationLock", "Units", "Scratch"}
    found = {
        node.name: [one.name for one in node.body if _is_method(one)]
        for path in ("executors/engine.py", *LEDGER, "executors/lock.py")
        for node in modules()[path].body
        if isinstance(node, ast.ClassDef) and node.name in parts
    }
    assert found.keys() == parts
    assert {name: methods for name, methods in found.items() if len(methods) > MOST_METHODS} == {}


MOST_METHODS = 15  # a dozen is the aim; the session also reads facts, rows and the catalogue
LEDGER = tuple(f"executors/ledger/{name}.py" for name in ("store", "named_tables", "runs"))


def _is_method(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    """Whether it is a method that others may call; a property is none."""
    if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
        return False
    marks = {getattr(mark, "id", "") for mark in node.decorator_list}
    return not marks & {"property", "cached_property"}


READERS = ("planner/sql/", "planner/reading/")
"""They alone may look at SQL to learn what it does."""

OTHER_TEXT = ("executors/mysql/table/", "executors/mysql/catalogue/")
"""They read what SHOW CREATE prints."""

SHOWN = {
    "executors/events.py": "how a statement of another session begins",
    "executors/mysql/syntax.py": "where the text is that the server's message repeats",
    "executors/postgresql/pipeline.py": "lockgate's own SQL",
    "executors/postgresql/session.py": "lockgate's own SQL",
    "executors/programs/squawk.py": "lines are counted",
    "lockgate/views/plan/markdown.py": "rows are counted",
    "lockgate/views/plan/sql.py": "a delimiter is found that does not stand in it",
    "planner/passwords.py": "passwords are hidden in what is shown of it",
    "planner/review/passwords.py": "passwords are found, to be hidden from reviewers",
    "planner/plan/rehearsal.py": "it is shown on one line",
}
"""Modules that handle the text of statements, and what for."""

CUTS = {
    *("lower", "upper", "casefold", "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines"),
    *("partition", "rpartition", "startswith", "endswith", "find", "rfind", "index", "rindex"),
    *("count", "replace", "removeprefix", "removesuffix"),
}
MATCHES = frozenset({"search", "match", "fullmatch", "finditer", "findall", "split", "sub"})
VERBS = {
    *("create", "alter", "drop", "rename", "truncate", "insert", "update", "delete", "select"),
    *("grant", "revoke", "begin", "use"),
}


def test_only_readers_look_at_sql_to_learn_what_it_does() -> None:
    """A pattern or a substring test over a statement is a second reader, whatever it is for."""
    looking = {
        path: places
        for path, tree in modules().items()
        if not path.startswith((*READERS, *OTHER_TEXT)) and (places := list(_looks(tree)))
    }
    assert {path: places for path, places in looking.items() if path not in SHOWN} == {}
    assert SHOWN.keys() <= looking.keys(), "the list names a module that handles no text any more"


@pytest.mark.parametrize(
    "code",
    [
        "'lock_timeout' in statement.sql.lower()",
        "sql.startswith('create')",
        "PATTERN.search(statement.sql)",
        "re.compile(r'\\bdrop\\s+table')",
    ],
)
def test_a_second_reader_is_seen(code: str) -> None:
    assert list(_looks(ast.parse(code)))


def _looks(tree: ast.Module) -> Iterator[str]:
    """Where a module cuts, matches or searches SQL, or has a pattern of a statement."""
    for node in ast.walk(tree):
        compared = node.comparators if isinstance(node, ast.Compare) else ()
        if any(map(_is_sql, compared)) and isinstance(node.ops[0], ast.In | ast.NotIn):
            yield f"line {node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            cuts = node.func.attr in CUTS and _is_sql(node.func.value)
            matches = node.func.attr in MATCHES and any(map(_is_sql, node.args))
            if cuts or matches or (node.func.attr == "compile" and _names_a_statement(node)):
                yield f"line {node.lineno}: {ast.unparse(node)}"


def _is_sql(node: ast.expr) -> bool:
    """Whether an expression is the text of a statement, by its name: `sql`, `statement.sql`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in CUTS and _is_sql(node.func.value)
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name in ("sql", "copy_data")


def _names_a_statement(node: ast.Call) -> bool:
    texts = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
    plain = " ".join(re.sub(r"\\.", " ", str(text)) for text in texts)
    words = set(re.findall("[a-z]+", plain.lower()))
    return bool(VERBS & words)
