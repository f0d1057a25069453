"""A client that writes to a table so often a second, and says how long each write took.

`python -m benchmarks.online_writers URL TABLE ROWS RATE` says when it is ready, and writes until
its input ends: then it prints, as JSON, the moment at which each write was due, the milliseconds
from then on, -1 where it failed, and why.
"""

from __future__ import annotations

import json
import random
import select
import sys
import time
from typing import Any
from urllib.parse import unquote, urlsplit

import click

PATIENCE = 1000
"""Milliseconds after which an application takes a write for failed."""


def connect(url: str) -> Any:
    """A connection of an application that does not wait for long."""
    parts = urlsplit(url)
    if parts.scheme == "postgresql":
        import psycopg

        return psycopg.connect(url, autocommit=True, options=f"-c statement_timeout={PATIENCE}")
    import pymysql

    limits = (
        f"set session lock_wait_timeout = {PATIENCE // 1000}, "
        f"innodb_lock_wait_timeout = {PATIENCE // 1000}"
    )
    return pymysql.connect(
        host=parts.hostname, port=parts.port, user=parts.username, init_command=limits,
        password=unquote(parts.password or ""), database=parts.path[1:], autocommit=True,
    )  # fmt: skip


def main(url: str, table: str, rows: int, rate: float) -> None:
    draw, told = random.Random(), list[tuple[float, float, str]]()
    cursor = connect(url).cursor()
    click.echo("ready")
    due = time.time()
    while True:
        due += 1 / rate
        if select.select([sys.stdin], [], [], max(due - time.time(), 0))[0]:
            break
        try:
            _write(cursor, table, draw, rows)
            told.append((due, (time.time() - due) * 1000, ""))
        except Exception as error:  # whatever it was, the application's user sees an error
            told.append((due, -1, str(error)))
            due = time.time()
    json.dump(told, sys.stdout)


def _write(cursor: Any, table: str, draw: random.Random, rows: int) -> None:
    if draw.random() < 0.8:
        cursor.execute(f"update {table} set n = n + 1 where id = %s", (draw.randint(1, rows),))
        return
    new = draw.randint(10**9, 10**12)
    cursor.execute(f"insert into {table} (id, n) values (%s, 0)", (new,))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
