"""torchvision's networks, fitted to the data: their classes, their channels, their size."""

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import interpolate

from contract.config import TorchvisionClassifier, TorchvisionSegmenter
from contract.errors import RunError
from trainer.engines.environment import Workplace
from trainer.models.attention import call_attention_layers
from trainer.models.shape import DataShape
from trainer.models.weights import State, load_fitting, trained_state

INCEPTION_AUXILIARY_SIDE = 299
"""From this side on Inception's auxiliary head has something to look at; on smaller images it is left out."""
_DENSE_LAYER = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)$")


def classifier(config: TorchvisionClassifier, shape: DataShape, workplace: Workplace | None) -> nn.Module:
    """The network of that name, its head for the data's classes and its first layer for their channels.

    Raises:
        RunError: it cannot take images of this size, or the weights are not to be had.
    """
    from torchvision import models

    sides = shape.sides if config.input_size is None else (config.input_size, config.input_size)
    weights = models.get_model_weights(config.name).DEFAULT
    native = weights.transforms.keywords["crop_size"]
    trained = config.weights == "default"
    remedy = f"Set model.input_size to {native}, which scales them, or choose another network."
    options = _options(config.name, sides, takes_colour=trained and shape.channels == 3)
    model = _made(models.get_model_builder(config.name), options, shape, sides, config.name, remedy)
    if trained:
        state = _as_today(trained_state(weights, _needed(workplace)), model)
        load_fitting(model, state, classes_there=_classes(weights), classes_here=shape.classes, name=config.name)
    _fit_first_layer(model, shape.channels, trained=trained, name=config.name)
    call_attention_layers(model)
    _refuse_unfit(model, shape.channels, sides, config.name, remedy)
    if config.input_size is not None:
        model.register_forward_pre_hook(_Scaling(config.input_size))
    return model


def segmenter(config: TorchvisionSegmenter, shape: DataShape, workplace: Workplace | None) -> nn.Module:
    """The network of that name; it answers with `out`, and in mid-network with `aux` where it has that head.

    Raises:
        RunError: it cannot take images of this size, or the weights are not to be had.
    """
    from torchvision import models

    options: dict[str, Any] = {"weights_backbone": None}
    if not config.name.startswith("lraspp"):
        options["aux_loss"] = config.aux_loss
    builder = models.get_model_builder(config.name)
    remedy = "Choose larger images or another network."
    model = _made(builder, options, shape, shape.sides, config.name, remedy)
    if config.weights == "default":
        weights = models.get_model_weights(config.name).DEFAULT
        state = trained_state(weights, _needed(workplace))
        load_fitting(model, state, classes_there=_classes(weights), classes_here=shape.classes, name=config.name)
    elif config.weights == "backbone":
        _load_backbone(model, config.name, _needed(workplace))
    _fit_first_layer(model, shape.channels, trained=config.weights != "none", name=config.name)
    _refuse_unfit(model, shape.channels, shape.sides, config.name, remedy)
    return model


def _options(name: str, sides: tuple[int, int], *, takes_colour: bool) -> dict[str, Any]:
    """What some of the builders must be told besides the number of classes."""
    if name.startswith("vit_"):
        return {"image_size": sides[0]}
    if name.startswith("maxvit"):
        return {"input_size": sides}
    if name == "googlenet":
        return {"init_weights": True, "transform_input": takes_colour}
    if name == "inception_v3":
        auxiliary = min(sides) >= INCEPTION_AUXILIARY_SIDE
        return {"init_weights": True, "transform_input": takes_colour, "aux_logits": auxiliary}
    return {}


def _made(
    builder: Callable[..., nn.Module],
    options: dict[str, Any],
    shape: DataShape,
    sides: tuple[int, int],
    name: str,
    remedy: str,
) -> nn.Module:
    try:
        return builder(weights=None, num_classes=shape.classes, **options)
    except (ValueError, RuntimeError, AssertionError) as error:
        if "allocate" in str(error):
            raise
        raise _unfit(name, sides, error, remedy) from error


