"""Whether a CREATE TABLE of MySQL leaves a transaction open, as replication sends it.

https://dev.mysql.com/doc/refman/9.7/en/create-table.html
"""

from __future__ import annotations

from itertools import pairwise

from lockgate.planner.sql.cursor import read_head
from lockgate.planner.sql.dialect import Dialect


def leaves_transaction_open(sql: str, dialect: Dialect) -> bool:
    """Whether START TRANSACTION is in a CREATE TABLE, or may where it is too long to be read.

    >>> from lockgate.planner.sql.dialect import MYSQL
    >>> leaves_transaction_open("create table t (a int) start transaction", MYSQL)
    True
    """
    if dialect.transactional_ddl or "transaction" not in sql.lower():
        return False
    cursor = read_head(sql, dialect)
    found = [token.word for token in cursor.rest()]
    is_table = found[:1] == ["create"] and "table" in found[:4]
    return is_table and (cursor.is_cut or ("start", "transaction") in pairwise(found))
