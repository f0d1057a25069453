"""Sessions that write all the time, and remember what the server has acknowledged.

They must not retry: a refused write is not acknowledged, and that is all there is to it.
"""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pymysql

FIRST = 1000
"""The id of the first order that is written."""


@dataclass
class Acknowledged:
    """What must be found again: orders by id and total, how often a stock was raised, a value."""

    orders: dict[int, int] = field(default_factory=dict)
    raised: int = 0
    setting: str = "EUR"


@contextmanager
def writing(server: Any, database: str) -> Iterator[Acknowledged]:
    """Writers of orders, a stock and a setting for the block; all have ended after it."""
    done = threading.Event()
    kept = Acknowledged()
    writers = [
        threading.Thread(target=_write, args=(server, database, done, write))
        for write in (_order(kept), _stock(kept), _setting(kept))
    ]
    for writer in writers:
        writer.start()
    try:
        yield kept
    finally:
        done.set()
        for writer in writers:
            writer.join()


def _write(server: Any, database: str, done: threading.Event, write: Any) -> None:
    with server.connect(database) as connection, connection.cursor() as cursor:
        for number in itertools.count(1):
            if done.is_set():
                return
            write(cursor, number)


def _order(kept: Acknowledged) -> Any:
    def write(cursor: Any, number: int) -> None:
        sql = "insert into orders (id, customer_id, total) values (%s, 1, %s)"
        if _is_acknowledged(cursor, sql, FIRST + number, number):
            kept.orders[FIRST + number] = number

    return write


def _stock(kept: Acknowledged) -> Any:
    def write(cursor: Any, number: int) -> None:
        kept.raised += _is_acknowledged(
            cursor, "update products set stock = stock + 1 where id = 1"
        )

    return write


def _setting(kept: Acknowledged) -> Any:
    def write(cursor: Any, number: int) -> None:
        if _is_acknowledged(cursor, "update settings set v = %s where k = 'currency'", number):
            kept.setting = str(number)

    return write


def _is_acknowledged(cursor: Any, sql: str, *values: object) -> bool:
    """Whether the server said that it was done: one row written."""
    try:
        return bool(cursor.execute(sql, values or None) == 1)
    except pymysql.MySQLError:
        return False
