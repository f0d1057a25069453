"""An environment's file that sends a secret elsewhere: what it names is not given to any server."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from lockgate.executors.engine import open_engine
from lockgate.planner.environments.environment import read_environment, resolve_database
from lockgate.planner.errors import ConfigurationError, LockgateError, Unreachable, UsageError
from tests.servers.impostor import HOST, listen, mysql, postgresql, switch_to

SECRET = "ghs_aVeryLongTokenOfTheForge"
PUBLIC_KEY = b"\x01-----BEGIN PUBLIC KEY-----\n"
FULL = b"\x01\x04"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The environments of a project."""
    (tmp_path / "environments").mkdir()
    return tmp_path / "environments"


def attack(
    folder: Path, engine: str, port: int, place: str = f"host: '{HOST}'", more: str = ""
) -> None:
    """The environment as the author of a pull request writes it."""
    (folder / "test.yaml").write_text(
        f"engine: {engine}\ndatabase:\n  {place}\n  port: {port}\n  user: u\n  name: d\n"
        f"  password_env: GITHUB_TOKEN\n{more}"
    )


def open_database(folder: Path, variables: Mapping[str, str]) -> None:
    environment = read_environment("test", folder, variables=variables)
    open_engine(resolve_database(environment, variables), environment).close()


def connect(folder: Path, **variables: str) -> LockgateError:
    """Why no connection comes about."""
    given = {"GITHUB_TOKEN": SECRET, **variables}
    with pytest.raises(LockgateError) as refused:
        open_database(folder, given)
    assert SECRET not in str(refused.value)
    return refused.value


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of nobody's, with its key."""
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         f"/CN={HOST}", "-keyout", "key", "-out", "certificate"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    both = folder / "both"
    both.write_bytes((folder / "key").read_bytes() + (folder / "certificate").read_bytes())
    return both


@pytest.mark.parametrize("kind", ["clear", "md5", "trust"])
@pytest.mark.parametrize(
    "options", ["", "  options: {require_auth: 'password,md5'}\n", "  options: {sslmode: prefer}\n"]
)
@pytest.mark.parametrize(
    "place",
    [
        f"host: '{HOST}'",
        f"socket: '{HOST}'",
        f"socket: '/nowhere,{HOST}'",
        f"host: 'localhost,{HOST}'",
    ],
)
def test_postgresql_is_sent_nothing_but_a_proof(
    folder: Path, kind: str, options: str, place: str
) -> None:
    with listen(postgresql(kind)) as (port, heard):
        attack(folder, "postgresql", port, place, options)
        refused = connect(folder)
    assert isinstance(refused, Unreachable)
    assert heard == []
    if "," not in place:
        assert "SCRAM" in refused.do


