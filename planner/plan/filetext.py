"""The text of a migration's files within a plan, by which `apply` proves its SQL.

Cuts nothing and puts nothing together: `planner.building.filetexts` does.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lockgate.planner.plan.statement import Model

Role = Literal["both", "up", "down", "settings", "header"]


class FilePart(Model):
    """One of several files of a migration, or the part of a file that is one migration."""

    name: str = Field(description="Relative to the migrations directory; for messages.")
    role: Role = Field(description="What it is to its migration. For `apply`.")
    line: int = Field(ge=1, description="The line of the file where it begins.")
    length: int = Field(ge=0, description="How many characters of the text are its own.")


class Sources(Model):
    """How the text of a migration is to be read, where it is not one file in lockgate's format."""

    format: str = Field(description="The format's name, as in an environment. For `apply`.")
    files: tuple[FilePart, ...] = Field(description="In the order of the text. For `apply`.")


class FileText(Model):
    """A migration's file, so that its checksum proves the SQL: all of the text but what the step's
    statements hold already."""

    parts: tuple[str, ...] = Field(
        description="The text before, between and after the statements, their COPY rows and those "
        "of `rollback`; or the whole text as the only part. For `apply`."
    )
    variables: dict[str, str] | None = Field(
        None,
        description="Of a template: the environment's variables that it was rendered with. null: "
        "it is none. For `apply`.",
    )
    sources: Sources | None = Field(
        None,
        description="Its files; null: one in lockgate's own format. For `apply`.",
    )
