"""A map in a settings file, as its reader wants it: the base of every model of one.

Reads no file: `yaml_file` does. A default is made by `model_construct`: a validator for each model
would cost every command more than reading its file.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A map in a settings file: nothing unknown, nothing converted, no value in an error."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True
    )
