"""torchvision's networks: every name builds, fits the data, and has its neurons watched."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torchvision import models

from contract.config import RunConfig, TorchvisionClassifier, TorchvisionSegmenter
from contract.config.torchvision_names import Classifier, Segmenter
from contract.errors import RunError
from contract.events import EpochFinished, RunStarted
from neq import LayerFilter
from neq.network.discovery import Discovery, discover
from trainer.engines.environment import Workplace
from trainer.models import DataShape, build_model
from trainer.models.attention import call_attention_layers
from trainer.models.write_names import TARGET, names_module
from trainer.training import train
from trainer.training.tasks import logits_in

pytestmark = pytest.mark.slow

NATIVE = {"inception_v3": 299, "vit_h_14": 224}


def parameters(name: str) -> int:
    return int(models.get_model_weights(name).DEFAULT.meta["num_params"])


LARGEST_FIRST = sorted(get_args(Classifier), key=parameters, reverse=True)
FAMILIES = {re.match(r"[a-z]+(_v\d)?", name)[0]: name for name in LARGEST_FIRST}  # type: ignore[index]
"""The smallest network of each family, by the beginning of their names."""
ONE_OF_EACH = sorted({*FAMILIES.values(), *NATIVE})
OTHERS = sorted({*get_args(Classifier)} - {*ONE_OF_EACH})


class Ghosts(TorchFunctionMode):
    """Weights without numbers: builds a network of any size in a moment. Small tables stay real, for RegNet counts."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        device = {"device": "meta"} if function in (torch.empty, torch.zeros, torch.ones) else {}
        return function(*args, **{**(kwargs or {}), **device})


@pytest.fixture
def ghosts() -> Iterator[None]:
    with Ghosts():
        yield


def classifier(name: str, shape: DataShape, **changes: Any) -> nn.Module:
    return build_model(TorchvisionClassifier.model_validate({"name": name, **changes}), shape, seed=0)


def segmenter(name: str, shape: DataShape, **changes: Any) -> nn.Module:
    return build_model(TorchvisionSegmenter.model_validate({"name": name, **changes}), shape, seed=0)


def watched(model: nn.Module, size: int) -> Discovery:
    model.eval()
    with torch.no_grad():
        return discover(model, lambda: model(torch.empty(1, 3, size, size, device="meta")), LayerFilter())


def test_the_names_are_torchvisions() -> None:
    assert TARGET.read_text() == names_module(), "renew it: python -m trainer.models.write_names"
    assert list(get_args(Classifier)) == models.list_models(module=models)
    assert list(get_args(Segmenter)) == models.list_models(module=models.segmentation)


@pytest.mark.usefixtures("ghosts")
@pytest.mark.parametrize("name", [*ONE_OF_EACH, *(pytest.param(name, marks=pytest.mark.endurance) for name in OTHERS)])
def test_every_classifier_builds_for_grey_images_and_seven_classes(name: str) -> None:
    size = NATIVE.get(name, 224)
    model = classifier(name, DataShape(1, size, 7)).to("meta")
    for logits in logits_in(model.train()(torch.empty(2, 1, size, size, device="meta"))):
        assert logits.shape == (2, 7)


@pytest.mark.usefixtures("ghosts")
@pytest.mark.parametrize("name", get_args(Segmenter))
def test_every_segmenter_answers_for_every_pixel(name: str) -> None:
    model = segmenter(name, DataShape(3, 48, 5, 64))
    outputs = logits_in(model.train()(torch.empty(2, 3, 48, 64, device="meta")))
    assert [tuple(logits.shape) for logits in outputs] == [(2, 5, 48, 64)] * (1 if "lraspp" in name else 2)


@pytest.mark.parametrize(
    ("name", "size", "neurons"),
    [
        ("resnet18", 224, 10_600),  # the paper's
        ("swin_b", 224, 140_008),  # the paper's
        # 12 blocks of 768·(1 + 3 + 1 + 1 + 4 + 1), patches 768, a last norm 768, a head of 1,000
        ("vit_b_16", 224, 12 * 11 * 768 + 2 * 768 + 1000),
    ],
)
@pytest.mark.usefixtures("ghosts")
def test_a_network_has_the_papers_neurons(name: str, size: int, neurons: int) -> None:
    found = watched(classifier(name, DataShape(3, size, 1000)), size)
    assert sum(layer.neurons for layer in found.layers) == neurons


@pytest.mark.usefixtures("ghosts")
@pytest.mark.parametrize("name", ["swin_t", "swin_v2_t", "vit_b_32", "maxvit_t", "convnext_tiny", "efficientnet_b0"])
def test_no_layer_with_weights_goes_unwatched(name: str) -> None:
    assert not watched(classifier(name, DataShape(3, 224, 10)).to("meta"), 224).unwatched


