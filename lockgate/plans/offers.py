"""Which of the ways that a server is asked for it takes: each is tried on a scratch database, where
the tables are as they will be when the statement runs.

What is refused leaves nothing there. It must not print.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from lockgate.executors.failure import ServerError
from lockgate.planner.rewriting.rewrite import Rewriting
from lockgate.planner.value import replace

if TYPE_CHECKING:
    from lockgate.executors.engine import Session
    from lockgate.planner.rewriting.piece import Pieces

ONLY_CLOSED = (
    "the server cannot do it while others write: {}; a program can, by a copy, with "
    "`-- migrate:online` above it"
)


def settle_offers(
    found: Sequence[Rewriting], statements: Sequence[str], session: Session
) -> tuple[Rewriting, ...]:
    """The rewritings with what the server takes of their offers; `statements` are those of the
    section, and the session's database is as it is before them."""
    if not any(one.offers for one in found):
        return tuple(found)
    places = {one.place: one for one in found}
    accepted, place = [], 1
    while place <= len(statements):
        one = places.get(place)
        accepted += [_accepted(one, session)] if one else []
        if one is None or not accepted[-1].pieces:
            covered = one.covers if one else 1
            _run(statements[place - 1 : place - 1 + covered], session)
        place += one.covers if one else 1
    return tuple(accepted)


def _accepted(one: Rewriting, session: Session) -> Rewriting:
    why = ""
    for pieces in one.offers:
        try:
            _try(pieces, session)
        except ServerError as refused:
            why = refused.message.rstrip(".")
        else:
            return replace(one, pieces=pieces, offers=())
    return replace(one, why=ONLY_CLOSED.format(why), offers=())


def _try(pieces: Pieces, session: Session) -> None:
    for piece in pieces:
        session.execute(piece.sql)


def _run(statements: Sequence[str], session: Session) -> None:
    for sql in statements:
        with suppress(ServerError):
            session.execute(sql)
