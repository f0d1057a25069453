"""Rendering of a migration that asks for it with `-- migrate:template jinja`.

The same source and variables give the same SQL: nothing random, no file, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from planner.errors import MigrationFileError

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment


def render(source: str, variables: Mapping[str, str]) -> str:
    """The SQL that a template makes of an environment's variables.

    Raises:
        MigrationFileError: the template is wrong, or it uses a variable that is not set.
    """
    from jinja2 import TemplateError, TemplateSyntaxError, UndefinedError

    try:
        return _environment().from_string(source).render(dict(variables))
    except TemplateSyntaxError as error:
        raise MigrationFileError(
            f"the template cannot be read: {error.message}",
            line=error.lineno,
            do="See https://jinja.palletsprojects.com/templates/ for the syntax.",
        ) from error
    except UndefinedError as error:
        raise MigrationFileError(
            f"the template uses a variable that is not set: {error.message}",
            do="Set it under `variables:` in the environment's file.",
        ) from error
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError) as error:
        raise MigrationFileError(
            f"the template fails: {error}", do="Correct the template."
        ) from error


def _environment() -> SandboxedEnvironment:
    """Jinja's sandbox, strict about names, without what is random."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    del environment.filters["random"], environment.globals["lipsum"]
    return environment
