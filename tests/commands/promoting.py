"""A project with databases for staging and production, and a policy that leads to production.

It must not import lockgate, as `running`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.commands.running import Project, Result, succeed


class Pair:
    """Two databases of a server as the environments staging and production of one project."""

    def __init__(self, folder: Path, server: Any, staging: str, production: str) -> None:
        self.server = server
        self.staging, self.production = staging, production
        self.project = Project(folder, server.url(production))
        self.folder = folder
        self.describe("staging", "STAGING_URL")
        self.demand()

    def describe(self, name: str, variable: str, settings: str = "") -> None:
        """Writes an environment's file."""
        text = f"engine: {self.project.engine}\ndatabase: {{url_env: {variable}}}\n{settings}"
        self.project.write_environment(name, text)

    def demand(self, **terms: str) -> None:
        """Says what production wants to be shown of staging."""
        inside = ", ".join(f"{key}: {value}" for key, value in terms.items())
        promotion = f"{{from: staging{inside and ', '}{inside}}}"
        self.describe("production", "TEST_URL", f"policy: {{promotion: {promotion}}}\n")

    def migrate(self, *arguments: str, **environ: str | None) -> Result:
        """Runs `migrate` where both databases may be reached."""
        urls = {"STAGING_URL": self.server.url(self.staging), "LOCKGATE_ENVIRONMENT": None}
        return self.project.migrate(*arguments, environ=urls | environ)

    def stage(self, receipt: str = "staging.json", *options: str) -> None:
        """Applies what is pending in staging by a plan, and keeps the receipt."""
        succeed(self.migrate("plan", "-e", "staging", "-o", "staging-plan.json"))
        succeed(self.migrate("apply", "staging-plan.json", "--receipt", receipt, *options))

    def read(self, name: str) -> Any:
        """A JSON file of the project."""
        return json.loads((self.folder / name).read_text())

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Production must be the same after the block as before it."""
        before = self.server.dump(self.production)
        yield
        assert self.server.dump(self.production) == before

    def query(self, database: str, sql: str) -> None:
        """Runs a statement as somebody else's client would."""
        with self.server.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            connection.commit()
