"""A private MySQL, Oracle's: named by the environment, of this machine, or fetched.

It must not take a MariaDB for it: Debian's stable releases call their MariaDB `mysqld` too.
"""

import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

from tests.servers import fetch
from tests.servers.family import FamilyServer, Installation
from tests.servers.process import ServerUnavailable

PACKAGES = ("mysql-server-core", "mysql-client-core")

SUITE = "unstable"
"""The only suite of Debian that has Oracle's MySQL."""


class MySQLServer(FamilyServer):
    """A running MySQL."""

    engine = "mysql"
    address_variable = "LOCKGATE_TEST_MYSQL_URL"
    own_settings: ClassVar[dict[str, str]] = {
        "mysqlx": "OFF",
        "secure-file-priv": "NULL",
        "tls-version": "",
    }
    """Without TLS, which PyMySQL takes when it is offered, so that a proxy sees the statements."""

    def install(self) -> Installation:
        """The machine's own mysqld if it is Oracle's, else Debian's from unstable.

        Raises:
            ServerUnavailable: neither can be fetched.
        """
        if local := _oracle_server():
            return Installation([local], [shutil.which("mysql") or "mysql"])
        try:
            root = fetch.unpacked("mysql", PACKAGES, SUITE)
        except ServerUnavailable as error:
            raise ServerUnavailable(
                f"no MySQL: {self.address_variable} is not set, no mysqld is on PATH, "
                f"and it cannot be fetched: {error}"
            ) from error
        server = fetch.through_loader(root, "sbin/mysqld")
        return Installation(server, fetch.through_loader(root, "bin/mysql"), root / "usr")

    def initialise(self, data: Path) -> None:
        """Fills an absent data directory: root has no password, there is no test database."""
        speed = ["--innodb-flush-method=nosync", "--skip-log-bin", "--innodb-doublewrite=OFF"]
        small = ["--innodb-redo-log-capacity=8M", "--secure-file-priv=NULL"]
        self._own.run(
            [*self.command(), "--initialize-insecure", f"--datadir={data}", *speed, *small]
        )


def _oracle_server() -> str | None:
    local = shutil.which("mysqld")
    if local is None:
        return None
    asked = subprocess.run([local, "--version"], capture_output=True, text=True, check=False)
    return None if "MariaDB" in asked.stdout or asked.returncode else local