def _needed(workplace: Workplace | None) -> Workplace:
    if workplace is None:
        raise ValueError("trained weights are looked for in a workplace, and none was given")
    return workplace


def _classes(weights: Any) -> int:
    return len(weights.meta["categories"])


def _as_today(state: State, model: nn.Module) -> State:
    """A trained state under the names, and for the image size, that the network has here."""
    named = {_DENSE_LAYER.sub(r"\1\2", key): value for key, value in state.items()}
    positions = getattr(getattr(model, "encoder", None), "pos_embedding", None)
    if positions is None or named["encoder.pos_embedding"].shape == positions.shape:
        return named
    from torchvision.models.vision_transformer import interpolate_embeddings

    resized: State = interpolate_embeddings(model.image_size, model.patch_size, named)
    return resized


def _load_backbone(model: nn.Module, name: str, workplace: Workplace) -> None:
    """ImageNet's weights into the feature extractor, under the names that it has inside a segmentation network."""
    from torchvision import models

    backbone = next(each for each in ("resnet50", "resnet101", "mobilenet_v3_large") if each in name)
    # The first ones, of the reference recipes: torchvision's segmentation networks were trained from them.
    state = trained_state(models.get_model_weights(backbone).IMAGENET1K_V1, workplace)
    short = {key.removeprefix("features."): value for key, value in state.items()}
    inner = model.get_submodule("backbone")
    fitting = {key: value for key, value in short.items() if key in inner.state_dict()}
    load_fitting(inner, fitting, classes_there=0, classes_here=0, name=backbone)


def _fit_first_layer(model: nn.Module, channels: int, *, trained: bool, name: str) -> None:
    """Gives the first convolution as many input channels as the images have.

    Trained weights of three colours are added up for grey images, which gives what three equal channels would give.
    """
    place, first = next((n, m) for n, m in model.named_modules() if isinstance(m, nn.Conv2d))
    if channels == first.in_channels:
        return
    if trained and channels != 1:
        raise RunError(
            f"The trained weights of {name} take images of 1 or 3 channels, not {channels}.",
            "Set model.weights to none, or choose data of 1 or 3 channels.",
        )
    fitted = nn.Conv2d(
        channels,
        first.out_channels,
        first.kernel_size,  # type: ignore[arg-type]
        first.stride,  # type: ignore[arg-type]
        first.padding,  # type: ignore[arg-type]
        bias=first.bias is not None,
        device=first.weight.device,
    )
    with torch.no_grad():
        if trained:
            fitted.weight.copy_(first.weight.sum(dim=1, keepdim=True))
        else:
            fitted.weight.copy_(torch.randn_like(fitted.weight) * first.weight.std())
        if fitted.bias is not None and first.bias is not None:
            fitted.bias.copy_(first.bias)
    parent, _, attribute = place.rpartition(".")
    setattr(model.get_submodule(parent), attribute, fitted)


def _refuse_unfit(model: nn.Module, channels: int, sides: tuple[int, int], name: str, remedy: str) -> None:
    """Sends shapes without numbers through the network, as training will: they fit, or say where they do not."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    ghosts: dict[str, Tensor] = {key: tensor.detach().to("meta") for key, tensor in tensors}
    training = model.training
    try:
        with torch.no_grad():
            functional_call(model.train(), ghosts, (torch.empty(2, channels, *sides, device="meta"),))
    except (RuntimeError, ValueError, AssertionError) as error:
        raise _unfit(name, sides, error, remedy) from error
    finally:
        model.train(training)


def _unfit(name: str, sides: tuple[int, int], error: Exception, remedy: str) -> RunError:
    return RunError(
        f"{name} cannot take images of {sides[0]} × {sides[1]} px: {str(error).splitlines()[0][:200]}", remedy
    )


class _Scaling:
    """Scales a batch of images to a side before the network sees it."""

    def __init__(self, side: int) -> None:
        self._side = side

    def __call__(self, model: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        images, *others = inputs
        if images.shape[-2:] == (self._side, self._side):
            return inputs
        scaled = interpolate(images, (self._side, self._side), mode="bilinear", align_corners=False, antialias=True)
        return scaled, *others
