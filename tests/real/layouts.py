"""The files of other migration tools for numbered tables, each in its own layout."""

import hashlib
import json
from collections.abc import Callable, Sequence

Layout = Callable[[Sequence[int], int], dict[str, str]]
"""The files for these numbers, of which one is broken: it makes its table, and fails then."""

BREAK = "create tabl nothing"


def create(number: int) -> str:
    """What makes the table of a number."""
    return f"create table shop_{number} (id int primary key, name varchar(20))"


def drop(number: int) -> str:
    """What undoes it."""
    return f"drop table shop_{number}"


def _up(number: int, broken: int) -> str:
    return f"{create(number)};\n" + (f"{BREAK};\n" if number == broken else "")


def _marked(name: str, up: str, down: str) -> Layout:
    """One file each, in which these lines begin its sections."""

    def lay_out(numbers: Sequence[int], broken: int) -> dict[str, str]:
        return {name.format(n): f"{up}\n{_up(n, broken)}\n{down}\n{drop(n)};\n" for n in numbers}

    return lay_out


def _graphile(numbers: Sequence[int], broken: int) -> dict[str, str]:
    files, previous = {"current.sql": "-- nothing yet\n"}, "-"
    for number in numbers:
        text = _up(number, broken)
        chained = f"{'' if previous == '-' else previous}\n{text.strip()}".strip() + "\n"
        digest = f"sha1:{hashlib.sha1(chained.encode()).hexdigest()}"
        files[f"committed/{number:06}.sql"] = (
            f"--! Previous: {previous}\n--! Hash: {digest}\n\n{text}"
        )
        previous = digest
    return files


def _drizzle(numbers: Sequence[int], broken: int) -> dict[str, str]:
    entries = [
        {"idx": n, "version": "7", "when": 1700000000000 + n, "tag": f"{n:04}_shop",
         "breakpoints": True}
        for n in numbers
    ]  # fmt: skip
    journal = {"version": "7", "dialect": "postgresql", "entries": entries}
    files = {f"{n:04}_shop.sql": _up(n, broken).replace(";\nc", ";\n--> statement-breakpoint\nc")
             for n in numbers}  # fmt: skip
    return {**files, "meta/_journal.json": json.dumps(journal)}


def _yoyo(numbers: Sequence[int], broken: int) -> dict[str, str]:
    ups = {f"{n:04}.shop.sql": _up(n, broken) for n in numbers}
    return ups | {f"{n:04}.shop.rollback.sql": f"{drop(n)};\n" for n in numbers}


def _sqitch(numbers: Sequence[int], broken: int) -> dict[str, str]:
    lines = [f"shop{n} 2024-01-0{n}T00:00:00Z Ann <ann@example.com> # shop {n}\n" for n in numbers]
    files = {
        "sqitch.conf": "[core]\n\tengine = pg\n",
        "sqitch.plan": "".join(["%syntax-version=1.0.0\n%project=shop\n\n", *lines]),
    }
    for number in numbers:
        files[f"deploy/shop{number}.sql"] = _up(number, broken)
        files[f"revert/shop{number}.sql"] = f"{drop(number)};\n"
    return files


def _liquibase(numbers: Sequence[int], broken: int) -> dict[str, str]:
    sets = (
        f'\n--changeset "ann b":{n}\n--comment: the {n}\n{_up(n, broken)}--rollback {drop(n)};\n'
        for n in numbers
    )
    return {"changelog.sql": "".join(["--liquibase formatted sql\n", *sets])}


def _knex(numbers: Sequence[int], broken: int) -> dict[str, str]:
    def text(number: int) -> str:
        then = f'.then(() => knex.raw("{BREAK}"))' if number == broken else ""
        return (
            f'exports.up = (knex) => knex.raw("{create(number)}"){then};\n'
            f'exports.down = (knex) => knex.raw("{drop(number)}");\n'
        )

    return {f"2024010{n}000000_shop.js": text(n) for n in numbers}


ALEMBIC_ENV = """\
import os
from alembic import context
from sqlalchemy import create_engine
with create_engine(os.environ["URL"]).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
ALEMBIC_REVISION = """\
from alembic import op
revision = {revision!r}
down_revision = {before!r}
def upgrade():
    for statement in {up!r}:
        op.execute(statement)
def downgrade():
    op.execute({down!r})
"""


def _alembic(numbers: Sequence[int], broken: int) -> dict[str, str]:
    files = {"alembic.ini": "[alembic]\nscript_location = steps\n", "steps/env.py": ALEMBIC_ENV}
    for before, number in zip([0, *numbers], numbers, strict=False):
        files[f"steps/versions/r{number}_shop.py"] = ALEMBIC_REVISION.format(
            revision=f"r{number}", before=f"r{before}" if before else None,
            up=_up(number, broken).rstrip(";\n").split(";\n"), down=drop(number),
        )  # fmt: skip
    return files


DJANGO_MANAGE = """\
import os, sys
from urllib.parse import urlsplit
from django.conf import settings
from django.core.management import execute_from_command_line
parts = urlsplit(os.environ["URL"])
if parts.scheme == "mysql":
    import pymysql
    pymysql.install_as_MySQLdb()
settings.configure(
    INSTALLED_APPS=["shop"],
    DATABASES={"default": {
        "ENGINE": f"django.db.backends.{parts.scheme}", "NAME": parts.path[1:],
        "USER": parts.username, "HOST": parts.hostname, "PORT": str(parts.port),
    }},
)
execute_from_command_line(sys.argv)
"""
DJANGO_MIGRATION = """\
from django.db import migrations
class Migration(migrations.Migration):
    dependencies = {before!r}
    operations = [migrations.RunSQL({up!r}, {down!r})]
"""


def _django(numbers: Sequence[int], broken: int) -> dict[str, str]:
    files = {"manage.py": DJANGO_MANAGE, "shop/__init__.py": "", "shop/migrations/__init__.py": ""}
    for before, number in zip([0, *numbers], numbers, strict=False):
        files[f"shop/migrations/{number:04}_shop.py"] = DJANGO_MIGRATION.format(
            before=[("shop", f"{before:04}_shop")] if before else [],
            up=_up(number, broken).rstrip(";\n").split(";\n"), down=[drop(number)],
        )  # fmt: skip
    return files


LAYOUTS: dict[str, Layout] = {
    "dbmate": _marked("2024010{0}000000_shop.sql", "-- migrate:up", "-- migrate:down"),
    "node-pg-migrate": _marked("170000000000{0}_shop.sql", "-- Up Migration", "-- Down Migration"),
    "sql-migrate": _marked("2024010{0}-shop.sql", "-- +migrate Up", "-- +migrate Down"),
    "graphile-migrate": _graphile,
    "drizzle": _drizzle,
    "yoyo": _yoyo,
    "sqitch": _sqitch,
    "liquibase": _liquibase,
    "knex": _knex,
    "alembic": _alembic,
    "django": _django,
}
