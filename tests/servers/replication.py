"""A MySQL and its replica, of which the replica can take the first one's place."""

from contextlib import ExitStack
from typing import Any, ClassVar, Self

from tests.servers.mysql import MySQLServer
from tests.servers.process import wait_until

SOURCE = (
    "change replication source to source_host = '127.0.0.1', source_port = {port}, "
    "source_user = 'root', source_password = '', source_auto_position = 1, "
    "source_connect_retry = 1, source_ssl = 0"
)
MARK = "select @@global.gtid_executed"


class LoggingMySQL(MySQLServer):
    """A MySQL that can be a source and a replica; its server_uuid is its own."""

    address_variable = ""
    own_settings: ClassVar[dict[str, str]] = {
        **MySQLServer.own_settings,
        "log-bin": "binlog",
        "gtid-mode": "ON",
        "enforce-gtid-consistency": "ON",
        "report-host": "127.0.0.1",
    }

    def __init__(self, number: int) -> None:
        self.own_settings = {**self.own_settings, "server-id": str(number)}  # type: ignore[misc]
        super().__init__()

    def _start(self) -> None:
        (self._data / "auto.cnf").unlink(missing_ok=True)  # of the template, as of every copy
        super()._start()


class ReplicatedMySQL:
    """The pair; both are servers as other tests know them."""

    def __init__(self) -> None:
        self._resources = ExitStack()
        try:
            self.source = self._resources.enter_context(LoggingMySQL(1))
            self.replica = self._resources.enter_context(LoggingMySQL(2))
            self._follow()
        except BaseException:
            self._resources.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def catch_up(self) -> None:
        """Returns when the replica has all that the source has."""
        ((done,),) = _ask(self.source, MARK)
        ((late,),) = _ask(self.replica, f"select wait_for_executed_gtid_set('{done}', 30)")
        assert late == 0

    def promote(self) -> None:
        """The replica takes the place of the source, which goes on by itself."""
        self.catch_up()
        _ask(self.replica, "stop replica")
        _ask(self.replica, "reset replica all")

    def _follow(self) -> None:
        _ask(self.replica, SOURCE.format(port=self.source.port))
        _ask(self.replica, "start replica")
        wait_until(lambda: bool(_ask(self.source, "show replicas")), "the replica has come")


def _ask(server: Any, sql: str) -> Any:
    with server.connect(None) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()
