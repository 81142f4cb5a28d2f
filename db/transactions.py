"""What the classes of queries share: each of their methods is one transaction, which its decorator opens.

A method takes the connection behind `self`; who calls it leaves that out. A call with arguments that it does not take
is refused before a transaction begins: within one, whatever goes wrong while values are read is taken for damage.
"""

from collections.abc import Callable
from datetime import datetime
from functools import update_wrapper
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import ColumnElement, Connection

from db.database import Database
from db.errors import StoreFull

P = ParamSpec("P")
T = TypeVar("T")
Query = Callable[Concatenate[Any, Connection, P], T]
Method = Callable[Concatenate[Any, P], T]


class Transactions:
    """A database, and the time by its clock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _now(self) -> ColumnElement[datetime]:
        return self._database.clock()


def reading(query: Query[P, T]) -> Method[P, T]:
    """In a transaction that sees one state of the database."""

    def within(self: Transactions, /, *arguments: P.args, **keywords: P.kwargs) -> T:
        with self._database.reading() as connection:
            return query(self, connection, *arguments, **keywords)

    return _like(query, within)


def writing(*, tell: bool = True) -> Callable[[Query[P, T]], Method[P, T]]:
    """In a transaction that may write, see `Database.writing`.

    Args:
        tell: wake those who wait for changes. False for what no reader shows, such as a heartbeat.
    """

    def decorate(query: Query[P, T]) -> Method[P, T]:
        def within(self: Transactions, /, *arguments: P.args, **keywords: P.kwargs) -> T:
            with self._database.writing(tell=tell) as connection:
                return query(self, connection, *arguments, **keywords)

        return _like(query, within)

    return decorate


def urgent(*, tell: bool = True) -> Callable[[Query[P, T]], Method[P, T]]:
    """The same for what must be possible on a full disk too, with as much of the room kept for that as it takes."""

    def decorate(query: Query[P, T]) -> Method[P, T]:
        def within(self: Transactions, /, *arguments: P.args, **keywords: P.kwargs) -> T:
            while True:
                try:
                    with self._database.writing(tell=tell, urgent=True) as connection:
                        return query(self, connection, *arguments, **keywords)
                except StoreFull:
                    if not self._database.release_reserve():
                        raise

        return _like(query, within)

    return decorate


def _like(query: Query[P, T], within: Method[P, T]) -> Method[P, T]:
    """The method as its callers see it: by the query's name, and without the connection."""
    takes = signature(query)

    def method(self: Transactions, /, *arguments: P.args, **keywords: P.kwargs) -> T:
        takes.bind(self, None, *arguments, **keywords)
        return within(self, *arguments, **keywords)

    update_wrapper(method, query)
    del method.__wrapped__  # type: ignore[attr-defined]  # it takes one argument more than is given
    return method
