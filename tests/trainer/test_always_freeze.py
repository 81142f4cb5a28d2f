"""Runs whose first layers are frozen from before the first step: what they record, and what they do not compute."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contract.checks.freezing import never_freezes
from contract.config import RunConfig
from contract.errors import RunError
from contract.events import RunStarted
from tests.trainer.test_train import SMALL, epochs_of, run

pytestmark = pytest.mark.slow


def watching(**layers: Any) -> dict[str, Any]:
    return SMALL["neq"] | {"select": {"kind": "none"}, "layers": layers}


@pytest.mark.parametrize(
    "layers", [{"always_freeze_first": 4}, {"always_freeze": ["conv1", "norm[12]", "conv2"]}], ids=["number", "names"]
)
def test_a_static_prefix_is_frozen_in_every_epoch_and_not_computed(tmp_path: Path, layers: dict[str, Any]) -> None:
    events, dense = run(tmp_path, neq=watching(**layers)), run(tmp_path, neq=watching())
    started = events[0]
    assert isinstance(started, RunStarted)
    assert started.first_freezing_epoch == 0 and started.warnings == ()
    assert [layer.always_frozen for layer in started.layers] == [True] * 4 + [False] * 3
    for epoch, plain in zip(epochs_of(events), epochs_of(dense), strict=True):
        # conv1, norm1, conv2 and norm2 have 4, 4, 6 and 6 of the 40 neurons.
        assert epoch.layers.applied == epoch.layers.frozen == (4, 4, 6, 6, 0, 0, 0)
        assert epoch.layers.froze == epoch.layers.thawed == (0,) * 7
        assert epoch.applied_fraction == 0.5
        assert epoch.flops is not None and plain.flops is not None
        assert epoch.flops.dense_weights == plain.flops.weights and epoch.flops.dense_inputs == plain.flops.inputs
        # Multiply-adds of conv3 (6 → 8, 3 × 3) and of the head are all that is left; conv3's inputs need no gradient.
        assert epoch.flops.inputs < plain.flops.inputs and epoch.flops.weights == epoch.flops.least_weights
    first = epochs_of(events)[0].layers.plans
    assert first is not None and first.kinds == ("stopped",) * 4 + ("untouched",) * 3


def test_a_rule_that_freezes_nothing_does_not_say_so_where_layers_are_always_frozen() -> None:
    assert never_freezes(RunConfig.model_validate({"neq": {"epsilon": 0}})) is not None
    assert (
        never_freezes(RunConfig.model_validate({"neq": {"epsilon": 0, "layers": {"always_freeze_first": 1}}})) is None
    )


@pytest.mark.parametrize(
    ("layers", "field", "words"),
    [
        ({"always_freeze": ["a"], "always_freeze_first": 1}, "always_freeze_first", "give names or a number"),
        ({"always_freeze": ["a", "b"], "never_freeze": ["b"]}, "always_freeze", "'b' is in never_freeze too"),
        ({"always_freeze": ["a"], "never": ["a"]}, "always_freeze", "'a' is in never too"),
    ],
)
def test_what_contradicts_itself_is_told_at_its_field(layers: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RunConfig.model_validate({"neq": {"layers": layers}})
    (error,) = refused.value.errors()
    assert error["ctx"]["field"] == field and words in error["msg"]


def test_what_the_network_cannot_bear_ends_the_run_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="always_freeze is 7, and 7 layers are watched: nothing would be left") as caught:
        run(tmp_path, neq=watching(always_freeze_first=7))
    assert caught.value.remedy is not None and "neq.layers" in caught.value.remedy
