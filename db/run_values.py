"""A run's own values as SQL: its columns, and the accuracy and loss that scripts log under names of their own.

Both are looked for among the run's metrics, and in the first of some names that it has: no table holds them twice, and
runs that were recorded before have them too.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, case, func, select

from db.filters import RunColumn
from db.schema import metrics, runs

ACCURACIES = (
    "test_accuracy",
    "test/accuracy",
    "val_accuracy",
    "val/accuracy",
    "eval_accuracy",
    "eval/accuracy",
    "val_acc",
    "val/acc",
    "accuracy",
    "acc",
)
"""Names under which accuracies are logged, those of data that is not trained on first."""
TEST_LOSSES = ("test_loss", "test/loss", "val_loss", "val/loss", "eval_loss", "eval/loss")
"""Names of losses on data that is not trained on; the first is that of a launched run's epochs."""


def value_of(column: RunColumn) -> ColumnElement[Any]:
    """A run's own value; of what its epochs do not tell, what was logged."""
    match column:
        case "test_accuracy":
            return func.coalesce(runs.c.test_accuracy, _logged(ACCURACIES, "last"))
        case "best_test_accuracy":
            return func.coalesce(runs.c.best_test_accuracy, _logged(ACCURACIES, "maximum"))
        case "test_loss":
            return _logged(TEST_LOSSES, "last")
        case "best_test_loss":
            return _logged(TEST_LOSSES, "minimum")
        case _:
            return runs.c[column]


def is_logged(column: RunColumn) -> bool:
    """Whether it may be among the metrics, so that it costs a look there."""
    return column in ("test_accuracy", "best_test_accuracy", "test_loss", "best_test_loss")


def _logged(names: tuple[str, ...], figure: Literal["last", "minimum", "maximum"]) -> ColumnElement[Any]:
    """A figure of the first of these metrics that the run has; NULL where that is not finite."""
    place = case({name: place for place, name in enumerate(names)}, value=metrics.c.name)
    here = (metrics.c.run_id == runs.c.id) & metrics.c.name.in_(names)
    return select(metrics.c[figure]).where(here).order_by(place).limit(1).correlate(runs).scalar_subquery()