def test_self_attention_computes_what_torchs_does() -> None:
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(12, 3, batch_first=True)
    nn.init.normal_(attention.in_proj_bias)
    model = nn.ModuleDict({"attention": attention})
    tokens = torch.randn(2, 5, 12)
    expected, _ = attention(tokens, tokens, tokens, need_weights=False)
    call_attention_layers(model)
    got, _ = model["attention"](tokens, tokens, tokens, need_weights=False)
    torch.testing.assert_close(got, expected)
    with torch.no_grad():
        found = discover(model, lambda: model["attention"](tokens, tokens, tokens), LayerFilter())
    assert [layer.name for layer in found.layers] == ["attention.qkv", "attention.proj"]


@pytest.mark.parametrize(
    ("name", "size", "native"),
    [("alexnet", 32, 224), ("inception_v3", 64, 299), ("vit_b_16", 28, 224), ("maxvit_t", 128, 224)],
)
def test_an_image_of_the_wrong_size_is_refused_with_the_one_that_fits(name: str, size: int, native: int) -> None:
    with pytest.raises(RunError, match=f"{name} cannot take images of {size} × {size} px") as error:
        classifier(name, DataShape(3, size, 10))
    assert f"model.input_size to {native}" in str(error.value.remedy)


def test_images_may_be_scaled_to_the_size_that_a_network_wants() -> None:
    model = classifier("vit_b_32", DataShape(1, 28, 10), input_size=64).eval()
    images = torch.randn(2, 1, 28, 28)
    larger = torch.nn.functional.interpolate(images, (64, 64), mode="bilinear", antialias=True)
    torch.testing.assert_close(model(images), model(larger))


def test_inceptions_auxiliary_head_is_left_out_where_it_would_see_nothing() -> None:
    small, large = (classifier("inception_v3", DataShape(3, size, 4)) for size in (96, 299))
    assert len(logits_in(small.train()(torch.randn(2, 3, 96, 96)))) == 1
    assert hasattr(large, "AuxLogits")
    assert getattr(large, "AuxLogits", None) is not None


# ---------------------------------------------------------------- trained weights


def put_weights(
    root: Path, name: str, *, change: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None
) -> Any:
    """A network as torchvision would give it, with random weights under the name of its trained ones."""
    torch.manual_seed(7)
    trained = models.get_model(
        name, weights=None, **({"weights_backbone": None, "aux_loss": True} if "deeplab" in name else {})
    )
    weights = models.get_model_weights(name).DEFAULT
    folder = root / "weights"
    folder.mkdir(exist_ok=True)
    state = trained.state_dict()
    torch.save(change(state) if change else state, folder / weights.url.rsplit("/", 1)[1])
    return trained


def from_weights(root: Path, config: TorchvisionClassifier | TorchvisionSegmenter, shape: DataShape) -> nn.Module:
    return build_model(config, shape, seed=0, workplace=Workplace(root))


def test_trained_weights_are_taken_over_and_a_head_for_other_classes_begins_anew(tmp_path: Path) -> None:
    trained = put_weights(tmp_path, "resnet18")
    config = TorchvisionClassifier(name="resnet18", weights="default")
    same, other = (from_weights(tmp_path, config, DataShape(3, 64, classes)) for classes in (1000, 10))
    images = torch.randn(2, 3, 64, 64)
    assert torch.equal(same.eval()(images), trained.eval()(images))
    fresh = classifier("resnet18", DataShape(3, 64, 10))
    assert torch.equal(other.get_parameter("conv1.weight"), trained.conv1.weight)
    assert torch.equal(other.get_parameter("fc.weight"), fresh.get_parameter("fc.weight"))


def test_a_grey_image_is_seen_by_trained_weights_as_three_equal_channels(tmp_path: Path) -> None:
    trained = put_weights(tmp_path, "resnet18")
    config = TorchvisionClassifier(name="resnet18", weights="default")
    grey = from_weights(tmp_path, config, DataShape(1, 64, 1000))
    image = torch.randn(2, 1, 64, 64)
    torch.testing.assert_close(grey.eval()(image), trained.eval()(image.expand(-1, 3, -1, -1)), atol=1e-4, rtol=1e-4)
    with pytest.raises(RunError, match="images of 1 or 3 channels, not 2"):
        from_weights(tmp_path, config, DataShape(2, 64, 10))


def test_densenets_old_names_are_read(tmp_path: Path) -> None:
    def aged(state: dict[str, Tensor]) -> dict[str, Tensor]:
        return {key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): value for key, value in state.items()}

    trained = put_weights(tmp_path, "densenet121", change=aged)
    model = from_weights(tmp_path, TorchvisionClassifier(name="densenet121", weights="default"), DataShape(3, 64, 1000))
    images = torch.randn(1, 3, 64, 64)
    assert torch.equal(model.eval()(images), trained.eval()(images))


