"""Grids of runs."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.config import RunConfig
from contract.cost_key import cost_key
from contract.sweeps import MOST_RUNS, Cell, SweepWrong, cells, group_name, names


def configs(found: list[Cell]) -> list[RunConfig]:
    return [RunConfig.model_validate(cell.description) for cell in found]


def test_the_last_path_varies_fastest_and_seeds_within_it() -> None:
    found = cells({}, {"neq.epsilon": [1e-4, 1e-3], "optimizer.kind": ["sgd", "adam"]}, seeds=2)
    told = [(run.neq.epsilon, run.optimizer.kind, run.training.seed) for run in configs(found)]
    assert told == [
        (1e-4, "sgd", 0), (1e-4, "sgd", 1), (1e-4, "adam", 0), (1e-4, "adam", 1),
        (1e-3, "sgd", 0), (1e-3, "sgd", 1), (1e-3, "adam", 0), (1e-3, "adam", 1),
    ]  # fmt: skip
    assert found[3].values == {"neq.epsilon": 1e-4, "optimizer.kind": "adam", "training.seed": 1}


def test_a_kind_brings_its_own_defaults_and_the_bases_keeps_its_fields() -> None:
    base = {"optimizer": {"kind": "sgd", "momentum": 0.5}}
    sgd, adam = configs(cells(base, {"optimizer.kind": ["sgd", "adam"]}))
    assert sgd.optimizer.momentum == 0.5  # type: ignore[union-attr]
    assert adam.optimizer == RunConfig.model_validate({"optimizer": {"kind": "adam"}}).optimizer


def test_kinds_with_fields_of_their_own_stand_as_objects() -> None:
    values = [
        {"kind": "sgd", "learning_rate": 0.1},
        {"kind": "sgd", "learning_rate": 0.01},
        {"kind": "adam", "learning_rate": 0.001},
    ]
    found = cells({}, {"optimizer": values})
    assert [(run.optimizer.kind, run.optimizer.learning_rate) for run in configs(found)] == [
        ("sgd", 0.1),
        ("sgd", 0.01),
        ("adam", 0.001),
    ]
    assert names("x", found, configs(found)) == ["x · sgd learning_rate 0.1", "x · sgd learning_rate 0.01", "x · adam"]


def test_a_field_beside_a_kind_is_that_kinds_whatever_their_order() -> None:
    grid = {"optimizer.learning_rate": [0.5], "optimizer.kind": ["adam"]}
    (run,) = configs(cells({}, grid))
    assert (run.optimizer.kind, run.optimizer.learning_rate) == ("adam", 0.5)


def test_former_names_are_read() -> None:
    grid = {"neq.select": [{"kind": "topk", "share": 0.25}]}
    (run,) = configs(cells({"training": {"accumulate": 4}}, grid))
    assert run.neq.select.fraction == 0.25  # type: ignore[union-attr]
    assert run.training.gradient_accumulation_steps == 4


def test_seeds_follow_the_bases_own() -> None:
    found = cells({"training": {"seed": 7}}, {}, seeds=3)
    assert [run.training.seed for run in configs(found)] == [7, 8, 9]
    assert names("x", found, configs(found)) == ["x · seed 7", "x · seed 8", "x · seed 9"]


def test_names_tell_what_varies_and_nothing_else() -> None:
    found = cells({}, {"neq.epsilon": [1e-3], "optimizer.kind": ["sgd", "adam"], "neq.mu": [0.0, 0.5]})
    assert names("", found, configs(found)) == [
        "cnn · fashion-mnist-mini · sgd · mu 0",
        "cnn · fashion-mnist-mini · sgd · mu 0.5",
        "cnn · fashion-mnist-mini · adam · mu 0",
        "cnn · fashion-mnist-mini · adam · mu 0.5",
    ]
    assert names("base", found, configs(found))[1] == "base · sgd, mu 0.5"
    assert names("n" * 120, found, configs(found))[1] == "n" * 105 + "… · sgd, mu 0.5"


@pytest.mark.parametrize(
    ("name", "grid", "last"),
    [
        ("Fashion-MNIST · SGD", {"optimizer.kind": ["sgd", "adam"]}, "Fashion-MNIST · adam"),
        ("Fashion-MNIST · SGD", {"optimizer": [{"kind": "sgd"}, {"kind": "adam"}]}, "Fashion-MNIST · adam"),
        (
            "Fashion-MNIST · SGD, never frozen",
            {"optimizer.kind": ["sgd", "adam"]},
            "Fashion-MNIST · never frozen · adam",
        ),
        ("Fashion-MNIST · SGD", {"neq.epsilon": [0.1, 0.2]}, "Fashion-MNIST · SGD · epsilon 0.2"),
        ("x · epsilon 0.1", {"neq.epsilon": [0.1, 0.2]}, "x · epsilon 0.2"),
        ("SGD", {"optimizer.kind": ["sgd", "adam"]}, "SGD · adam"),
        ("sgdlike · my adam", {"optimizer.kind": ["sgd", "adam"]}, "sgdlike · my adam · adam"),
    ],
)
def test_a_name_says_nothing_of_a_value_that_varies(name: str, grid: dict[str, list[Any]], last: str) -> None:
    found = cells({}, grid)
    assert names(name, found, configs(found))[-1] == last


def test_names_are_told_apart_by_every_digit_and_by_the_end_of_what_varies() -> None:
    found = cells({}, {"neq.epsilon": [0.1234567, 0.1234568, 1e-5]})
    assert names("x", found, configs(found)) == ["x · epsilon 0.1234567", "x · epsilon 0.1234568", "x · epsilon 1e-05"]
    found = cells({}, {"model.channels": [[*range(1, 60), last] for last in (1, 2)]})
    called = names("x", found, [RunConfig()] * 2)
    assert all(len(name) == 120 and name.startswith("…") for name in called)
    assert [name[-4:] for name in called] == ["59-1", "59-2"]


@pytest.mark.parametrize(
    ("grid", "seeds", "field", "words"),
    [
        ({"neq.epsilon": []}, 1, "grid.neq.epsilon", "no values"),
        ({"neq.epsilon": [1e-3, 0.001]}, 1, "grid.neq.epsilon", "stands there twice"),
        ({"training.epochs": [1, 1.0]}, 1, "grid.training.epochs", "twice"),
        ({"": [1]}, 1, "grid", "is not a field"),
        ({"neq..mu": [1]}, 1, "grid", "is not a field"),
        ({"optimizer": [{}], "optimizer.learning_rate": [1]}, 1, "grid.optimizer.learning_rate", "varies as a whole"),
        ({"training.seed": [1, 2]}, 2, "seeds", "the one or the other"),
        ({"neq.epsilon": [number / 1000 for number in range(11)]}, 100, "grid", "1,100 runs"),
    ],
)
def test_a_grid_that_cannot_be_says_why(grid: dict[str, Any], seeds: int, field: str, words: str) -> None:
    with pytest.raises(SweepWrong, match=words) as caught:
        cells({}, grid, seeds)
    assert caught.value.field == field


def test_as_many_as_may_be_are_taken() -> None:
    assert len(cells({}, {"neq.epsilon": [number / 1000 for number in range(10)]}, MOST_RUNS // 10)) == MOST_RUNS


def test_true_and_1_are_two_values() -> None:
    assert len(cells({}, {"neq.pinning": [True, 1]})) == 2


def test_what_is_wrong_with_a_value_is_left_to_the_description() -> None:
    for wrong in ({"neq": 3}, {"neq": {"epsilon": "x"}}, {"training": None}, {"nosuch": {"a": 1}}):
        assert cells(wrong, {"neq.epsilon": ["y", None, {"a": [1]}]}, seeds=2)


def test_a_group_is_called_by_what_varies() -> None:
    assert (
        group_name({"neq.epsilon": [1, 2], "optimizer.kind": ["a", "b"], "neq.mu": [1]}, 3)
        == "epsilon × optimizer × 3 seeds"
    )
    assert group_name({}, 1) == "sweep"


@settings(deadline=None, max_examples=50)
@given(
    epsilons=st.lists(st.floats(0, 4), min_size=1, max_size=4, unique=True),
    epochs=st.lists(st.integers(2, 500), min_size=1, max_size=3, unique=True),
    kinds=st.lists(st.sampled_from(["sgd", "adam", "adamw"]), min_size=1, unique=True),
    seeds=st.integers(1, 3),
)
def test_every_combination_is_there_once(
    epsilons: list[float], epochs: list[int], kinds: list[str], seeds: int
) -> None:
    grid = {"neq.epsilon": epsilons, "training.epochs": epochs, "optimizer.kind": kinds}
    found = configs(cells({"schedule": {"kind": "constant"}}, grid, seeds))
    told = {(run.neq.epsilon, run.training.epochs, run.optimizer.kind, run.training.seed) for run in found}
    assert told == {(e, n, k, s) for e in epsilons for n in epochs for k in kinds for s in range(seeds)}
    assert len(found) == len(told)


def test_runs_cost_alike_that_differ_in_what_an_epoch_does_not_depend_on() -> None:
    def key(**changes: Any) -> str:
        return cost_key(RunConfig.model_validate(changes))

    assert key() == key(training={"epochs": 7, "seed": 3}, neq={"epsilon": 0.5}, name="x", tags=["y"])
    others = [
        {"training": {"batch_size": 50}},
        {"model": {"kind": "mlp"}},
        {"compute": {"precision": "bf16"}},
        {"neq": {"select": {"kind": "none"}}},
        {"optimizer": {"kind": "adam"}},
        {"data": {"kind": "fashion-mnist-mini", "train_samples": 500}},
    ]
    assert len({key(), *(key(**other) for other in others)}) == 1 + len(others)


def test_a_kind_that_the_name_tells_already_is_not_told_again() -> None:
    grid = {"optimizer": [{"kind": "sgd", "learning_rate": rate} for rate in (0.1, 0.01)] + [{"kind": "adam"}]}
    found = cells({}, grid)
    configs = [RunConfig.model_validate(cell.description) for cell in found]
    assert [name.rpartition("fashion-mnist-mini · ")[2] for name in names("", found, configs)] == [
        "sgd · learning_rate 0.1",
        "sgd · learning_rate 0.01",
        "adam",
    ]
    assert names("x", found, configs) == ["x · sgd learning_rate 0.1", "x · sgd learning_rate 0.01", "x · adam"]
