"""What NEq warns of goes into a run's log, and what it refuses ends the run with reason and remedy."""

import warnings

import pytest

from trainer.config import RunConfig
from trainer.loop.equilibrium import told_by_neq
from trainer.loop.refusals import explained
from trainer.neq.errors import NoStepMade, ProbeChanged


def test_neqs_warnings_are_collected_each_time_and_others_go_on() -> None:
    told: list[str] = []
    with pytest.warns(DeprecationWarning, match="old"):
        for _ in range(2):
            with told_by_neq(told):
                warnings.warn(NoStepMade("no optimizer made a step in epoch 3"), stacklevel=1)
                warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert told == ["no optimizer made a step in epoch 3"] * 2


def test_a_warning_before_an_error_is_told_too() -> None:
    told: list[str] = []

    def fails() -> None:
        with told_by_neq(told):
            warnings.warn(NoStepMade("no step"), stacklevel=1)
            raise ProbeChanged("it is another", "let it be the same")

    with pytest.raises(ProbeChanged):
        fails()
    assert told == ["no step"]


def test_what_neq_refuses_ends_a_run_with_its_own_remedy() -> None:
    error = explained(ProbeChanged("batch 0 is another", "shuffle nothing"), RunConfig())
    assert error is not None
    assert (error.message, error.remedy) == ("Batch 0 is another.", "Shuffle nothing.")
