"""The roles of a private server that a rehearsal runs on: those of the live one, and no superuser.

The migrations are somebody's, perhaps a stranger's, and a superuser's SQL runs programs as the
account of the server. A role that is a superuser where it is live may here do what a superuser
most often does in a migration, by rights and not by being one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from lockgate.executors.engine import Engine, Membership, Traits
from lockgate.executors.postgresql.scratch import PUBLIC_OWNER
from lockgate.planner.quoting import double_quoted

ADMINISTRATOR = "lockgate_administrator"
"""Ours: it makes the roles and the scratch database, and runs nothing of a migration."""
FIRST = "lockgate_first"
"""What the role that initdb made is called afterwards: it cannot lose its powers, and its name is
often that of the live one."""
GRANTABLE = ("createdb", "createrole", "bypassrls", "noinherit")
NEVER = frozenset({"pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"})
# https://www.postgresql.org/docs/18/predefined-roles.html
OF_SUPERUSERS = (
    *("pg_read_all_data", "pg_write_all_data", "pg_monitor", "pg_maintain"),
    *("pg_signal_backend", "pg_checkpoint", "pg_create_subscription"),
)
PREDEFINED = "select rolname::text from pg_roles where rolname ~ '^pg_'"
GRANT_PARAMETERS, GRANT_OPTIONS, CONTROL_PATH = 150000, 160000, 180000
"""The versions from which on each is there."""
PARAMETERS = "session_replication_role, deadlock_timeout, log_statement, log_min_duration_statement"
"""What a superuser's migration may set for its session, and what only says what is logged."""

# Only a superuser may make these, and none reaches out of its database.
HARMLESS = (
    *("amcheck", "autoinc", "bloom", "earthdistance", "insert_username", "intagg", "moddatetime"),
    *("pg_buffercache", "pg_freespacemap", "pg_prewarm", "pg_stat_statements", "pg_visibility"),
    *("pgrowlocks", "pgstattuple", "refint", "vector"),
)
SHARED_FOLDER = "select setting from pg_config where name = 'SHAREDIR'"
TRUSTED = "\ntrusted = true\n"


def begin_administration(engine: Engine) -> None:
    """Makes the role that administers the server from now on."""
    engine.session.execute(f"create role {ADMINISTRATOR} superuser login")


def create_roles(engine: Engine, traits: Traits, own_roles: Collection[str]) -> None:
    """Makes the roles of another server, as its administrator; they may not log in, but for its
    user. `own_roles` are left out: the migrations create them."""
    first = engine.session.query_one("select rolname from pg_roles where oid = 10")
    assert first is not None
    engine.session.execute(f"alter role {double_quoted(first[0])} rename to {FIRST}")
    others = [name for name in traits.roles if name not in {*own_roles, traits.user}]
    for name in others:
        engine.session.execute(f"create role {double_quoted(name)}")
    attributes = GRANTABLE[:3] if "superuser" in traits.attributes else traits.attributes
    allowed = " ".join(each for each in GRANTABLE if each in attributes)
    engine.session.execute(f"create role {double_quoted(traits.user)} login {allowed}")
    predefined = {name for (name,) in engine.session.query_all(PREDEFINED)}
    for link in _memberships(traits, others, predefined):
        engine.session.execute(_grant(link, engine.server.dialect.version))
    if "superuser" in traits.attributes:
        _stand_in(engine, traits.user)


def _memberships(
    traits: Traits, others: Collection[str], predefined: Collection[str]
) -> Iterator[Membership]:
    there = {*others, traits.user}
    for link in traits.memberships:
        is_known = link.role in there or link.role in predefined
        if is_known and link.member in there and link.role not in NEVER:
            yield link
    if "superuser" in traits.attributes:
        for role in (*others, *(role for role in OF_SUPERUSERS if role in predefined)):
            yield Membership(role, traits.user, admin=True, inherits=True, sets=True)


def _grant(link: Membership, version: int) -> str:
    """Before version 16 only `admin` could be said of a membership."""
    grant = f"grant {double_quoted(link.role)} to {double_quoted(link.member)}"
    if version < GRANT_OPTIONS:
        return grant + " with admin option" * link.admin
    return f"{grant} with admin {link.admin}, inherit {link.inherits}, set {link.sets}"


def _stand_in(engine: Engine, user: str) -> None:
    """Gives a role what a superuser has without asking: settings, and the roles that it makes."""
    version = engine.server.dialect.version
    if version >= GRANT_PARAMETERS:
        engine.session.execute(f"grant set on parameter {PARAMETERS} to {double_quoted(user)}")
    if version >= GRANT_OPTIONS:  # before, who may create roles may grant them too
        engine.session.execute(
            f"alter role {double_quoted(user)} set createrole_self_grant = 'set, inherit'"
        )


def trust_extensions(engine: Engine, folder: Path) -> None:
    """Lets the owner of a database make the extensions of HARMLESS, of which `folder` gets copies;
    a server before version 18 looks for none there.

    https://www.postgresql.org/docs/18/runtime-config-client.html#GUC-EXTENSION-CONTROL-PATH
    """
    if engine.server.dialect.version < CONTROL_PATH:
        return
    shared = engine.session.query_one(SHARED_FOLDER)
    assert shared is not None
    copies = folder / "extension"
    copies.mkdir(mode=0o755)
    for file in sorted(Path(shared[0], "extension").iterdir()):
        if file.name.partition(".")[0].partition("--")[0] in HARMLESS:
            more = TRUSTED if file.suffix == ".control" else ""
            (copies / file.name).write_text(file.read_text("utf-8") + more, "utf-8")
            (copies / file.name).chmod(0o644)
    engine.session.execute(f"alter system set extension_control_path = '{folder}:$system'")
    engine.session.query_all("select pg_reload_conf()")


def take_database(engine: Engine, old: str, name: str, traits: Traits) -> None:
    """Makes the empty database that a new server has the scratch database of a role: to make one
    more takes longer. The engine's own session has another search_path after it."""
    session, own = engine.session, double_quoted(name)
    session.execute(f"alter database {double_quoted(old)} rename to {own}")
    session.execute(f"comment on database {own} is null")
    session.execute(f"alter database {own} owner to {double_quoted(traits.user)}")
    session.query_one("select pg_catalog.set_config('search_path', %s, false)",
                      (traits.settings["search_path"],))  # fmt: skip
    session.execute(f"alter database {own} set search_path from current")


def give_public(engine: Engine, traits: Traits) -> None:
    """Makes the schema public of a database whose it is where it is live; a superuser's, before
    version 15, whatever the superuser is called."""
    if owner := traits.settings.get(PUBLIC_OWNER):
        engine.session.execute(f"alter schema public owner to {double_quoted(owner)}")
