"""The plan file: writes a plan so that it can be trusted, and reads only such plans."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import rfc8785
from pydantic import ValidationError

from planner.errors import AlteredPlan, InvalidPlan, MalformedPlan, UnsupportedPlan, UsageError
from planner.plan import FORMAT, FORMAT_VERSION, Plan, intent_digest, plan_digest, statement_digest

LONGEST_INTEGER = 16  # digits of 2**53, beyond which a number is not exact in JSON
REPLAN = "Make a new plan with `migrate plan`."


def render_plan(plan: Plan) -> str:
    """The plan as its file holds it: JSON, indented, the same bytes for the same plan."""
    return json.dumps(plan.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def write_plan(plan: Plan, path: Path) -> None:
    """Writes the plan file whole or not at all, readable by its owner only (mode 0600).

    A device or a pipe, such as /dev/stdout, is written to and not replaced.

    Raises:
        UsageError: the file cannot be written there.
    """
    try:
        _write(path.resolve(), render_plan(plan))
    except OSError as error:
        raise UsageError(
            f"The plan cannot be written to {path}: {error.strerror}.",
            do="Choose another file with `-o FILE`.",
        ) from error


def _write(path: Path, text: str) -> None:
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_text(text, encoding="utf-8", newline="\n")
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


def read_plan(path: Path) -> Plan:
    """The plan in a file, its format and digests checked.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        InvalidPlan: it is not a plan, was altered, or has an unknown format.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"The plan {path} cannot be read: {error.strerror}.",
            do="Make one with `migrate plan -o FILE`.",
        ) from error
    return parse_plan(data, str(path))


def parse_plan(data: bytes, name: str) -> Plan:
    """The plan in JSON bytes; `name` says in errors where they came from."""
    document = _parse_json(data, name)
    _refuse_other_format(document, name)
    _refuse_altered(document, name)
    plan = _validate(document, name)
    _refuse_contradiction(plan, name)
    return plan


def _validate(document: dict[str, Any], name: str) -> Plan:
    try:
        return Plan.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MalformedPlan(
            f"{name} is not a whole plan: {place or 'the document'}: {first['msg']}.", do=REPLAN
        ) from error


def _parse_json(data: bytes, name: str) -> dict[str, Any]:
    try:
        document = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_integer,
        )
    except InvalidPlan:
        raise
    except UnicodeDecodeError as error:
        raise MalformedPlan(
            f"{name} is not a plan: byte {error.start} is not valid UTF-8.", do=REPLAN
        ) from error
    except RecursionError as error:
        raise MalformedPlan(f"{name} is not a plan: it is nested too deep.", do=REPLAN) from error
    except ValueError as error:
        raise MalformedPlan(f"{name} is not a plan: it is not JSON: {error}.", do=REPLAN) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise MalformedPlan(
            f'{name} is not a plan: it does not say "format": "{FORMAT}".', do=REPLAN
        )
    return document


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    # Python keeps the last of two equal keys and other readers the first: a reviewer could
    # be shown one plan and the server given another.
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise MalformedPlan(f"The plan has the key {key!r} twice in one object.", do=REPLAN)
        result[key] = value
    return result


def _refuse_constant(text: str) -> Any:
    raise MalformedPlan(f"The plan holds {text}, which is not JSON.", do=REPLAN)


def _integer(text: str) -> int:
    if len(text) > LONGEST_INTEGER:
        raise MalformedPlan(
            f"The plan holds the number {text[:LONGEST_INTEGER]}…, larger than any in a plan.",
            do=REPLAN,
        )
    return int(text)


def _refuse_other_format(document: dict[str, Any], name: str) -> None:
    if "format_version" not in document:
        raise MalformedPlan(f"{name} is not a plan: it has no format_version.", do=REPLAN)
    version = str(document["format_version"])
    if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise UnsupportedPlan(
            f"{name} has plan format {version}; this lockgate reads {FORMAT_VERSION}.",
            do="Use the lockgate that made the plan, or make a new one.",
        )


def _refuse_altered(document: dict[str, Any], name: str) -> None:
    try:
        found = plan_digest(document)
    except RecursionError as error:
        raise MalformedPlan(f"{name} is not a plan: it is nested too deep.", do=REPLAN) from error
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise MalformedPlan(f"{name} is not a plan: {error}.", do=REPLAN) from error
    if found != document.get("digest"):
        raise AlteredPlan(
            f"{name} was altered after it was made: its digest is {found[:12]}, "
            f"and it says {str(document.get('digest'))[:12]}.",
            why="What would run is not what was reviewed.",
            do=REPLAN,
        )


def _refuse_contradiction(plan: Plan, name: str) -> None:
    """The digests inside must fit as well: promotion compares the intent digest alone."""
    statements = (
        statement for step in plan.steps for statement in (*step.statements, *(step.rollback or ()))
    )
    wrong = any(statement_digest(s.sql, s.copy_data) != s.digest for s in statements)
    if wrong or intent_digest(plan.steps) != plan.intent_digest:
        raise AlteredPlan(
            f"{name} contradicts itself: its {'statements do' if wrong else 'intent does'} "
            "not fit the digest beside it.",
            why="What would run is not what was reviewed.",
            do=REPLAN,
        )
