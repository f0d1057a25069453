"""Environment files: what is read, what is refused, and that no password ever shows."""

import json
import re
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from lockgate.planner.database.address import DatabaseAddress, parse_url
from lockgate.planner.environments.environment import (
    Environment,
    read_environment,
    resolve_database,
)
from lockgate.planner.environments.folder import environment_names, find_environments
from lockgate.planner.environments.keys import (
    Database,
    EnvironmentFile,
    Migrations,
    environment_schema,
)
from lockgate.planner.environments.policy import loosened
from lockgate.planner.errors import ConfigurationError, LockgateError, UsageError
from lockgate.planner.quantities import format_duration, parse_duration, parse_size

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference"
SECRET = "hunter2"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes environments/<name>.yaml for each keyword and returns the folder."""

    def write_files(**files: str) -> Path:
        folder = tmp_path / "environments"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        return folder

    return write_files


def read(
    folder: Path, name: str = "dev", variables: Mapping[str, str] | None = None
) -> Environment:
    return read_environment(name, folder, variables=variables or {})


def refusal(folder: Path, name: str = "dev") -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        read(folder, name)
    return caught.value


# What the shipped files say.


def test_dev_is_a_private_postgresql() -> None:
    dev = read(ROOT / "environments")
    assert (dev.engine, dev.database, dev.policy.require_plan) == ("postgresql", "embedded", False)
    assert dev.embedded_directory == ROOT / ".lockgate" / "dev"
    assert dev.migrations_directory == ROOT / "migrations"


def test_production_is_staging_with_another_database_and_a_stricter_policy() -> None:
    staging, production = (read(ROOT / "environments", name) for name in ("staging", "production"))
    assert production.policy.require_plan
    assert production.timeouts.statement == 900.0
    own = {"name", "database", "extends", "policy"}
    assert staging.model_dump(exclude=own) == production.model_dump(exclude=own)
    assert staging.database != production.database
    assert loosened(staging.policy, production.policy) == "irreversible"


@pytest.mark.parametrize("name", ["dev", "staging", "production"])
def test_the_shipped_files_fit_the_published_schema(name: str) -> None:
    text = (ROOT / "environments" / f"{name}.yaml").read_text("utf-8")
    jsonschema.validate(yaml.safe_load(text), environment_schema())


# Defaults and values.


def test_one_line_is_an_environment(write: Write) -> None:
    dev = read(write(dev="database: embedded\n"))
    assert (dev.name, dev.project, dev.transaction) == ("dev", "default", "plan")
    assert (dev.lock.wait, dev.timeouts.lock, dev.timeouts.statement) == (60.0, 5.0, None)
    assert (dev.max_plan_age, dev.retries.lock) == (604800.0, 5)
    assert (dev.history.table, dev.history.schema_) == ("schema_migrations", None)
    assert (dev.copies.limit, dev.policy.non_atomic) == (parse_size("64MB"), None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0.0), ("500ms", 0.5), ("5s", 5.0), ("2m", 120.0), ("1h", 3600.0), ("7d", 604800.0)],
)
def test_a_duration_has_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    assert format_duration(seconds) == text


@pytest.mark.parametrize("text", ["5", "true", "five", "5 s", "-5s", "05s", "1h30m", "null"])
def test_a_duration_without_a_known_unit_is_refused(write: Write, text: str) -> None:
    error = refusal(write(dev=f"database: embedded\nlock:\n  wait: {text}\n"))
    assert (error.line, error.what) == (
        3,
        "lock.wait: is a whole number with a unit: 500ms, 5s, 2m, 1h or 7d",
    )


def test_a_timeout_that_postgresql_cannot_hold_is_refused(write: Write) -> None:
    assert refusal(write(dev="database: embedded\ntimeouts: {statement: 25d}\n")).line == 2
    assert refusal(write(dev="database: embedded\ntimeouts: {lock: 0s}\n")).line == 2


def test_a_plan_that_expires_at_once_is_refused(write: Write) -> None:
    assert refusal(write(dev="database: embedded\nmax_plan_age: 0d\n")).line == 2


@pytest.mark.parametrize(
    ("text", "size"),
    [("0kB", 0), ("1kB", 1024), ("100MB", 104857600), ("2GB", 2 * 1024**3), ("1TB", 1024**4)],
)
def test_a_size_has_a_unit(write: Write, text: str, size: int) -> None:
    dev = read(write(dev=f"database: embedded\ncopies: {{limit: {text}}}\n"))
    assert dev.copies.limit == parse_size(text) == size


@pytest.mark.parametrize("text", ["five", "100M", "100mb", "1.5GB", "-1kB", "1 MB"])
def test_a_size_without_a_known_unit_is_refused(write: Write, text: str) -> None:
    error = refusal(write(dev=f"database: embedded\ncopies:\n  limit: {text}\n"))
    assert error.line == 3
    assert error.what == "copies.limit: is a whole number with a unit: 500kB, 100MB, 2GB or 1TB"


@pytest.mark.parametrize("rule", ["deny", "require-approval", "warn", "allow"])
def test_an_environment_says_what_a_plan_that_is_not_atomic_meets(write: Write, rule: str) -> None:
    dev = read(write(dev=f"database: embedded\npolicy: {{non_atomic: {rule}}}\n"))
    assert dev.policy.non_atomic == rule


def test_a_step_for_each_transaction_allows_what_is_not_atomic_unless_told_otherwise(
    write: Write,
) -> None:
    text = "database: embedded\ntransaction: step\n"
    assert read(write(dev=text)).policy.non_atomic == "allow"
    assert read(write(dev=f"{text}policy: {{non_atomic: deny}}\n")).policy.non_atomic == "deny"


def test_a_file_may_tighten_what_it_extends(write: Write) -> None:
    folder = write(
        base="database: embedded\npolicy: {rollback: warn, max_steps: 9}\n",
        dev="extends: base\ndatabase: embedded\npolicy:\n  rollback: deny\n",
    )
    policy = read(folder).policy
    assert (policy.rollback, policy.max_steps) == ("deny", 9)


def test_a_file_that_loosens_what_it_extends_is_refused_with_its_line(write: Write) -> None:
    folder = write(
        base="database: embedded\npolicy: {rollback: deny}\n",
        middle="extends: base\ndatabase: embedded\n",
        dev="extends: middle\ndatabase: embedded\npolicy:\n  rollback: warn\n",
    )
    error = refusal(folder)
    assert (error.path, error.line) == (folder / "dev.yaml", 4)
    assert error.what == "policy.rollback lets more pass than middle.yaml, which this file extends"


def test_a_transaction_a_step_that_loosens_what_it_extends_is_named_itself(write: Write) -> None:
    folder = write(
        base="database: embedded\npolicy: {irreversible: warn}\n",
        dev="extends: base\ndatabase: embedded\ntransaction: step\n",
    )
    error = refusal(folder)
    assert (error.path, error.line) == (folder / "dev.yaml", 3)
    assert error.what == "transaction lets more pass than base.yaml, which this file extends"
    assert "policy: {non_atomic: deny}" in error.do


def test_a_loose_file_in_the_middle_is_refused_too(write: Write) -> None:
    folder = write(
        base="database: embedded\npolicy: {rollback: deny}\n",
        middle="extends: base\ndatabase: embedded\npolicy: {rollback: warn}\n",
        dev="extends: middle\ndatabase: embedded\n",
    )
    assert refusal(folder).path == folder / "middle.yaml"


@pytest.mark.parametrize("key", ["non_atomic", "allow_out_of_order", "require_plan"])
def test_a_policy_outside_of_its_map_is_told_where_it_stands(write: Write, key: str) -> None:
    assert "`policy:`" in refusal(write(dev=f"database: embedded\n{key}: true\n")).what


def test_another_rule_is_refused(write: Write) -> None:
    error = refusal(write(dev="database: embedded\npolicy: {non_atomic: never}\n"))
    assert (error.line, "non_atomic" in error.what) == (2, True)


def test_a_bom_is_dropped(write: Write) -> None:
    assert read(write(dev="\ufeffdatabase: embedded\n")).database == "embedded"


# What YAML readers read differently.


@pytest.mark.parametrize(
    "value",
    [
        *("yes", "no", "on", "off", "True", "NO", "010", "0x1F", "1_000", "1:30", "+5"),
        *("1.10", ".5", "1.", ".inf", "2026-11-22", "2026-11-22 10:00:00", "NULL", "=", "9" * 30),
    ],
)
def test_a_value_that_yaml_readers_read_differently_is_refused(write: Write, value: str) -> None:
    error = refusal(write(dev=f"database: embedded\nvariables:\n  flag: {value}\n"))
    assert error.line == 3
    assert error.what.startswith("variables.flag: ")
    assert "quotes" in error.what


@pytest.mark.parametrize("value", ["5", "true", "2024"])
def test_text_that_looks_like_a_number_or_a_boolean_needs_quotes(write: Write, value: str) -> None:
    assert "put quotes" in str(refusal(write(dev=f"database: embedded\nproject: {value}\n")))
    assert read(write(dev=f"database: embedded\nproject: '{value}'\n")).project == value


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 0, "the file is empty"),
        ("# nothing yet\n", 0, "the file is empty"),
        ("- database\n", 1, "does not hold a map"),
        ("embedded\n", 1, "does not hold a map"),
        ("database: embedded\nproject: a\nproject: b\n", 3, "is here twice, first in line 2"),
        ("database: embedded\nlock: {wait: 1s, wait: 2s}\n", 2, "lock.wait: is here twice"),
        ("database: embedded\n---\ndatabase: embedded\n", 2, "a second document"),
        ("database: &here embedded\n", 1, "anchors"),
        ("database: embedded\nproject: *there\n", 2, "aliases"),
        ("database: embedded\n<<: {project: a}\n", 2, "a key is text"),
        ("database: embedded\n5: a\n", 2, "a key is text"),
        ("database: embedded\nvariables: {on: a}\n", 2, "a key is text"),
        ("database: !!python/object/apply:os.system [ls]\n", 1, "tags"),
        ("database: !!str embedded\n", 1, "tags"),
        ("database: [\n", 2, "not YAML"),
        ("database: a: b\n", 1, "not YAML"),
        ("database:\n\turl_env: A\n", 2, "not YAML: a tab, which"),
        ("database:\n  url_env: A\n\tport: 1\n", 3, "not YAML: a tab, which"),
        ("database: " + "[" * 30 + "]" * 30, 1, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_plain_map_is_refused(
    write: Write, text: str, line: int, words: str
) -> None:
    error = refusal(write(dev=text))
    assert (error.path, error.line) == (write() / "dev.yaml", line)
    assert words in error.what


def test_a_file_that_is_not_utf8_is_refused_with_its_line(write: Write) -> None:
    folder = write(dev="")
    (folder / "dev.yaml").write_bytes(b"database: embedded\nproject: caf\xe9\n")
    assert str(refusal(folder)) == f"{folder / 'dev.yaml'}:2: the file is not UTF-8"


def test_a_control_character_is_refused(write: Write) -> None:
    assert "not YAML" in refusal(write(dev="database: embedded\nproject: a\x00b\n")).what


def test_the_pure_python_loader_refuses_the_same(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lockgate.planner.environments.yaml_file.LOADER", yaml.SafeLoader)
    assert refusal(write(dev="database: embedded\nproject: 010\n")).line == 2
    assert refusal(write(dev="database: [\n")).what.startswith("not YAML")
    assert "a tab" in refusal(write(dev="database:\n\turl_env: A\n")).what
    assert read(write(dev="database: embedded\n")).engine == "postgresql"


# What the models refuse.


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("databse: embedded", "databse: unknown key; did you mean database?"),
        ("timeouts: {lok: 5s}", "timeouts.lok: unknown key; did you mean lock?"),
        (
            "fleet: {targets: {schema: t}}",
            "fleet.targets.schema: unknown key; did you mean schemas?",
        ),
        ("rehearsal: {url_evn: A}", "rehearsal.url_evn: unknown key; did you mean url_env?"),
        ("url_env: DATABASE_URL", "url_env: unknown key; it belongs under database:"),
        ("name: dev", "name: unknown key; it belongs under database:; an environment is named"),
        ("lock: 60s", "lock: is a map: its keys are below it, indented"),
        ("engine: oracle", "engine: is one of 'postgresql', 'mysql' or 'mariadb'"),
        ("policy: {require_plan: 'true'}", "policy.require_plan: is true or false, without quotes"),
        ("retries: {lock: '5'}", "retries.lock: is a whole number, without quotes"),
        ("retries: {lock: 101}", "retries.lock: should be less than or equal to 100"),
        ("project:", "project: is empty"),
        ("variables: {my-name: a}", "variables.my-name: does not match"),
    ],
)
def test_a_wrong_key_is_named_with_its_line_and_the_cure(
    write: Write, text: str, what: str
) -> None:
    error = refusal(write(dev=f"database: embedded\n{text}\n"))
    assert error.what.startswith(what)
    assert error.line == 2


def test_all_wrong_keys_are_told_at_once(write: Write) -> None:
    error = refusal(write(dev="project: 5\npolicy: {require_plan: 5}\n"))
    path = write() / "dev.yaml"
    assert error.line == 1
    assert f"{path}:2: policy.require_plan: is true or false" in error.why
    assert "database: is missing; write `database: embedded`" in error.why


@pytest.mark.parametrize(
    ("database", "words"),
    [
        ("postgresql", "is one of 'embedded'"),
        ("[embedded]", "is a map"),
        ("{}", "give exactly one of"),
        ("{url_env: A, url_file: b}", "give exactly one of"),
        ("{url_env: A, options: {sslmode: require}}", "give exactly one of"),
        ("{host: h, name: d}", "the parts are user, name"),
        ("{host: h, socket: /s, user: u, name: d}", "one of host and socket"),
        ("{host: h, user: u, name: d, password_env: A, password_file: b}", "give only one"),
        ("{host: h, user: u, name: d, options: {sslpassword: x}}", "would hold a secret"),
        ("{host: h, user: u, name: d, options: {host: i}}", "write host, socket, port"),
        ("{host: h, user: u, name: d, options: {port: '1'}}", "write host, socket, port"),
        ("{host: h, user: u, name: d, options: {dbname: e}}", "write host, socket, port"),
        ("{host: h, user: u, name: d, options: {unix_socket: /s}}", "write host, socket, port"),
        ("{url_env: }", "has no value"),
        ("{host: h, user: u, name: d}", "engine is missing"),
        ("{url: 'sqlite:///db'}", "a URL starts with postgresql://"),
        ("{password: x}", "password_env or password_file"),
    ],
)
def test_a_database_that_is_not_told_in_one_way_is_refused(
    write: Write, database: str, words: str
) -> None:
    error = refusal(write(dev=f"project: a\ndatabase: {database}\n"))
    assert error.line == 2
    assert words in error.what


# extends


def test_maps_merge_and_lists_and_values_replace(write: Write) -> None:
    folder = write(
        base="timeouts: {lock: 4s, connect: 2s}\nvariables: {a: x}\nproject: shop\n",
        middle="extends: base\ntimeouts: {lock: 3s}\n",
        dev="extends: middle\ndatabase: embedded\nvariables: {b: y}\n",
    )
    dev = read(folder)
    assert (dev.timeouts.lock, dev.timeouts.connect, dev.project) == (3.0, 2.0, "shop")
    assert dev.variables == {"a": "x", "b": "y"}


def test_the_database_is_never_inherited(write: Write) -> None:
    folder = write(base="database: {url_env: DATABASE_URL}\n", dev="extends: base\n")
    assert "database: is missing" in refusal(folder).what
    assert "never inherited" in refusal(folder).what


def test_an_inherited_mistake_is_shown_where_it_stands(write: Write) -> None:
    folder = write(base="\nproject: 5\n", dev="extends: base\ndatabase: embedded\n")
    error = refusal(folder)
    assert (error.path, error.line) == (folder / "base.yaml", 2)


def test_a_circle_is_refused(write: Write) -> None:
    folder = write(dev="extends: b\ndatabase: embedded\n", b="extends: c\n", c="\nextends: b\n")
    error = refusal(folder)
    assert error.what == "extends: goes in a circle: dev -> b -> c -> b"
    assert (error.path, error.line) == (folder / "c.yaml", 2)


def test_an_unknown_parent_is_refused_with_the_nearest(write: Write) -> None:
    folder = write(dev="extends: prodution\ndatabase: embedded\n", production="project: a\n")
    assert refusal(folder).what.endswith("did you mean production?")
    assert refusal(write(dev="extends: 5\ndatabase: embedded\n")).what.startswith(
        "extends: is text"
    )


# Which environment


def test_the_nearest_folder_upwards_is_found(write: Write, tmp_path: Path) -> None:
    folder = write(dev="database: embedded\n")
    deep = tmp_path / "a" / "environments"
    deep.mkdir(parents=True)
    assert find_environments(deep) == folder
    assert find_environments(tmp_path) == folder


def test_no_folder_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--environments DIR"):
        find_environments(tmp_path)


def test_names_are_sorted_and_hidden_files_are_none(write: Write) -> None:
    folder = write(prod="", dev="")
    (folder / ".#dev.yaml").touch()
    (folder / "notes.txt").touch()
    assert environment_names(folder) == ("dev", "prod")
    assert environment_names(folder / "nowhere") == ()


@pytest.mark.parametrize("name", ["prod", "../dev", "DEV", "", "dev.yaml"])
def test_an_unknown_name_is_refused(write: Write, name: str) -> None:
    with pytest.raises(UsageError, match="there is no environment") as caught:
        read(write(dev="database: embedded\n"), name)
    assert "`database: embedded` or `database: $DATABASE_URL`" in caught.value.do


# The address


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgres://u@h/d", ("postgresql", "h", None, 5432, "u", "d")),
        ("postgresql://u:p@h:6432/d", ("postgresql", "h", None, 6432, "u", "d")),
        ("mysql://u@127.0.0.1/d", ("mysql", "127.0.0.1", None, 3306, "u", "d")),
        ("mariadb://u@[::1]:3307/d", ("mariadb", "::1", None, 3307, "u", "d")),
        ("postgresql://u%40x@h/d%2Fe", ("postgresql", "h", None, 5432, "u@x", "d/e")),
        ("postgresql://u@%2Frun%2FPg/d", ("postgresql", None, "/run/Pg", 5432, "u", "d")),
        ("postgresql://u@/d?host=/run/pg", ("postgresql", None, "/run/pg", 5432, "u", "d")),
        ("mysql://u@/d?socket=/run/my.sock", ("mysql", None, "/run/my.sock", 3306, "u", "d")),
    ],
)
def test_a_url_is_taken_apart(url: str, expected: tuple[Any, ...]) -> None:
    a = parse_url(url)
    assert (a.engine, a.host, a.socket, a.port, a.user, a.database) == expected


def test_password_and_options_are_decoded() -> None:
    address = parse_url("postgresql://u:a%40b%2Fc:d%25@h/d?sslmode=verify-full&sslrootcert=%2Fca")
    assert address.password is not None
    assert address.password.get_secret_value() == "a@b/c:d%"
    assert address.options == {"sslmode": "verify-full", "sslrootcert": "/ca"}


BAD_URLS = [
    (f"{SECRET}", "a URL starts with"),
    (f"sqlite://u:{SECRET}@h/d", "a URL starts with"),
    (f"postgresql+psycopg://u:{SECRET}@h/d", "a URL starts with"),
    (f"postgresql://u:{SECRET}@h", "names no database"),
    (f"postgresql://u:{SECRET}@h/", "names no database"),
    (f"postgresql://:{SECRET}@h/d", "names no user"),
    (f"postgresql://u:{SECRET}@/d", "not exactly one host"),
    (f"postgresql://u:{SECRET}@h/d?host=/s", "not exactly one host"),
    (f"postgresql://u:{SECRET}@@h/d", "@ is %40"),
    (f"postgresql://u:a@{SECRET}@h/d", "@ is %40"),
    (f"postgresql://u:a/{SECRET}@h/d", "@ is %40"),
    (f"postgresql://u:a?{SECRET}@h/d", "@ is %40"),
    (f"postgresql://u:a#{SECRET}@h/d", "@ is %40"),
    (f"postgresql://u:a {SECRET}@h/d", "@ is %40"),
    (f"postgresql://u:a\n{SECRET}@h/d", "@ is %40"),
    (f"postgresql://u:%z{SECRET}@h/d", "two hexadecimal digits"),
    (f"postgresql://u:%ff{SECRET}@h/d", "not UTF-8"),
    (f"postgresql://u:{SECRET}@h:0/d", "host or port"),
    (f"postgresql://u:{SECRET}@h:65536/d", "host or port"),
    (f"postgresql://u:{SECRET}@h:{SECRET}/d", "host or port"),
    (f"postgresql://u:{SECRET}@[::1/d", "host or port"),
    (f"postgresql://u:{SECRET}@h1,h2:x/d", "host or port"),
    (f"postgresql://u@h/d?password={SECRET}", "would hold a secret"),
    (f"postgresql://u@h/d?sslpassword={SECRET}", "would hold a secret"),
    (f"postgresql://u:{SECRET}@h/d?user=v", "before the ?"),
    (f"postgresql://u:{SECRET}@h/d?a=1&a=2", "twice"),
    (f"mysql://u:{SECRET}@h/d", "engine is postgresql, but the database is mysql"),
    ("", "is empty"),
]


def all_texts(error: BaseException) -> str:
    """Everything that a person or a log may see of an error and of those behind it."""
    texts = traceback.format_exception(error)
    link: BaseException | None = error
    while link is not None:
        texts += [str(link), repr(link), repr(link.args), repr(vars(link))]
        link = link.__cause__ or link.__context__
    return "\n".join(texts)


@pytest.mark.parametrize(("url", "words"), BAD_URLS)
def test_a_wrong_url_in_a_variable_is_explained_and_not_shown(
    write: Write, url: str, words: str
) -> None:
    dev = read(write(dev="engine: postgresql\ndatabase: {url_env: DATABASE_URL}\n"))
    with pytest.raises(ConfigurationError) as caught:
        resolve_database(dev, {"DATABASE_URL": url})
    assert words in str(caught.value)
    assert caught.value.path == dev.path
    assert SECRET not in all_texts(caught.value)


@pytest.mark.parametrize(("url", "words"), BAD_URLS[:-1])
def test_a_wrong_url_in_the_file_is_explained_and_not_shown(
    write: Write, url: str, words: str
) -> None:
    error = refusal(write(dev=f"engine: postgresql\ndatabase:\n  url: {json.dumps(url)}\n"))
    assert words in str(error)
    assert error.line in (1, 2)
    assert SECRET not in all_texts(error)


@pytest.mark.parametrize(
    "text",
    [
        f"database: nonsense://u:{SECRET}@h/d",
        f"database: {{postgresql://u:{SECRET}@h/d}}",
        f"database: {{url: [{SECRET}]}}",
        f"database: {{url: {{{SECRET}: 1}}}}",
        f"database: {{password: {SECRET}}}",
        f"database: {{password: *{SECRET}}}",
        f"database: {{password: !{SECRET}}}",
        f"database: {{password: !{SECRET}!x y}}",
        f"database: {{password: &{SECRET} y}}",
        f"database: {{password: '{SECRET}",
        f'database: {{password: "\\{SECRET}"}}',
        f"database: {{password: @{SECRET}}}",
        f"database: {{url_env: 'postgresql://u:{SECRET}@h/d'}}",
        f"database: {{url_env: {SECRET}}}",
        f"database: {{url_file: {SECRET}}}",
        f"engine: mysql\ndatabase: {{url: 'postgresql://u:{SECRET}@h/d'}}",
        f"url: postgresql://u:{SECRET}@h/d",
        f"project: 5\ndatabase: {{url: 'postgresql://u:{SECRET}@h/d'}}",
        f"database: embedded\nvariables: {{a: [{SECRET}]}}",
        f"database: embedded\n%{SECRET}\x00",
    ],
)
@pytest.mark.parametrize("loader", ["SafeLoader", "CSafeLoader"])
def test_no_mistake_in_a_file_shows_a_password(
    write: Write, text: str, loader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lockgate.planner.environments.yaml_file.LOADER", getattr(yaml, loader))
    with pytest.raises(LockgateError) as caught:
        read(write(dev=text + "\n"))
    assert SECRET not in all_texts(caught.value)


def test_no_repr_or_dump_shows_a_password(write: Write) -> None:
    url = f"postgresql://u:{SECRET}@h/d"
    dev = read(write(dev=f"database: {{url: '{url}'}}\n"))
    address = resolve_database(dev, {})
    assert address.password is not None
    assert address.password.get_secret_value() == SECRET
    shown: list[object] = [
        dev,
        dev.database,
        dev.model_dump(),
        dev.model_dump(mode="json"),
        address,
    ]
    shown += [dev.model_dump_json(), dev.model_copy(), address.password, vars(dev)]
    assert SECRET not in "".join(f"{item!r}{item}" for item in shown)


@pytest.mark.parametrize(
    ("key", "variables", "words"),
    [
        ("password_env: DB_PASSWORD", {}, "password_env: the variable DB_PASSWORD is not set"),
        ("password_env: DB_PASSWORD", {"DB_PASSWORD": ""}, "DB_PASSWORD is empty"),
        (f"password_env: {SECRET}", {}, "the variable it names is not set"),
        ("password_file: missing", {}, "password_file: the file cannot be read: No such file"),
        ("password_file: .", {}, "password_file: the file cannot be read: Is a directory"),
        ("password_file: empty", {}, "password_file: the file is empty"),
        ("password_file: latin1", {}, "password_file: the file is not UTF-8"),
    ],
)
def test_a_password_that_cannot_be_had_is_explained(
    write: Write, key: str, variables: dict[str, str], words: str
) -> None:
    parts = f"engine: mysql\ndatabase: {{host: h, user: u, name: d, {key}}}\n"
    folder = write(dev=parts)
    (folder / "empty").write_text("\n")
    (folder / "latin1").write_bytes(SECRET.encode() + b"\xe9")
    with pytest.raises(ConfigurationError) as caught:
        resolve_database(read(folder), variables)
    assert words in str(caught.value)
    assert SECRET not in all_texts(caught.value)


COMMANDED = "engine: mysql\ndatabase: {host: h, user: u, name: d, password_command: [token, a b]}\n"


def commanded(folder: Path, variables: dict[str, str]) -> list[str]:
    """The passwords with which an address connects, when a command prints a new one each time."""
    numbers = iter("123")

    def run(command: Sequence[str], environment: Environment) -> str:
        assert list(command) == ["token", "a b"]
        return next(numbers)

    address = resolve_database(read(folder), variables, run)
    passwords = [address.renewed().password for _ in range(2)]
    return [one.get_secret_value() for one in passwords if one]


@pytest.mark.parametrize("listed", ["token 'a b' @h", "other\ntoken 'a b' @h\n"])
def test_a_command_that_is_listed_prints_the_password_at_each_connect(
    write: Write, listed: str
) -> None:
    folder = write(dev=COMMANDED)
    assert commanded(folder, {"LOCKGATE_COMMANDS": listed}) == ["1", "2"]


@pytest.mark.parametrize(
    "listed", [None, "", "token", "token a b @h", "token 'a b'", "token 'a b' @evil", "'"]
)
def test_a_command_of_the_projects_file_is_not_run(write: Write, listed: str | None) -> None:
    variables = {} if listed is None else {"LOCKGATE_COMMANDS": listed}
    with pytest.raises(ConfigurationError, match="token may not run"):
        commanded(write(dev=COMMANDED), variables)


def test_the_list_of_commands_is_no_file_of_the_project(write: Write, tmp_path: Path) -> None:
    folder = write(dev=COMMANDED)
    (folder.parent / "list").write_text("token 'a b' @h\n")
    with pytest.raises(ConfigurationError, match="LOCKGATE_COMMANDS: the file lies in the project"):
        commanded(folder, {"LOCKGATE_COMMANDS": f"@{folder.parent / 'list'}"})


def test_a_command_of_a_commits_file_is_run(write: Write) -> None:
    folder = write(dev="engine: mysql\ndatabase: {url_command: [vault]}\n")
    project = folder.parent / "elsewhere"
    environment = read_environment("dev", folder, variables={}, project=project)
    answers = iter(["mysql://u:1@h/d", "mysql://v:2@i:33/other"])
    address = resolve_database(environment, {}, lambda command, environment: next(answers))
    assert address.renewed().user == "u"
    renewed = replace(address, database="scratch").renewed()
    assert (renewed.user, renewed.host, renewed.port) == ("v", "i", 33)
    assert renewed.database == "scratch"


def test_the_engine_is_known_without_a_command(write: Write) -> None:
    assert "engine is missing" in refusal(write(dev="database: {url_command: [vault]}\n")).what


class TestLibpqsWays:
    def address(self, write: Write, url: str, **variables: str) -> DatabaseAddress:
        return resolve_database(
            read(write(dev="engine: postgresql\ndatabase: $URL\n")), {"URL": url, **variables}
        )

    def test_several_hosts_have_one_port(self, write: Write) -> None:
        found = self.address(
            write, "postgresql://u@a:6000,b:6000/d?target_session_attrs=read-write"
        )
        assert (found.host, found.port) == ("a,b", 6000)
        assert found.options == {"target_session_attrs": "read-write"}
        assert found.url == "postgresql://u@a:6000,b:6000/d"
        assert not found.is_local
        with pytest.raises(ConfigurationError, match="several ports"):
            self.address(write, "postgresql://u@a:1,b:2/d")

    def test_variables_fill_what_the_url_leaves_open(self, write: Write) -> None:
        found = self.address(
            write, "postgresql:///d", PGUSER="u", PGHOST="h", PGPORT="6000", PGPASSWORD=SECRET
        )
        assert found.url == "postgresql://u@h:6000/d"
        assert found.password
        named = self.address(write, "postgresql://v@i/e", PGUSER="u", PGHOST="h", PGDATABASE="d")
        assert named.url == "postgresql://v@i:5432/e"

    def test_a_service_is_found_in_its_file(self, write: Write, tmp_path: Path) -> None:
        file = tmp_path / "services"
        file.write_text("[shop]\nhost=h\nuser=u\ndbname=d\nsslmode=verify-full\n")
        for url in ("postgresql:///?service=shop", "postgresql://"):
            found = self.address(write, url, PGSERVICEFILE=str(file), PGSERVICE="shop", PGUSER="x")
            assert (found.url, found.options) == (
                "postgresql://u@h:5432/d", {"sslmode": "verify-full"},
            )  # fmt: skip
        home = {"HOME": str(tmp_path)}
        with pytest.raises(ConfigurationError, match=r"no file of services has \[shop\]"):
            self.address(write, "postgresql:///?service=shop", **home)
        file.rename(tmp_path / ".pg_service.conf")
        assert self.address(write, "postgresql:///?service=shop", **home).host == "h"

    def test_a_url_of_the_file_is_filled_from_nowhere(self, write: Write) -> None:
        with pytest.raises(ConfigurationError, match="names no user"):
            read(write(dev="database: {url: 'postgresql://h/d'}\n"), variables={"PGUSER": "u"})


def test_the_parts_need_no_escaping(write: Write) -> None:
    parts = "{host: h, port: 1234, user: 'u@x', name: 'd/e', password_file: pw, options: {ssl: y}}"
    folder = write(dev=f"engine: mariadb\ndatabase: {parts}\n")
    (folder / "pw").write_text("p@s:/#?%\n")
    address = resolve_database(read(folder), {})
    assert (address.engine, address.port, address.user) == ("mariadb", 1234, "u@x")
    assert (address.database, address.options) == ("d/e", {"ssl": "y"})
    assert address.password is not None
    assert address.password.get_secret_value() == "p@s:/#?%"


def test_a_file_holds_the_url(write: Write) -> None:
    folder = write(dev="database: {url_file: secret/url}\n")
    (folder / "secret").mkdir()
    (folder / "secret" / "url").write_text("mysql://u@h/d\r\n")
    dev = read(folder)
    assert dev.engine == "mysql"
    assert resolve_database(dev, {}).host == "h"


def test_the_engine_comes_from_the_url_or_needs_no_url(write: Write) -> None:
    without = write(dev="database: {url_env: DATABASE_URL}\n")
    assert read(without, variables={"DATABASE_URL": "mariadb://u@h/d"}).engine == "mariadb"
    assert "DATABASE_URL is not set; it holds a URL such as" in refusal(without).what
    given = write(dev="engine: mysql\ndatabase: {url_env: DATABASE_URL}\n")
    assert read(given).engine == "mysql"


def test_a_mysql_url_is_good_for_mariadb_and_not_the_other_way(write: Write) -> None:
    folder = write(dev="engine: mariadb\ndatabase: {url: 'mysql://u@h/d'}\n")
    assert resolve_database(read(folder), {}).engine == "mariadb"
    assert refusal(write(dev="engine: mysql\ndatabase: {url: 'mariadb://u@h/d'}\n")).line == 1
    assert refusal(write(dev="engine: mysql\ndatabase: embedded\n")).line == 1


def test_an_embedded_database_has_no_address_of_its_own(write: Write) -> None:
    with pytest.raises(ValueError, match="before it is started"):
        resolve_database(read(write(dev="database: embedded\n")), {})


# The documentation


def keys_of(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """Every key, dotted, with its default as JSON shows it."""
    keys: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        key, inner = prefix + (field.alias or name), field.annotation
        nested = {"database": Database, "migrations": Migrations}.get(name) or _model(inner)
        if nested is not None:
            keys |= {key: None} | keys_of(nested, f"{key}.")
        else:
            keys[key] = field.get_default(call_default_factory=True)
    return keys


def _model(annotation: Any) -> type[BaseModel] | None:
    """The model of a map, also of one that may be null."""
    kinds = (one for one in (annotation, *get_args(annotation)) if isinstance(one, type))
    return next((kind for kind in kinds if issubclass(kind, BaseModel)), None)


def documented() -> dict[str, str]:
    rows = re.findall(
        r"^\| `([\w.]+)` \| (.*?) \|",
        (REFERENCE / "environment.md").read_text("utf-8"),
        re.MULTILINE,
    )
    assert len(rows) == len(dict(rows))
    return dict(rows)


def test_the_page_names_every_key_and_no_other() -> None:
    assert set(documented()) == set(keys_of(EnvironmentFile))


def test_the_page_tells_the_defaults() -> None:
    page = documented()
    for key, default in keys_of(EnvironmentFile).items():
        if isinstance(default, bool | int | str) and default != "":
            text = json.dumps(default) if isinstance(default, bool | int) else default
            assert page[key] == f"`{text}`", key
        if isinstance(default, float):
            read_quantity = parse_size if page[key].endswith("B`") else parse_duration
            assert read_quantity(page[key].strip("`")) == default, key


def test_the_pages_examples_are_read(write: Write) -> None:
    text = (REFERENCE / "environment.md").read_text("utf-8")
    examples = re.findall(r"^\| `([\w.]+)` \|.*\| `([^`]+)` \|$", text, re.MULTILINE)
    for key, example in examples:
        around, _, name = key.rpartition(".")
        assert example.startswith(f"{name}: "), key
        if around == "database" and name not in ("url", "url_env", "url_file"):
            continue
        others = {"engine": "postgresql", "database": "{url_env: A}"}
        own = example
        for part in reversed(around.split(".") if around else []):
            own = f"{part}: {{{own}}}"
        rest = [f"{k}: {v}" for k, v in others.items() if k not in (key, key.partition(".")[0])]
        beside = dict.fromkeys(("staging", "production"), "project: a\n")
        folder = write(dev="\n".join([own, *rest]) + "\n", **beside)
        assert read(folder).name == "dev", key


@pytest.mark.parametrize(
    "value",
    [
        {"database": "embedded", "projct": "a"},
        {"database": "other"},
        {"database": {"url_env": "A", "url_file": "b"}},
        {"database": "embedded", "lock": {"wait": 60}},
        {},
    ],
)
def test_the_schema_refuses_what_the_code_refuses(value: dict[str, Any], write: Write) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, environment_schema())
    with pytest.raises(ConfigurationError):
        read(write(dev=json.dumps(value)))


def test_reading_an_environment_loads_no_driver_and_no_template_engine() -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from lockgate.planner.environments.environment import read_environment;"
        "read_environment('production', Path('environments'), variables={});"
        "print({'psycopg', 'pymysql', 'jinja2'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert run.stdout == "set()\n"


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("$DATABASE_URL", {"DATABASE_URL": "postgresql://u@h/d"}),
        ("${DATABASE_URL}", {"DATABASE_URL": "postgresql://u@h/d"}),
        ("postgresql://u@h/d", {}),
    ],
)
def test_a_database_is_a_variable_or_a_url_in_one_word(
    tmp_path: Path, text: str, variables: dict[str, str]
) -> None:
    (tmp_path / "dev.yaml").write_text(f"database: {text}\n")
    environment = read_environment("dev", tmp_path, variables=variables)
    assert resolve_database(environment, variables).host == "h"


@pytest.mark.parametrize("text", ["database: nonsense", "url: postgresql://u:geheim@h/d"])
def test_a_wrong_place_for_the_database_shows_the_line_that_works(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "dev.yaml").write_text(f"{text}\n")
    with pytest.raises(ConfigurationError, match=r"database: \$DATABASE_URL") as caught:
        read_environment("dev", tmp_path, variables={})
    assert "geheim" not in str(caught.value)
    assert ":0:" not in str(caught.value)


def test_an_environment_may_end_in_yml_but_has_one_file(tmp_path: Path) -> None:
    (tmp_path / "dev.yml").write_text("database: embedded\n")
    assert read_environment("dev", tmp_path, variables={}).path == tmp_path / "dev.yml"
    (tmp_path / "dev.yaml").write_text("database: embedded\n")
    with pytest.raises(ConfigurationError, match=r"also dev\.yaml"):
        read_environment("dev", tmp_path, variables={})
