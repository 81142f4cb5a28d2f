"""All options in one object, or one by one."""

from dataclasses import FrozenInstanceError
from typing import Any, get_type_hints

import pytest
import torch
from torch import nn
from torch.optim import SGD

from neq import NEq, Options
from neq.options import OptionKeywords


def watching(options: Options | None = None, **keywords: Any) -> NEq:
    model = nn.Linear(3, 4)
    return NEq(model, SGD(model.parameters(), lr=0.1), [torch.randn(2, 3)], options, **keywords)


def test_the_keywords_are_the_fields() -> None:
    assert get_type_hints(OptionKeywords) == get_type_hints(Options)


def test_an_object_and_keywords_say_the_same() -> None:
    one, other = watching(Options(epsilon=0.25, warmup=7)), watching(epsilon=0.25, warmup=7)
    assert one._options == other._options
    assert one.first_freezing_epoch == other.first_freezing_epoch == 7


def test_keywords_go_before_the_object() -> None:
    assert watching(Options(warmup=7), warmup=5).first_freezing_epoch == 5


def test_options_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Options().epsilon = 1.0  # type: ignore[misc]


def test_without_any_they_are_the_papers() -> None:
    assert watching()._options == Options()
    assert (Options().phi_taken, Options().momentum_given) == ("global", "keep")
    official = Options(formula="official")
    assert (official.phi_taken, official.momentum_given) == ("per-sample", "cold")
    assert Options(formula="official", phi="global", momentum_on_thaw="keep").momentum_given == "keep"


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"epsilom": 1}, TypeError, "'epsilom' is no option; choose from .*epsilon"),
        ({"epsilon": "1e-3"}, TypeError, "epsilon is '1e-3', a str; give a number"),
        ({"warmup": -1}, ValueError, "warmup is -1; it must be 0 or more"),
        ({"warmup": 1.5}, TypeError, "give a whole number"),
        ({"phi": "mean"}, ValueError, "phi is 'mean'; choose one of global, per-sample"),
        ({"measure": "fast"}, ValueError, "measure is 'fast'; choose one of auto, streaming, cached"),
        ({"phi_precision": "bf16"}, ValueError, "phi_precision is 'bf16'; choose one of float32, tf32"),
        ({"decide_by": "layers"}, ValueError, "decide_by is 'layers'; choose one of neurons, groups"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_name(given: dict[str, Any], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        watching(**given)


def test_a_number_in_the_place_of_options_is_told_what_to_write() -> None:
    with pytest.raises(TypeError, match=r"options is a float; give neq.Options\(…\), or keywords: epsilon=1e-3"):
        watching(0.001)  # type: ignore[arg-type]