@pytest.mark.parametrize("kind", ["clear", "md5"])
@pytest.mark.parametrize(
    "database", ["url: 'postgresql://u@{host}:{port}/d'", "host: '{host}'\n  port: {port}"]
)
def test_a_password_of_libpqs_own_is_not_sent_to_a_host_of_the_file(
    folder: Path, kind: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libpq takes PGPASSWORD by itself where it is given none."""
    monkeypatch.setenv("PGPASSWORD", SECRET)
    with listen(postgresql(kind)) as (port, heard):
        place = database.format(host=HOST, port=port)
        parts = "" if "url" in place else "\n  user: u\n  name: d"
        (folder / "test.yaml").write_text(f"engine: postgresql\ndatabase:\n  {place}{parts}\n")
        assert isinstance(connect(folder), Unreachable)
    assert heard == []


def test_a_local_name_with_another_address_is_not_local(folder: Path) -> None:
    with listen(postgresql("clear")) as (port, heard):
        options = "  options: {hostaddr: 127.0.0.1}\n"
        attack(folder, "postgresql", port, "host: localhost", options)
        assert "SCRAM" in connect(folder).do
    assert heard == []


def test_keys_of_a_session_are_written_to_no_file(folder: Path, tmp_path: Path) -> None:
    attack(folder, "postgresql", 1, more=f"  options: {{sslkeylogfile: {tmp_path}/a}}\n")
    assert isinstance(connect(folder), UsageError)


@pytest.mark.parametrize("engine", ["mysql", "mariadb"])
@pytest.mark.parametrize(
    ("plugin", "then"),
    [
        ("mysql_native_password", (switch_to("mysql_clear_password"),)),
        ("mysql_native_password", (switch_to("dialog"), b"\x02Password: ")),
        ("caching_sha2_password", (FULL, PUBLIC_KEY)),
        ("mysql_native_password", (switch_to("caching_sha2_password"), FULL, PUBLIC_KEY)),
        ("sha256_password", (switch_to("sha256_password"), PUBLIC_KEY)),
        ("mysql_clear_password", (switch_to("mysql_clear_password"),)),
    ],
    ids=["clear", "dialog", "sha2", "switched", "sha256", "greeted"],
)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_mysql_is_sent_nothing_but_a_proof(
    folder: Path, engine: str, plugin: str, then: tuple[bytes, ...], secure: bool,
    certificate: Path,
) -> None:  # fmt: skip
    with listen(mysql(plugin, then, certificate if secure else None)) as (port, heard):
        attack(folder, engine, port)
        connect(folder)
    assert heard
    assert not [packet for packet in heard if SECRET.encode() in packet or len(packet) == 256]


def test_mysql_is_sent_no_key_of_its_own_choice(folder: Path) -> None:
    with listen(mysql("caching_sha2_password", (FULL, PUBLIC_KEY))) as (port, _):
        attack(folder, "mysql", port)
        refused = connect(folder)
    assert isinstance(refused, UsageError)
    assert "a key that was not verified" in refused.what


def test_a_url_that_holds_both_is_sent_as_before(folder: Path) -> None:
    with listen(postgresql("clear")) as (port, heard):
        (folder / "test.yaml").write_text("database: {url_env: URL}\n")
        connect(folder, URL=f"postgresql://u:{SECRET}@{HOST}:{port}/d")
    assert SECRET.encode() in b"".join(heard)


def test_a_local_server_is_sent_the_password_as_before(folder: Path) -> None:
    with listen(postgresql("clear")) as (port, heard):
        attack(folder, "postgresql", port, "host: 127.0.0.1")
        connect(folder)
    assert SECRET.encode() in b"".join(heard)


@pytest.mark.parametrize(
    ("allowed", "is_used"),
    [
        ("DATABASE_PASSWORD", False),
        ("", False),
        ("GITHUB_TOKEN", True),
        (f"OTHER GITHUB_TOKEN@{HOST}", True),
        ("GITHUB_TOKEN@db.example.com", False),
    ],
)
def test_only_listed_variables_are_used(folder: Path, allowed: str, is_used: bool) -> None:
    with listen(postgresql("trust")) as (port, _):
        attack(folder, "postgresql", port)
        refused = connect(folder, LOCKGATE_SECRETS=allowed)
    assert isinstance(refused, Unreachable if is_used else ConfigurationError)
    assert ("LOCKGATE_SECRETS does not allow" in refused.what) is not is_used


def test_the_list_may_be_a_file_outside_of_the_project(folder: Path, tmp_path: Path) -> None:
    attack(folder, "postgresql", 1)
    (tmp_path / "list").write_text("GITHUB_TOKEN\n")
    assert "lies in the project" in connect(folder, LOCKGATE_SECRETS=f"@{tmp_path}/list").what
    outside = tmp_path.parent / f"{tmp_path.name}-list"
    outside.write_text("# allowed\nOTHER\n")
    assert "does not allow" in connect(folder, LOCKGATE_SECRETS=f"@{outside}").what
    outside.write_text("# allowed\nGITHUB_TOKEN\n")
    assert isinstance(connect(folder, LOCKGATE_SECRETS=f"@{outside}"), Unreachable)


@pytest.mark.parametrize("kind", ["password_file", "url_file"])
@pytest.mark.parametrize("is_link", [False, True], ids=["named", "linked"])
def test_a_file_outside_is_not_read(folder: Path, tmp_path: Path, kind: str, is_link: bool) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-secret"
    outside.write_text("postgresql://u:pw@127.0.0.1:1/d\n")
    name = str(outside)
    if is_link:
        (folder / "secret").symlink_to(outside)
        name = "secret"
    parts = "" if kind == "url_file" else f"host: '{HOST}', user: u, name: d, "
    (folder / "test.yaml").write_text(f"engine: postgresql\ndatabase: {{{parts}{kind}: {name}}}\n")
    assert "neither in the project nor" in connect(folder).what
    refused = connect(folder, LOCKGATE_SECRETS_DIR=f"/none:{tmp_path.parent}")
    assert isinstance(refused, Unreachable)


def test_a_private_key_is_no_password(folder: Path) -> None:
    (folder / "key").write_text("-----BEGIN KEY-----\nabc\n-----END KEY-----\n")
    (folder / "test.yaml").write_text(
        f"engine: postgresql\ndatabase: {{host: '{HOST}', user: u, name: d, password_file: key}}\n"
    )
    assert "several lines" in connect(folder).what
