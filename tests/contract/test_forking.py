"""What a fork may change, and how a part of a description is laid over a whole."""

from typing import Any

import pytest

from contract.config import RunConfig
from contract.config.forking import changes, refused
from contract.config.overlay import laid_over

WHOLE = RunConfig().model_dump(mode="json")


def changed(part: dict[str, Any]) -> RunConfig:
    return RunConfig.model_validate(laid_over(WHOLE, part))


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        ({"model": {"channels": [4, 4]}}, ["model.channels"]),
        ({"model": {"kind": "mlp"}}, ["model.kind"]),
        ({"data": {"train_samples": 1000}}, ["data.train_samples"]),
        ({"training": {"seed": 1}}, ["training.seed"]),
        ({"neq": {"formula": "official"}}, ["neq.formula"]),
        ({"neq": {"layers": {"never": ["head"]}}}, ["neq.layers.never"]),
        ({"neq": {"probe": {"samples": 20}}}, ["neq.probe.samples"]),
    ],
)
def test_what_the_weights_and_the_probe_were_made_of_stays(part: dict[str, Any], fields: list[str]) -> None:
    wrong = refused(RunConfig(), changed(part))
    assert list(wrong) == fields
    assert all("in a fork: " in why for why in wrong.values())


def test_a_rule_that_follows_the_weights_must_have_done_so_from_the_start() -> None:
    assert list(refused(RunConfig(), changed({"neq": {"select": {"kind": "parameter-norm"}}}))) == ["neq.select.kind"]


@pytest.mark.parametrize(
    "part",
    [
        {"name": "other", "tags": ["a"], "notes": "n"},
        {"optimizer": {"learning_rate": 0.5}},
        {"optimizer": {"kind": "adam"}},
        {"schedule": {"kind": "constant"}},
        {"training": {"epochs": 90, "batch_size": 20}},
        {"neq": {"epsilon": 0.5, "mu": 0.1, "select": {"kind": "none"}}},
        {"compute": {"device": "cpu"}},
        {"checkpoints": {"every_n_epochs": 3}},
    ],
    ids=str,
)
def test_everything_else_may_change(part: dict[str, Any]) -> None:
    assert refused(RunConfig(), changed(part)) == {}


def test_augmentation_may_change_though_it_is_part_of_the_data() -> None:
    before = RunConfig.model_validate({"data": {"kind": "cifar10", "augment": True}})
    after = RunConfig.model_validate({"data": {"kind": "cifar10", "augment": False}})
    assert refused(before, after) == {} and changes(before, after) == {"data.augment": (True, False)}


def test_changes_are_told_by_field_and_names_are_none() -> None:
    after = changed({"name": "x", "neq": {"epsilon": 0.5}, "schedule": {"kind": "constant"}})
    told = changes(RunConfig(), after)
    assert told["neq.epsilon"] == (0.001, 0.5) and told["schedule.kind"] == ("multistep", "constant")
    assert len(told) == 2, "neither the name, nor what another choice brings"


def test_a_part_keeps_what_it_does_not_name() -> None:
    laid = laid_over(WHOLE, {"neq": {"epsilon": 0.5}, "optimizer": {"momentum": 0.1}})
    assert laid["neq"] == WHOLE["neq"] | {"epsilon": 0.5}
    assert laid["optimizer"] == WHOLE["optimizer"] | {"momentum": 0.1}


def test_another_choice_brings_its_own_fields_alone() -> None:
    laid = laid_over(WHOLE, {"optimizer": {"kind": "adam"}})
    assert laid["optimizer"] == {"kind": "adam"}
    same = laid_over(WHOLE, {"optimizer": {"kind": "sgd", "momentum": 0.1}})
    assert same["optimizer"] == WHOLE["optimizer"] | {"momentum": 0.1}
