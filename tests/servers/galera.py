"""A Galera cluster of two MariaDB nodes, fetched like the server itself.

Both nodes begin with the same data, that of a node which has left its cluster, so the second one
needs no copy of the first one's: a script of ours says so, and the node asks for the rest.
https://mariadb.com/kb/en/introduction-to-state-snapshot-transfers-ssts/
"""

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pymysql

from tests.servers import fetch, reaper
from tests.servers.family import Installation
from tests.servers.mariadb import MariaDBServer, installation_of
from tests.servers.process import free_port, wait_until

PACKAGES = ("mariadb-server-core", "mariadb-client-core", "mariadb-server", "galera-4")


TRANSFER = """\
#!/bin/sh
while [ $# -gt 0 ]; do
    case "$1" in --role) role=$2 ;; --gtid) gtid=$2 ;; esac
    shift
done
if [ "$role" = joiner ]; then
    echo "ready 127.0.0.1:1/copy"
    while ! [ -s "$LOCKGATE_TRANSFER" ]; do sleep 0.05; done
    cat "$LOCKGATE_TRANSFER"
else
    echo continue
    echo "$gtid" > "$LOCKGATE_TRANSFER.new"
    mv "$LOCKGATE_TRANSFER.new" "$LOCKGATE_TRANSFER"
    echo "done $gtid"
fi
"""


class GaleraNode(MariaDBServer):
    """A node of a cluster: the first one, or one that joins it."""

    address_variable = ""

    def __init__(self, name: str, folder: Path, first: "GaleraNode | None" = None) -> None:
        self.name, self._folder = name, folder
        self.cluster_port = free_port()
        self._joining: dict[str, str] = {"wsrep-cluster-address": "gcomm://"}
        if first:
            self._joining = {"wsrep-cluster-address": f"gcomm://127.0.0.1:{first.cluster_port}"}
        self.own_settings = {**MariaDBServer.own_settings, **self._galera()}  # type: ignore[misc]
        super().__init__()

    def install(self) -> Installation:
        """Raises ServerUnavailable when the packages cannot be fetched."""
        self._root = fetch.unpacked("mariadb-cluster", PACKAGES, fetch.machine_suite())
        return installation_of(self._root)

    def command(self) -> list[str]:
        provider = self._root / "usr/lib/galera/libgalera_smm.so"
        path = f"PATH={self._folder}:{os.environ.get('PATH', '/usr/bin:/bin')}"
        program = ["env", path, f"LOCKGATE_TRANSFER={self._folder / 'transfer'}"]
        return [*program, *super().command(), f"--wsrep-provider={provider}"]

    def status(self, name: str) -> str:
        """What the node says of the cluster: `cluster_size`, `ready`."""
        with self.connect(None) as connection, connection.cursor() as cursor:
            cursor.execute(f"show global status like 'wsrep_{name}'")
            return str(cursor.fetchall()[0][1])

    def _template(self) -> Path:
        return fetch.cached("galera-data", _found)

    def _galera(self) -> dict[str, str]:
        port = self.cluster_port
        options = {
            "base_port": port,
            "gmcast.listen_addr": f"tcp://127.0.0.1:{port}",
            "ist.recv_addr": f"127.0.0.1:{port + 1}",
            "gcache.size": "32M",
        }
        return {
            "binlog-format": "ROW",
            "default-storage-engine": "InnoDB",
            "innodb-autoinc-lock-mode": "2",
            "wsrep-on": "ON",
            "wsrep-cluster-name": "lockgate",
            "wsrep-node-name": self.name,
            "wsrep-node-address": f"127.0.0.1:{port}",
            "wsrep-sst-method": "copy",
            **self._joining,
            "wsrep-provider-options": ";".join(f"{k}={v}" for k, v in options.items()),
        }

    def _answers(self) -> bool:
        try:
            return self.status("ready") == "ON"
        except pymysql.err.OperationalError:  # a joiner begins again with what it was given
            return False


class _Founder(GaleraNode):
    """A node that begins with a plain server's data."""

    def _template(self) -> Path:
        return MariaDBServer._template(self)

    def leave(self, folder: Path) -> None:
        """Ends the node as it should be, and keeps its data."""
        reaper.end_politely(self.pid)
        shutil.copytree(self._data, folder / "data")


def _found(folder: Path) -> None:
    with _Founder("founder", folder) as node:
        node.leave(folder)


class GaleraCluster:
    """Two nodes; each is a server as other tests know it."""

    def __init__(self) -> None:
        self._resources = ExitStack()
        try:
            folder = Path(self._resources.enter_context(tempfile.TemporaryDirectory()))
            script = folder / "wsrep_sst_copy"
            script.write_text(TRANSFER)
            script.chmod(0o755)
            self.first = self._resources.enter_context(GaleraNode("n1", folder))
            self.second = self._resources.enter_context(GaleraNode("n2", folder, self.first))
            wait_until(lambda: self.first.status("cluster_size") == "2", "both are members")
        except BaseException:
            self._resources.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()
