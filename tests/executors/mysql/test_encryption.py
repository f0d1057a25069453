"""How much TLS a connection to MySQL has is what its options ask for, or nothing is sent."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from lockgate.executors.mysql.encryption import read_level
from lockgate.planner.errors import Unreachable, UsageError
from lockgate.views.database.transport import CLEAR_TEXT, tell_clear_text
from lockgate.workspace import open_workspace
from tests.executors.building import Recorder, environment_for, open_test_engine
from tests.executors.rows import ask
from tests.servers.mysql import MySQLServer

CIPHER = "show session status like 'Ssl_cipher'"


class EncryptingServer(MySQLServer):
    """A MySQL that offers TLS, with the certificate that it makes itself."""

    address_variable = "LOCKGATE_TEST_ENCRYPTING_MYSQL_URL"
    own_settings: ClassVar[dict[str, str]] = {
        name: value for name, value in MySQLServer.own_settings.items() if name != "tls-version"
    }


@pytest.fixture(scope="module")
def encrypting() -> Iterator[Any]:
    """A server that offers TLS."""
    with EncryptingServer() as server:
        yield server


def cipher_by(server: Any, options: str) -> str:
    """The cipher of a session that these options have made."""
    with open_test_engine(server, "", database={"url": server.url("mysql") + options}) as engine:
        return str(engine.session.query_one(CIPHER)[1])


def test_further_sessions_are_encrypted_as_the_first_one_is(encrypting: Any) -> None:
    url = encrypting.url("mysql")
    with (
        open_test_engine(encrypting, "", database={"url": url}) as engine,
        engine.lock.hold(0, Recorder()),
    ):
        before = engine.session.query_one(CIPHER)
        assert before is not None
        assert before[1] != ""
        engine.lock.renew()
        assert engine.session.query_one(CIPHER) == before


def test_each_level_is_what_it_says(encrypting: Any) -> None:
    (folder,) = ask(encrypting, "mysql", "select @@datadir")[0]
    authority = f"ssl_ca={folder}ca.pem"
    assert cipher_by(encrypting, "?tls=off") == ""
    for options in ("", "?tls=required", f"?tls=verify-ca&{authority}", f"?{authority}"):
        assert cipher_by(encrypting, options) != ""
    for options, why in (
        ("?tls=verify-ca", "self-signed"),
        (f"?tls=verify-full&{authority}", "127.0.0.1"),
        ("?ssl_verify_identity=true", "self-signed"),
    ):
        with pytest.raises(Unreachable, match=why):
            cipher_by(encrypting, options)


def test_a_server_without_tls_is_refused_where_it_is_demanded(
    mysql_server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Unreachable, match="SSL is required"):
        cipher_by(mysql_server, "?tls=required")
    elsewhere = mysql_server.url("mysql").replace("127.0.0.1", "0.0.0.0")  # no loopback address
    for options, told in (("", True), ("?tls=off", False)):
        environment = environment_for(mysql_server, "", database={"url": elsewhere + options})
        with open_workspace(environment) as work:
            tell_clear_text(work)
            assert (CLEAR_TEXT in capsys.readouterr().err.replace("\n", " ")) is told


def test_options_say_it_once_and_in_known_words() -> None:
    for options, expected in (
        ({"colour": "red"}, "colour"),
        ({"charset": "latin1"}, "charset"),
        ({"autocommit": "0"}, "autocommit"),
        ({"conv": "x"}, "conv"),
        ({"ssl_disabled": "maybe"}, "neither"),
        ({"tls": "prefer"}, "not known"),
        ({"tls": "off", "ssl_verify_cert": "true"}, "tls and ssl_verify_cert"),
    ):
        with pytest.raises(UsageError, match=expected):
            read_level(options)
    assert read_level({"ssl_disabled": "false", "ssl_ca": "/x"}) == "required"
    assert read_level({"ssl_verify_cert": "1", "ssl_verify_identity": "yes"}) == "verify-full"
    assert read_level({}) == ""
    assert read_level({"charset": "utf8mb4"}) == ""  # of a URL that is shared with SQLAlchemy
