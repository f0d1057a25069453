"""PostgreSQL's own grammar: what a statement's text is, as the server's parser reads it.

Loads libpg_query's library and nothing of the package around it, whose protobuf costs more to
import than all else here; only reading a statement of PostgreSQL loads it.
https://github.com/pganalyze/libpg_query
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from lockgate.planner.passwords import hide_in_message
from lockgate.planner.reading.postgresql.nodes import Node
from lockgate.planner.sql.cursor import each_token
from lockgate.planner.sql.dialect import POSTGRESQL

# A chain of operators this long needs more stack than any thread is sure to have.
SHORT = 16_000
LONGEST = 1_000_000
STACK = 512 * 1024**2
# The server's lexer takes each + and - of a run by itself, after it has looked at all of the run: a
# text of them costs the square of its length. No operator has more than 63 characters.
# https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-OPERATORS
LONGEST_RUN = 200
OPERATORS = "*/<>=+~!@#%^&|`?-"
RUN = re.compile(f"[{re.escape(OPERATORS)}]{{{LONGEST_RUN}}}")


class NotRead(Exception):
    """The grammar does not take a text: why, and where, in characters from 0."""

    def __init__(self, why: str, at: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.at = at


class TooMuch(NotRead):
    """A text is too long or nested too deeply to be read, whatever it says."""


def parse(sql: str) -> tuple[str, Node]:
    """The kind and the node of the one statement in the text; empty for a comment alone.

    Raises:
        NotRead: it is no statement, or several.
        TooMuch: it is too long or too deep.
    """
    if len(sql) > LONGEST:
        raise TooMuch(f"it has more than {LONGEST:,} characters")
    if RUN.search(sql) and _has_run(sql):
        raise TooMuch(f"it has more than {LONGEST_RUN} characters of operators in a row")
    tree = _parse(sql) if len(sql) <= SHORT else _with_stack(lambda: _parse(sql))
    statements = tree.get("stmts", [])
    if len(statements) > 1:
        raise NotRead("it is more than one statement", _end(sql, statements[0]))
    for kind, node in statements[0]["stmt"].items() if statements else ():
        return kind, node
    return "", {}


def _end(sql: str, statement: Node) -> int:
    """Where a statement ends that another follows: the parser counts bytes."""
    end = statement.get("stmt_location", 0) + statement.get("stmt_len", 0)
    return len(sql.encode()[:end].decode(errors="ignore"))


def _has_run(sql: str) -> bool:
    """Whether such a run is code, and not within a string or a comment."""
    begin = end = 0
    for token in each_token(sql, POSTGRESQL):
        if token.kind == "other" and token.text[0] in OPERATORS:
            begin = begin if token.start == end else token.start
            end = token.end
            if end - begin >= LONGEST_RUN:
                return True
    return False


def _parse(sql: str) -> Node:
    library = _library()
    result = library.pg_query_parse(sql.encode())
    try:
        if result.error:
            error = result.error.contents
            message = error.message.decode(errors="replace")
            if "memory exhausted" in message or "stack depth" in message:
                raise TooMuch("it is nested too deeply")
            raise NotRead(hide_in_message(message), max(error.cursorpos - 1, 0))
        text = result.parse_tree
    finally:
        library.pg_query_free_parse_result(result)
    return _load(text)


def _load(text: bytes) -> Node:
    try:
        tree: Node = json.loads(text)
    except RecursionError:
        raise TooMuch("it is nested too deeply") from None
    return tree


def _with_stack(work: Callable[[], Node]) -> Node:
    """What the work returns, done by a thread whose stack no text that we take can fill."""
    done: list[Node | BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            done.append(error)

    before = threading.stack_size(STACK)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    except RuntimeError as error:  # the process may not have that much memory
        raise TooMuch("there is not enough memory to parse it") from error
    finally:
        threading.stack_size(before)
    thread.join()
    if isinstance(done[0], BaseException):
        raise done[0]
    return done[0]


@cache
def _library() -> Any:
    package = find_spec("postgast")
    assert package is not None, "a dependency of lockgate"
    assert package.origin is not None, "it has a file"
    name = f"{__name__}.native"
    found = spec_from_file_location(name, Path(package.origin).with_name("native.py"))
    assert found is not None, "a file ending in .py can be loaded"
    assert found.loader is not None, "a file ending in .py can be loaded"
    native = sys.modules[name] = module_from_spec(found)
    found.loader.exec_module(native)
    return native.lib
