"""The contract suites on other MariaDBs, and on servers that give their sessions other settings:
`python -m tests.versions.family [NAME …]`, by the names below; without any it is all of them.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.servers.family import FamilyServer
from tests.servers.mariadb import MariaDBServer
from tests.servers.mariadb_versions import NewMariaDBServer, OldMariaDBServer
from tests.servers.mysql import MySQLServer

ROOT = Path(__file__).parents[2]
SELECTION = ("tests/executors/test_contract.py", "tests/executors/test_contract_apply.py")
# They make tables by hand of which they expect that a rollback takes back the rows.
WITH_TRANSACTIONS = (
    "test_a_transaction_commits",
    "test_a_transaction_is_rolled_back_by_any_exception",
    "test_another_tools_history_is_refused_and_left_alone",
)
SETTINGS = {
    "ansi": {"sql-mode": "ANSI"},
    "lax": {"sql-mode": ""},
    "literal": {"sql-mode": "NO_BACKSLASH_ESCAPES", "default-storage-engine": "MyISAM"},
    "autocommit-off": {"autocommit": "0"},
}


def set_up(kind: type[FamilyServer], settings: dict[str, str]) -> type[FamilyServer]:
    """Such a server under these settings."""
    return type(kind.__name__, (kind,), {"own_settings": {**kind.own_settings, **settings}})


KINDS: dict[str, type[FamilyServer]] = {
    "mariadb-10.5": OldMariaDBServer,
    "mariadb-11.8": NewMariaDBServer,
    **{
        f"{kind.engine}-{name}": set_up(kind, settings)
        for kind in (MySQLServer, MariaDBServer)
        for name, settings in SETTINGS.items()
    },
}


def run(name: str) -> "subprocess.CompletedProcess[str]":
    """The suites on one kind of server."""
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider"]
    with KINDS[name]() as server:
        left_out = WITH_TRANSACTIONS if name.endswith("literal") else ()
        chosen = " and not ".join((server.engine, *left_out))
        variables = {f"LOCKGATE_TEST_{server.engine.upper()}_URL": server.url("")}
        return subprocess.run(
            [*command, "-k", chosen, *SELECTION],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def main(names: Sequence[str]) -> int:
    worst = 0
    for name in names or list(KINDS):
        done = run(name)
        lines = done.stdout.splitlines()
        shown = lines[-1:] if done.returncode == 0 else lines
        sys.stdout.write(f"{name}: " + "\n".join(shown) + "\n")
        sys.stdout.flush()
        worst = max(worst, done.returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
