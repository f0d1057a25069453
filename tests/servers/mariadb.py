"""A private MariaDB: named by the environment, of this machine, or fetched.

It must not touch a MariaDB that runs on this machine: all that it shares with it is the program.
"""

import shutil
from pathlib import Path
from typing import ClassVar

from tests.servers import fetch
from tests.servers.family import FamilyServer, Installation
from tests.servers.process import ServerUnavailable

PACKAGES = ("mariadb-server-core", "mariadb-client-core")

BOOTSTRAP_SCRIPTS = (
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
    "fill_help_tables.sql",
    "maria_add_gis_sp_bootstrap.sql",
    "mysql_sys_schema.sql",
)
"""In the order of mariadb-install-db, which itself needs more than the server's package holds."""

BOOTSTRAP_START = """\
CREATE DATABASE IF NOT EXISTS mysql;
USE mysql;
SET @auth_root_socket = NULL;
"""
"""Each statement ends with its line: the server's bootstrap mode reads no further."""


class MariaDBServer(FamilyServer):
    """A running MariaDB."""

    engine = "mariadb"
    address_variable = "LOCKGATE_TEST_MARIADB_URL"
    own_settings: ClassVar[dict[str, str]] = {
        "character-set-server": "utf8mb4",
        "collation-server": "utf8mb4_general_ci",
    }
    scripts: ClassVar[tuple[str, ...]] = BOOTSTRAP_SCRIPTS
    flush_method = "nosync"

    def install(self) -> Installation:
        """The machine's own mariadbd, else that of the machine's own Debian.

        Raises:
            ServerUnavailable: neither can be fetched.
        """
        if local := shutil.which("mariadbd"):
            return Installation([local], [shutil.which("mariadb") or "mariadb"])
        try:
            root = fetch.unpacked("mariadb", PACKAGES, fetch.machine_suite())
        except ServerUnavailable as error:
            raise ServerUnavailable(
                f"no MariaDB: {self.address_variable} is not set, no mariadbd is on PATH, "
                f"and it cannot be fetched: {error}"
            ) from error
        return installation_of(root)

    def initialise(self, data: Path) -> None:
        """Fills an absent data directory: root has no password, there is no test database."""
        (data / "mysql").mkdir(parents=True)
        share = (self._installation.prefix or Path("/usr")) / self._installation.share
        scripts = [(share / name).read_bytes() for name in self.scripts]
        method = f"--innodb-flush-method={self.flush_method}"
        speed = [method, "--innodb-flush-log-at-trx-commit=0"]
        small = ["--innodb-doublewrite=OFF", "--innodb-log-file-size=16M"]
        self._own.run(
            [*self.command(), "--bootstrap", f"--datadir={data}", *speed, *small],
            stdin=b"\n".join([BOOTSTRAP_START.encode(), *scripts]),
        )


def installation_of(root: Path, share: str = "share/mysql") -> Installation:
    """The programs of unpacked packages."""
    server, client = (
        fetch.through_loader(root, program) for program in ("sbin/mariadbd", "bin/mariadb")
    )
    return Installation(server, client, root / "usr", share)
