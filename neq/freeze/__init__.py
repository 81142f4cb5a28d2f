"""Holding frozen neurons where they are, and giving them back to the optimizer when they thaw."""
