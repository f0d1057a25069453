"""A stand-in for gh-ost and for spirit, which are not available here: it takes the arguments that
they document and no other, says what they say, and makes, exchanges and drops tables as they do.

`python -m tests.servers.online_stand_in gh-ost|spirit ARGUMENTS` appends its arguments to the file
$RECORD. It follows no writes to the table while it copies, as the programs do by the binary log.

https://github.com/github/gh-ost/blob/master/doc/command-line-flags.md
https://github.com/block/spirit/blob/main/USAGE.md
"""

from __future__ import annotations

import argparse
import configparser
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pymysql

VALUES = {
    "gh-ost": (
        *("host", "port", "database", "table", "alter", "conf"),
        *("chunk-size", "critical-load", "max-lag-millis", "max-load", "nice-ratio"),
    ),
    "spirit": (
        *("host", "database", "table", "alter", "conf"),
        *("lock-wait-timeout", "replica-max-lag", "target-chunk-time", "threads"),
    ),
}
FLAGS = {
    "gh-ost": ("execute", "allow-on-master", "ok-to-drop-table", "initially-drop-socket-file"),
    "spirit": (),
}
TABLES = {
    "gh-ost": ("_{}_gho", "_{}_del", "_{}_ghc"),
    "spirit": ("_{}_new", "_{}_old", "_{}_chkpnt"),
}
"""Of each its copy, what it leaves of the original, and its notes."""
CHUNK = 500


def install(folder: Path, tool: str) -> Path:
    """A folder for PATH that has the program of this name, below the given one."""
    made = folder / "bin" / tool
    made.parent.mkdir(exist_ok=True)
    root = Path(__file__).parents[2]
    made.write_text(
        f'#!/bin/sh\nPYTHONPATH={root} exec {sys.executable} -m {__name__} {tool} "$@"\n'
    )
    made.chmod(0o755)
    return made.parent


def main(tool: str, arguments: Sequence[str]) -> None:
    with Path(os.environ.get("RECORD", os.devnull)).open("a") as record:
        record.write("".join(f"{one}\n" for one in arguments))
    if tool == "gh-ost" and list(arguments) == ["--version"]:
        click.echo("1.1.7 (git commit: a stand-in)")
        return
    given = _parse(tool, arguments)
    connection = _connect(given)
    with connection, connection.cursor() as cursor:
        if tool == "gh-ost" and not given.execute:  # it only looks
            return
        _copy(tool, given, cursor)


def _parse(tool: str, arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(tool, allow_abbrev=False)
    for name in VALUES[tool]:
        parser.add_argument(f"--{name}", required=name in ("database", "table", "alter"))
    for name in FLAGS[tool]:
        parser.add_argument(f"--{name}", action="store_true")
    return parser.parse_args(arguments)


def _connect(given: argparse.Namespace) -> Any:
    """By the section [client] of its file, as an INI file; gh-ost takes no place from there."""
    file = configparser.RawConfigParser()
    file.read(given.conf)
    client = {name: value.strip('"') for name, value in file["client"].items()}
    host, _, port = given.host.partition(":")
    return pymysql.connect(
        host=host, port=int(getattr(given, "port", None) or port), user=client["user"],
        password=client.get("password", ""), database=given.database, autocommit=True,
    )  # fmt: skip


def _copy(tool: str, given: argparse.Namespace, cursor: Any) -> None:
    table = given.table
    copy, old, notes = (f"`{name.format(table)}`" for name in TABLES[tool])
    cursor.execute(f"create table {notes} (id int auto_increment primary key, said text)")
    cursor.execute(f"create table {copy} like `{table}`")
    cursor.execute(f"alter table {copy} {given.alter}")
    cursor.execute(f"select count(*) from `{table}`")
    ((rows,),) = cursor.fetchall()
    names = _shared(cursor, given.database, table, copy.strip("`"))
    for done in range(0, rows, CHUNK):
        _tell(tool, done, rows)
        cursor.execute(f"insert into {copy} ({names}) select {names} from `{table}` "
                       f"order by 1 limit {done}, {CHUNK}")  # fmt: skip
        time.sleep(float(os.environ.get("SLOW", "0")))
    _tell(tool, rows, rows)
    # The cut-over: https://github.com/github/gh-ost/blob/master/doc/cut-over.md
    cursor.execute(f"lock tables `{table}` write, {copy} write")
    cursor.execute(f"rename table `{table}` to {old}, {copy} to `{table}`")
    cursor.execute("unlock tables")
    cursor.execute(f"drop table {notes}")
    if tool == "spirit" or given.ok_to_drop_table:
        cursor.execute(f"drop table {old}")
    click.echo("Done" if tool == "gh-ost" else 'level=INFO msg="apply complete"')


def _shared(cursor: Any, database: str, table: str, copy: str) -> str:
    sql = "select column_name from information_schema.columns where table_schema = %s and " \
          "table_name = %s and generation_expression = ''"  # fmt: skip
    found = []
    for name in (table, copy):
        cursor.execute(sql, (database, name))
        found.append({column for (column,) in cursor.fetchall()})
    return ", ".join(f"`{name}`" for name in sorted(found[0] & found[1]))


def _tell(tool: str, done: int, rows: int) -> None:
    percent = 100 * done / (rows or 1)
    if tool == "gh-ost":
        click.echo(f"Copy: {done}/{rows} {percent:.1f}%; Applied: 0; Backlog: 0/1000; Time: "
              "1s(total), 1s(copy); streamer: binlog.000001:4; Lag: 0.01s, HeartbeatLag: 0.01s, "
              "State: migrating; ETA: N/A")  # fmt: skip
    else:
        click.echo(f'level=INFO msg="migration status" state=copyRows copy-progress="{done}/{rows} '
              f'{percent:.2f}%" binlog-deltas=0 total-time=1s')  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
