"""SQL cut into runs of a kind, by the planner's lexer, so that a view can colour them.

Changes no character: the runs joined are the SQL.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.planner.sql.cursor import Token, read_tokens
from lockgate.planner.sql.dialect import POSTGRESQL, Dialect

WORDS = """
action add after algorithm all alter always analyze and any as asc attach auto_increment begin
between by call cascade case change charset check cluster collate column comment commit
concurrently constraint convert copy create cross current_date current_timestamp database
declare default deferrable deferred definer delete desc detach disable distinct do drop each
else enable end engine exclude execute exists extension false first for foreign from full
function generated grant group having identity if ignore immediate in index initially inner
insert instead into invoker is join key language left like limit lock materialized modify
natural no not null of offset on only or order outer owner partition policy primary privileges
procedure public range reference references refresh reindex rename replace restrict returning
returns revoke right role rollback row rows schema security select sequence session set show
start statement stored table tablespace temporary then to trigger true truncate type union
unique unlogged update using vacuum valid validate values view virtual when where with without
"""
KEYWORDS = frozenset(WORDS.split())


def cut_sql(sql: str, dialect: Dialect | None) -> Iterator[tuple[str, str]]:
    """The runs of a statement: `keyword`, `name`, `string`, `number`, `comment` or empty; without a
    dialect as PostgreSQL would cut it.

    >>> [run for run in cut_sql("drop table t -- gone", None) if run[0]]
    [('keyword', 'drop'), ('keyword', 'table'), ('comment', ' -- gone')]
    """
    position = 0
    for token in read_tokens(sql, dialect or POSTGRESQL).rest():
        yield from _gap(sql[position : token.start])
        yield _kind(token), sql[token.start : token.end]
        position = token.end
    yield from _gap(sql[position:])


def _gap(text: str) -> Iterator[tuple[str, str]]:
    """What the lexer passes over: white space and comments."""
    if text:
        yield "comment" if text.strip() else "", text


def _kind(token: Token) -> str:
    if token.kind == "word" and token.word in KEYWORDS:
        return "keyword"
    if token.kind in ("name", "string"):
        return token.kind
    return "number" if token.text[:1].isdigit() else ""
