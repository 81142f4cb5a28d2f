"""Networks fitted to the data, and the refusals where they cannot be."""

import pytest
import torch
from torch import nn

from contract.config import Cnn, Mlp, Model, ResNetCifar
from contract.errors import RunError
from trainer.models import DataShape, build_model


@pytest.mark.parametrize("config", [Cnn(), Cnn(batch_norm=False), Mlp(), Mlp(batch_norm=True), ResNetCifar(depth=20)])
@pytest.mark.parametrize("shape", [DataShape(1, 28, 10), DataShape(3, 32, 7)])
def test_every_model_answers_with_one_value_a_class(config: Model, shape: DataShape) -> None:
    model = build_model(config, shape, seed=0)
    assert model(torch.randn(3, shape.channels, shape.size, shape.size)).shape == (3, shape.classes)


def test_a_cnn_halves_after_every_second_convolution() -> None:
    model = build_model(Cnn(channels=(4, 4, 4, 4, 4)), DataShape(1, 8, 2), seed=0)
    sizes = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda m, i, output: sizes.append(output.shape[-1]))
    model(torch.randn(2, 1, 8, 8))
    assert sizes == [8, 8, 4, 4, 2]


def test_an_image_too_small_for_its_halvings_is_refused_with_what_would_fit() -> None:
    channels = (4,) * 9  # four halvings need 16 px
    with pytest.raises(RunError, match="9 convolutions halve an image 4 times; 8 px are too few") as error:
        build_model(Cnn(channels=channels), DataShape(1, 8, 2), seed=0)
    assert "at most 8 convolutions" in str(error.value.remedy)
    build_model(Cnn(channels=channels[:8]), DataShape(1, 8, 2), seed=0)(torch.randn(2, 1, 8, 8))


@pytest.mark.parametrize(("depth", "layers"), [(20, 20), (32, 32), (44, 44), (56, 56), (110, 110)])
def test_a_resnets_depth_counts_its_layers_with_weights(depth: int, layers: int) -> None:
    model = build_model(ResNetCifar.model_validate({"depth": depth}), DataShape(3, 32, 10), seed=0)
    assert sum(isinstance(module, nn.Conv2d | nn.Linear) for module in model.modules()) == layers


def test_a_shortcut_has_no_parameters_and_pads_new_channels_on_either_side() -> None:
    model = build_model(ResNetCifar(depth=20), DataShape(3, 32, 10), seed=0)
    block = model.get_submodule("stages.1.0")
    features = torch.randn(2, 16, 8, 8)
    nn.init.zeros_(block.get_parameter("norm2.weight"))  # the residual is gone, the shortcut remains
    out = block(features)
    assert out.shape == (2, 32, 4, 4)
    assert torch.equal(out[:, 8:24], features[:, :, ::2, ::2].relu())
    assert (out[:, :8] == 0).all()
    assert (out[:, 24:] == 0).all()


def test_the_seed_fixes_the_weights_and_nothing_else_is_touched() -> None:
    before = torch.get_rng_state()
    one, again, other = (build_model(Cnn(), DataShape(1, 28, 10), seed=seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["conv1.weight"], other["conv1.weight"])
