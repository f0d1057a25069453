"""`migrate mcp`: tools for agents and editors, none of which changes a database."""

from __future__ import annotations

import click


@click.command(short_help="Serve tools for agents, none of which changes a database.")
def command() -> int:
    """Serve the Model Context Protocol on stdin and stdout, for the project in this folder.

    An agent can read the status and the schema, write migrations, lint, rehearse and plan. It
    cannot apply: a person approves the plan file, and the release job applies it. Needs
    `pip install 'lockgate[mcp]'`.
    """
    from pathlib import Path

    from lockgate.agent.server import make_server

    make_server(Path.cwd()).run("stdio")
    return 0
