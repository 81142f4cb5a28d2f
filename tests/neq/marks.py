"""What tests expect of NEq's warnings."""

import pytest

no_step_is_made = pytest.mark.filterwarnings("ignore::neq.errors.NoStepMade")
"""The test changes weights by hand, or nothing at all: no optimizer makes a step, and NEq says so."""