def test_a_transformers_positions_are_stretched_to_the_images(tmp_path: Path) -> None:
    put_weights(tmp_path, "vit_b_32")
    config = TorchvisionClassifier(name="vit_b_32", weights="default")
    model = from_weights(tmp_path, config, DataShape(3, 96, 10))
    assert model(torch.randn(1, 3, 96, 96)).shape == (1, 10)


def test_a_segmentation_networks_backbone_may_come_from_imagenet(tmp_path: Path) -> None:
    torch.manual_seed(7)
    trained = models.resnet50(weights=None)
    (tmp_path / "weights").mkdir()
    file = models.ResNet50_Weights.IMAGENET1K_V1.url.rsplit("/", 1)[1]
    torch.save(trained.state_dict(), tmp_path / "weights" / file)
    config = TorchvisionSegmenter(name="fcn_resnet50", weights="backbone")
    model = from_weights(tmp_path, config, DataShape(3, 64, 5))
    for key, value in model.get_submodule("backbone").state_dict().items():
        assert torch.equal(value, trained.state_dict()[key])


def test_a_whole_segmentation_network_takes_heads_for_other_classes(tmp_path: Path) -> None:
    trained = put_weights(tmp_path, "deeplabv3_mobilenet_v3_large")
    config = TorchvisionSegmenter(name="deeplabv3_mobilenet_v3_large", weights="default")
    model = from_weights(tmp_path, config, DataShape(3, 64, 5))
    assert torch.equal(model.get_parameter("classifier.1.weight"), trained.classifier[1].weight)
    assert model.get_parameter("aux_classifier.4.weight").shape[0] == 5


def test_weights_that_are_not_there_are_named_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    config = TorchvisionClassifier(name="resnet18", weights="default")
    with pytest.raises(RunError, match=r"resnet18-\w+\.pth are not on this worker") as error:
        from_weights(tmp_path, config, DataShape(3, 64, 10))
    assert "NEQ_DOWNLOAD" in str(error.value.remedy)
    assert str(tmp_path / "weights") in error.value.message


def test_damaged_weights_and_those_of_another_network_are_refused(tmp_path: Path) -> None:
    put_weights(tmp_path, "resnet18")
    file = next((tmp_path / "weights").iterdir())
    config = TorchvisionClassifier(name="resnet18", weights="default")
    torch.save(models.resnet34().state_dict() | {"conv1.weight": torch.ones(3)}, file)
    with pytest.raises(RunError, match=r"do not belong to resnet18: conv1\.weight"):
        from_weights(tmp_path, config, DataShape(3, 64, 10))
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(RunError, match="cannot be read"):
        from_weights(tmp_path, config, DataShape(3, 64, 10))


# ---------------------------------------------------------------- trained a little

RUNS: dict[str, dict[str, Any]] = {
    "resnet18": {"model": {"kind": "torchvision", "name": "resnet18"}},
    "mobilenet_v3_small": {"model": {"kind": "torchvision", "name": "mobilenet_v3_small"}},
    "swin_t": {"model": {"kind": "torchvision", "name": "swin_t"}},
    "googlenet": {"model": {"kind": "torchvision", "name": "googlenet"}},
    **{
        name: {
            "data": {"kind": "synthetic-segmentation", "size": 32, "train_samples": 20, "test_samples": 10},
            "model": {"kind": "torchvision-segmentation", "name": name},
        }
        for name in ("deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large")
    },
}


@pytest.mark.parametrize("changes", RUNS.values(), ids=RUNS)
def test_a_run_trains_it_and_freezes_neurons(tmp_path: Path, changes: dict[str, Any]) -> None:
    config = RunConfig.model_validate(
        {
            "data": {"kind": "synthetic", "classes": 8, "size": 32, "train_samples": 24, "test_samples": 10},
            "optimizer": {"kind": "sgd", "learning_rate": 0.01},
            "schedule": {"kind": "polynomial"},
            "training": {"epochs": 3, "batch_size": 8},
            "neq": {"epsilon": 0.05, "probe": {"samples": 4}},
            **changes,
        }
    )
    events = list(train(config, Workplace(tmp_path, "cpu", threads=1)))
    started, finished = events[0], [event for event in events if isinstance(event, EpochFinished)]
    assert isinstance(started, RunStarted)
    assert started.task == config.data.task
    assert len(finished) == 3
    assert finished[-1].applied_fraction > 0
    assert set(finished[-1].scores) == ({"miou"} if config.data.task == "segmentation" else {"top5"})
    assert all(0 <= score <= 1 for score in finished[-1].scores.values())


def test_a_network_of_the_other_task_is_refused_at_its_field() -> None:
    with pytest.raises(ValueError, match="choose a segmentation network"):
        RunConfig.model_validate({"data": {"kind": "synthetic-segmentation", "train_samples": 500}})
    with pytest.raises(ValueError, match="needs data with masks"):
        RunConfig.model_validate({"model": {"kind": "torchvision-segmentation"}})
