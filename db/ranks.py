"""Where a queued run stands: one number, of which workers take the lowest."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from db.schema import runs

PRIORITY_SECONDS = 1e10
"""What a step of priority is worth in seconds of waiting: more than all runs of one priority are apart."""
APART = 0.01
"""Seconds between runs that are queued at once. At a float64's precision a rank has a thousandth of that."""


def rank_of(moment: float, priority: int) -> float:
    """The rank of a run that counts as queued at this moment, in seconds since 1970."""
    return moment - priority * PRIORITY_SECONDS


def last_rank(connection: Connection, priority: int) -> float | None:
    """That of the last queued run of this priority; None where there is none."""
    ranks = select(func.max(runs.c.queue_rank)).where(runs.c.state == "queued", runs.c.priority == priority)
    rank: float | None = connection.execute(ranks).scalar_one()
    return rank


def new_rank(connection: Connection, now: datetime, priority: int) -> float:
    """Behind all queued runs of this priority, and younger than those of any other, wherever they were moved."""
    moments = select(func.max(runs.c.queue_rank + runs.c.priority * PRIORITY_SECONDS)).where(runs.c.state == "queued")
    youngest: float | None = connection.execute(moments).scalar_one()
    moment = now.timestamp()
    return rank_of(moment if youngest is None else max(moment, youngest + APART), priority)
