"""Frozen neurons as saved seconds and saved memory."""

from neq.freeze.plan import LayerPlan
from neq.savings.savings import Savings

__all__ = ["LayerPlan", "Savings"]
