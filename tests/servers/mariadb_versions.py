"""Other MariaDBs than the machine's: the oldest and the newest that lockgate is tried on.

Each comes from the release of Debian that had it.
"""

from typing import ClassVar

from tests.servers import fetch
from tests.servers.family import Installation
from tests.servers.mariadb import BOOTSTRAP_SCRIPTS, MariaDBServer, installation_of


class OldMariaDBServer(MariaDBServer):
    """MariaDB 10.5, without the schema `sys`."""

    address_variable = "LOCKGATE_TEST_MARIADB_10_5_URL"
    scripts = tuple(name for name in BOOTSTRAP_SCRIPTS if name != "mysql_sys_schema.sql")
    flush_method = "fsync"
    own_settings: ClassVar[dict[str, str]] = {
        **MariaDBServer.own_settings,
        "innodb-flush-method": flush_method,
    }

    def install(self) -> Installation:
        packages = ("mariadb-server-core-10.5", "mariadb-client-core-10.5")
        return installation_of(fetch.unpacked("mariadb-10.5", packages, "bullseye"))


class NewMariaDBServer(MariaDBServer):
    """MariaDB 11.8."""

    address_variable = "LOCKGATE_TEST_MARIADB_11_8_URL"
    scripts = tuple(name.replace("mysql_", "mariadb_") for name in BOOTSTRAP_SCRIPTS)

    def install(self) -> Installation:
        packages = ("mariadb-server-core", "mariadb-client-core")
        root = fetch.unpacked("mariadb-11.8", packages, "trixie")
        return installation_of(root, "share/mariadb")
