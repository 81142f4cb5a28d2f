"""Frozen neurons as saved seconds and saved memory."""

from trainer.neq.savings.plan import LayerPlan
from trainer.neq.savings.savings import Savings

__all__ = ["LayerPlan", "Savings"]
