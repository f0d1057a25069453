"""Rendering of a migration that asks for it with `-- migrate:template jinja`.

The same source and variables give the same SQL: nothing random, no file, no clock.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lockgate.planner.errors import Interrupted, MigrationFileError

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment


BOUNDS = {"lo": "{{lo}}", "hi": "{{hi}}"}


def render(source: str, variables: Mapping[str, str]) -> str:
    """The SQL that a template makes of an environment's variables.

    Raises:
        MigrationFileError: the template is wrong, it uses a variable that is not set, or it takes
            or makes too much.
    """
    from jinja2 import TemplateSyntaxError, UndefinedError

    from lockgate.planner.migrations.template_limits import collect, limited_steps

    try:
        with limited_steps():
            template = _environment().from_string(source)
            return collect(template.generate(dict(variables)))
    except MigrationFileError as error:
        error.line = error.line or _line(error)
        raise
    except TemplateSyntaxError as error:
        raise MigrationFileError(
            f"the template cannot be read: {error.message}",
            line=error.lineno,
            do="See https://jinja.palletsprojects.com/templates/ for the syntax.",
        ) from error
    except UndefinedError as error:
        raise MigrationFileError(
            f"the template uses a variable that is not set: {error.message}",
            line=_line(error),
            do="Set it under `variables:` in the environment's file.",
        ) from error
    except Interrupted:
        raise
    except Exception as error:  # a template may call any method of a string, and fail in it
        raise MigrationFileError(
            f"the template fails: {error}", line=_line(error), do="Correct the template."
        ) from error


def with_bounds(source: str, variables: Mapping[str, str]) -> Mapping[str, str]:
    """The variables, and in a file with batches `lo` and `hi`, which are rendered as themselves.

    Raises:
        MigrationFileError: the environment has variables of these names.
    """
    if "migrate:batch" not in source:
        return variables
    if taken := sorted(BOUNDS.keys() & variables.keys()):
        raise MigrationFileError(
            f"the environment has a variable {taken[0]}, and in a template with batches that is a "
            "bound",
            do="Give the variable another name.",
        )
    return {**variables, **BOUNDS}


def _line(error: Exception) -> int:
    """The template's line that an error came from; jinja2 names it in the traceback."""
    frames = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if frame.f_code.co_filename == "<template>"]
    return lines[-1] if lines else 0


def _environment() -> SandboxedEnvironment:
    """Jinja's sandbox, strict about names, without what is random."""
    from jinja2 import StrictUndefined

    from lockgate.planner.migrations.template_limits import LimitedEnvironment

    environment = LimitedEnvironment(
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
        finalize=_plain,
    )
    del environment.filters["random"], environment.globals["lipsum"]
    return environment


def _plain(value: object) -> object:
    """What a template may print; the text of any other object can hold a memory address."""
    from jinja2 import Undefined

    if isinstance(value, str | int | float | Undefined):
        return value
    raise TypeError(f"it prints a {type(value).__name__}, which is not text or a number")
