"""Literals from which the planner's tests are made: no database, no clock, no mock."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lockgate.planner.building.build import Setting, build_up_plan
from lockgate.planner.building.compare import compare
from lockgate.planner.database.ledger import Entry, Identity, Ledger
from lockgate.planner.database.server import Server
from lockgate.planner.migrations.format import parse_sections
from lockgate.planner.migrations.formats.lockgate import read_migration
from lockgate.planner.migrations.migration import Migration, Sections
from lockgate.planner.migrations.order import order
from lockgate.planner.plan.plan import Plan, Source, Step, seal
from lockgate.planner.review.inspection import with_losses
from lockgate.planner.sql.dialect import POSTGRESQL, Dialect

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
UUID = "0b7e2f6c-9a51-4f0e-8f3d-2f1f4a0c7d11"
SERVER = Server(
    dialect=POSTGRESQL,
    version="18.6",
    database="shop",
    history_table="public.schema_migrations",
    evidence={"system_identifier": "7431", "database_oid": "16384"},
    now=NOW,
    read_only=False,
)
IDENTITY = Identity(UUID, "shop", "dev", "database_oid=16384;system_identifier=7431")
SETTING = Setting(
    project="shop",
    environment="dev",
    server=SERVER,
    source=Source(commit="c0ffee", dirty=False, digest="5" * 64),
    tool_version="0.1.0",
)


def read(
    text: str | bytes, filename: str = "001_users.sql", dialect: Dialect = POSTGRESQL
) -> Migration:
    """The migration in a text."""
    return read_migration(filename, text if isinstance(text, bytes) else text.encode(), dialect)


def parse(
    text: str | bytes, variables: Mapping[str, str] | None = None, dialect: Dialect = POSTGRESQL
) -> Sections:
    """Both sections of a text."""
    return parse_sections(read(text, dialect=dialect), dialect, variables or {})


def migration(
    version: str | int,
    up: str | None = None,
    down: str | None = None,
    *,
    requires: str = "",
    options: str = "",
) -> Migration:
    """The migration `{version}_m{version}.sql`; by default it makes and drops a table."""
    up = f"create table t{version} (id int);" if up is None else up
    down = f"drop table t{version};" if down is None else down
    header = f"-- migrate:requires {requires}\n" if requires else ""
    text = f"{header}-- migrate:up {options}\n{up}\n-- migrate:down {options}\n{down}\n"
    return read(text, f"{version}_m{version}.sql")


def ledger(applied: Iterable[Migration] = (), *, serial: int | None = None) -> Ledger:
    """A database to which these were applied, one a second, in this order."""
    entries = tuple(
        Entry(one.version, one.name, one.checksum, NOW + timedelta(seconds=place))
        for place, one in enumerate(applied)
    )
    if not entries and serial is None:
        return Ledger()
    return Ledger(IDENTITY, len(entries) if serial is None else serial, entries)


def up_plan(
    migrations: Iterable[Migration],
    found: Ledger | None = None,
    setting: Setting = SETTING,
    **choice: Any,
) -> Plan:
    """The plan that applies what a ledger lacks of these."""
    found = found or Ledger()
    plan = build_up_plan(compare(order(migrations), found), found, setting, **choice)
    return seal(with_losses(plan, setting.server.dialect))


def after(found: Ledger, steps: Iterable[Step], identity: Identity = IDENTITY) -> Ledger:
    """The ledger that an executor leaves when it has recorded these steps."""
    entries = list(found.entries)
    serial = found.serial
    for place, step in enumerate(steps):
        serial += 1
        if step.direction == "down":
            entries = [entry for entry in entries if entry.version != step.version]
        else:
            entries.append(
                Entry(
                    step.version, step.name, step.checksum, NOW + timedelta(days=1, seconds=place)
                )
            )
    if serial == found.serial:
        return found
    return replace(
        found, identity=found.identity or identity, serial=serial, entries=tuple(entries)
    )
