"""What cannot work is refused when NEq is made, in one sentence with the remedy."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.ao import quantization
from torch.optim import SGD
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)
from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn
from transformers import T5Config, T5ForConditionalGeneration, WhisperConfig, WhisperForConditionalGeneration

from neq import LayerFilter, NEq
from neq.measure.first_pass import ProbeFailed
from tests.neq.marks import no_step_is_made


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def sgd(model: nn.Module) -> SGD:
    return SGD(model.parameters(), lr=0.1, momentum=0.9)


PROBE = [torch.randn(5, 3)]


def refused(error: type[Exception], words: str, **given: Any) -> pytest.ExceptionInfo[Exception]:
    """Made with a network, its optimizer and a probe set, but for what is given."""
    model = given.pop("model", None)
    model = network() if model is None else model
    optimizer = given.pop("optimizer") if "optimizer" in given else sgd(model)
    with pytest.raises(error, match=words) as raised:
        NEq(model, optimizer, given.pop("probe", PROBE), **given)
    assert "\n" not in str(raised.value)
    return raised


@no_step_is_made
def test_share_is_taken_as_what_fraction_was_called() -> None:
    model = nn.Sequential(nn.Linear(3, 4))
    optimizer, probe = torch.optim.SGD(model.parameters(), lr=0.1), [torch.ones(2, 3)]
    with pytest.warns(FutureWarning, match="share is now called fraction") as caught:
        neq = NEq(model, optimizer, probe, select="topk", share=0.5)  # type: ignore[call-arg]
    assert caught[0].filename == __file__
    with neq:
        for _ in range(3):  # from the third on there is a velocity to choose by
            optimizer.step()
            equilibrium = neq.end_epoch()
    assert equilibrium.frozen_fraction == 0.5
    with pytest.raises(TypeError, match="'share' is no option"):
        NEq(model, optimizer, probe, select="topk", share=0.5, fraction=0.5)  # type: ignore[call-arg]


def test_a_list_of_optimizers() -> None:
    model = network()
    refused(
        TypeError, r"list of 2; give the one that moves the layers", model=model, optimizer=[sgd(model), sgd(model)]
    )


@pytest.mark.parametrize("make", [lambda one: StepLR(one, 3), ReduceLROnPlateau], ids=["StepLR", "plateau"])
def test_a_scheduler_in_the_optimizers_place(make: Callable[[SGD], Any]) -> None:
    model = network()
    refused(TypeError, "a scheduler; give scheduler.optimizer", model=model, optimizer=make(sgd(model)))


def test_an_optimizer_of_another_model() -> None:
    refused(ValueError, "type SGD owns none of the model's parameters .*: make it from", optimizer=sgd(network()))


@pytest.mark.parametrize("optimizer", [None, "sgd", 0.1])
def test_something_else_as_optimizer(optimizer: Any) -> None:
    refused(TypeError, "give the torch.optim.Optimizer", optimizer=optimizer)


def test_a_wrapper_that_moves_weights_around_the_steps_of_another() -> None:
    """As schedulefree.ScheduleFreeWrapper does."""

    class Wrapper:
        def __init__(self, base: SGD) -> None:
            self.base = base

    model = network()
    refused(TypeError, "around the steps of its SGD, where frozen neurons", model=model, optimizer=Wrapper(sgd(model)))


def test_model_and_optimizer_swapped() -> None:
    model = network()
    refused(TypeError, "stand in each other's place", model=sgd(model), optimizer=model)


@pytest.mark.parametrize("model", [torch.sin, "resnet18", 3])
def test_something_else_as_model(model: Any) -> None:
    refused(TypeError, "give the torch.nn.Module that is trained", model=model, optimizer=sgd(network()))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_scripted_model() -> None:
    refused(TypeError, "TorchScript, whose layers cannot be seen", model=torch.jit.script(network()))


def test_accelerates_prepared_optimizer_is_unwrapped_and_frozen_neurons_stand() -> None:
    model = network()
    accelerator = Accelerator(cpu=True)
    prepared, optimizer = accelerator.prepare(model, sgd(model))
    neq = NEq(prepared, optimizer, PROBE)
    mask = torch.tensor([True, False, True, False])
    neq.freeze({"0": mask})
    before = model[0].weight.detach().clone()
    for _ in range(3):
        optimizer.zero_grad()
        accelerator.backward(prepared(torch.randn(5, 3)).square().sum())
        optimizer.step()
    assert (model[0].weight == before).all(1).tolist() == mask.tolist()


@pytest.fixture
def process_group() -> Iterator[None]:
    """One process that calls itself a group."""
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="0")
    torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def test_parameters_that_are_split_among_processes(process_group: None) -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    model = fully_shard(network(), mesh=init_device_mesh("cpu", (1,)))
    refused(ValueError, r"parameter '0.weight' is split among processes.*DistributedDataParallel", model=model)


@pytest.mark.parametrize("convert", [nn.Module.double, nn.Module.half, nn.Module.bfloat16])
@no_step_is_made
def test_a_model_that_is_converted_afterwards(convert: Callable[[nn.Module], nn.Module]) -> None:
    model = network()
    neq = NEq(model, sgd(model), PROBE)
    neq.end_epoch()
    convert(model)
    with pytest.raises(ValueError, match=r"'0.weight' is .* on cpu, and was float32 on cpu when NEq was made: convert"):
        neq.end_epoch()


@pytest.mark.filterwarnings("ignore:.*torch.ao.quantization:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*reduce_range:UserWarning")
def test_modules_that_observe_for_quantisation() -> None:
    model = network().train()
    model.qconfig = quantization.get_default_qat_qconfig("fbgemm")  # type: ignore[assignment]
    quantization.prepare_qat(model, inplace=True)
    refused(ValueError, "make NEq before quantisation is prepared", model=model)


def detector() -> nn.Module:
    return fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None, num_classes=3)


def test_a_detection_model_unless_its_second_stage_is_left_out() -> None:
    model, image = detector(), [[torch.rand(3, 64, 64)]]
    raised = refused(ValueError, "sees other proposals in every epoch", model=model, probe=image)
    assert "never=('roi_heads.*',)" in str(raised.value)
    neq = NEq(
        model,
        sgd(model),
        image,
        layers=LayerFilter(never=("roi_heads.*",)),
        forward=lambda model, batch: model(list(batch)),
        measure="streaming",
    )
    assert neq.layers[0].name.startswith("backbone.")


@no_step_is_made
def test_an_encoder_decoder_without_its_labels() -> None:
    config = T5Config(
        vocab_size=20, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, decoder_start_token_id=0, pad_token_id=0
    )
    model = T5ForConditionalGeneration(config)
    ids = torch.randint(1, 20, (2, 5))
    probe = [{"input_ids": ids, "labels": ids}]
    raised = refused(ProbeFailed, r"dict of input_ids, labels \(its `labels` are left out\)", model=model, probe=probe)
    assert "model(**batch)" in str(raised.value) and isinstance(raised.value.__cause__, ValueError)
    neq = NEq(model, sgd(model), probe, forward=lambda model, batch: model(**batch), measure="streaming")
    assert neq.end_epoch().neurons > 0


def test_whisper_without_its_labels() -> None:
    config = WhisperConfig(
        vocab_size=20, d_model=8, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, num_mel_bins=4,
        decoder_attention_heads=2, encoder_ffn_dim=8, decoder_ffn_dim=8, max_source_positions=10, pad_token_id=0,
        max_target_positions=10, decoder_start_token_id=1, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    probe = [{"input_features": torch.randn(2, 4, 20), "labels": torch.randint(3, 20, (2, 4))}]
    refused(ProbeFailed, r"model\(\*\*batch\)", model=WhisperForConditionalGeneration(config), probe=probe)


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        out: Tensor = self.layer(first + second)
        return out


def test_two_inputs_of_which_the_second_would_be_taken_for_targets() -> None:
    probe = [(torch.randn(4, 3), torch.randn(4, 3))]
    raised = refused(ProbeFailed, "tuple of 2, of which the first is given to the model", model=Two(), probe=probe)
    assert "model(*batch)" in str(raised.value)
    assert isinstance(raised.value.__cause__, TypeError)


def test_a_model_that_wants_keywords() -> None:
    class Keywords(Two):
        def forward(self, *, first: Tensor) -> Tensor:  # type: ignore[override]
            out: Tensor = self.layer(first)
            return out

    refused(ProbeFailed, r"a tensor of shape \(5, 3\): TypeError.*give NEq forward=", model=Keywords())
    model = Keywords()
    assert NEq(model, sgd(model), [{"first": PROBE[0]}]).layers


def test_inputs_of_another_size() -> None:
    refused(ProbeFailed, r"tensor of shape \(5, 7\): RuntimeError", probe=[torch.randn(5, 7)])


@pytest.mark.parametrize("measure", ["streaming", "cached"])
def test_a_later_batch_of_another_width_is_named_at_the_start(measure: str) -> None:
    probe = [*PROBE, torch.randn(5, 3), torch.randn(5, 7)]
    refused(ProbeFailed, r"failed on batch 2 of the probe set \(counted", probe=probe, measure=measure)


def test_inputs_and_targets_as_two_batches() -> None:
    refused(ProbeFailed, r"batch 1 of .*give every batch .*\[\(inputs, targets\)\]", probe=[PROBE[0], torch.randn(5)])
    refused(ProbeFailed, r"batch 1 of .* the batch is int64", probe=[PROBE[0], torch.arange(5)])


def test_an_empty_batch() -> None:
    model = nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.LazyLinear(2))
    model(torch.randn(2, 3, 4, 4))
    refused(ProbeFailed, "the batch is empty: leave it out", model=model, probe=[torch.zeros(0, 0, 4, 4)])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.uint8])
def test_a_batch_of_another_number_format(dtype: torch.dtype) -> None:
    name = str(dtype).removeprefix("torch.")
    refused(ProbeFailed, f"the batch is {name} and the model float32: convert it", probe=[PROBE[0].to(dtype)])


def loader(**options: Any) -> DataLoader[Any]:
    return DataLoader(TensorDataset(torch.randn(8, 3)), batch_size=4, **options)


ORDERS = {
    "shuffled": lambda: loader(shuffle=True),
    "subset": lambda: loader(sampler=SubsetRandomSampler(range(6))),
    "weighted": lambda: loader(sampler=WeightedRandomSampler([1.0] * 8, 8)),
    "batches": lambda: DataLoader(
        TensorDataset(torch.randn(8, 3)), batch_sampler=BatchSampler(RandomSampler(range(8)), 4, False)
    ),
}


@pytest.mark.parametrize("kind", ORDERS)
def test_a_loader_that_draws_its_samples_anew(kind: str) -> None:
    refused(ValueError, r"draws its samples anew .* give a DataLoader with shuffle=False", probe=ORDERS[kind]())


def test_a_loader_whose_workers_stay_may_be_the_probe_set() -> None:
    model = network()
    assert NEq(model, sgd(model), loader(num_workers=1, persistent_workers=True)).layers


def test_something_that_gives_the_same_iterator_every_time() -> None:
    class Once:
        def __init__(self) -> None:
            self.batches = iter(PROBE)

        def __iter__(self) -> Iterator[Tensor]:
            return self.batches

    refused(TypeError, "is a Once that can be iterated only once", probe=Once())


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("epsilon", "1e-3", "epsilon is '1e-3', a str; give a number"),
        ("epsilon", None, "epsilon is None, a NoneType; give a number"),
        ("mu", [0.5], r"mu is \[0.5\], a list; give a number"),
        ("fraction", "half", "fraction is 'half', a str; give a number"),
        ("churning_below", "0.9", "churning_below is '0.9'"),
        ("seed", None, "seed is None, a NoneType; give a whole number"),
        ("warmup", 1.5, "warmup is 1.5, a float; give a whole number"),
        ("warmup", True, "warmup is True, a bool; give a whole number"),
    ],
)
def test_numbers_of_another_kind(field: str, value: Any, words: str) -> None:
    refused(TypeError, words, **{field: value})


def test_a_forward_of_ones_own_that_fails() -> None:
    def forward(model: nn.Module, batch: Any) -> Any:
        return model(batch["inputs"])

    raised = refused(ProbeFailed, "failed on the first probe batch, a tensor of shape", forward=forward)
    assert isinstance(raised.value.__cause__, IndexError)


def test_a_layer_that_gives_no_tensor_is_told_as_that_and_not_as_a_failed_pass() -> None:
    class Pair(nn.Linear):
        def forward(self, inputs: Tensor) -> Any:
            return super().forward(inputs), None

    raised = refused(ValueError, "layer '0' gave a tuple", model=nn.Sequential(Pair(3, 2)))
    assert not isinstance(raised.value, ProbeFailed)


class Texts(Dataset[dict[str, list[int]]]):
    """As Hugging Face's `datasets` gives them: samples of plain lists."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, place: int) -> dict[str, list[int]]:
        if place >= 4:
            raise IndexError
        return {"input_ids": [1, 2, 3]}


class FromTheHub(Texts):
    pass


FromTheHub.__module__ = "datasets.arrow_dataset"


@pytest.mark.parametrize(
    "probe", [Texts(), FromTheHub(), TensorDataset(torch.randn(4, 3))], ids=lambda one: type(one).__name__
)
def test_a_data_set_instead_of_a_loader(probe: Any) -> None:
    refused(TypeError, r"gives samples; give DataLoader\(dataset", probe=probe)


def test_a_data_set_that_gives_batches_by_itself_may_be_the_probe_set() -> None:
    class Batches(IterableDataset[Tensor]):
        def __iter__(self) -> Iterator[Tensor]:
            return iter(PROBE)

    model = network()
    assert NEq(model, sgd(model), Batches()).layers


def test_a_loader_of_plain_lists() -> None:
    probe = DataLoader(Texts(), batch_size=2, collate_fn=lambda rows: {"input_ids": [row["input_ids"] for row in rows]})
    refused(TypeError, "a dict without a tensor; collate it, or give NEq a forward", probe=probe)


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        ("data/probe", "probe is a str"),
        (torch.randn(5, 3), r"give \[tensor\]"),
        ({"inputs": torch.randn(5, 3)}, r"give \[batch\]"),
        (7, "probe is a int"),
        (None, "probe is a NoneType"),
        ((torch.randn(5, 3), torch.zeros(5)), r"give \[\(inputs, targets\)\]"),
        ((batch for batch in PROBE), "can be iterated only once"),
        (iter(PROBE), "can be iterated only once"),
        (zip(PROBE, PROBE, strict=True), "can be iterated only once"),
        ([[torch.zeros(3).numpy()]], "begins with a ndarray; give NEq a forward"),
        ([[]], "a probe batch is a list; give NEq a forward"),
    ],
    ids=["text", "tensor", "mapping", "number", "none", "one pair", "generator", "iterator", "zip", "array", "empty"],
)
def test_something_else_as_probe_set(probe: Any, words: str) -> None:
    refused(TypeError, words, probe=probe)


@pytest.mark.parametrize("layers", [["0"], ("0",), "0", nn.Linear])
def test_layers_that_are_no_watch(layers: Any) -> None:
    refused(TypeError, r"give layers=LayerFilter\(only=", layers=layers)


@pytest.mark.parametrize("field", ["only", "never", "never_freeze"])
@pytest.mark.parametrize("given", ["0", nn.Linear])
def test_a_watch_of_one_name_that_is_no_tuple(field: str, given: Any) -> None:
    with pytest.raises(TypeError, match=rf"layers.{field} is .*; give a tuple"):
        LayerFilter(**{field: given})


def test_parameters_without_values() -> None:
    with torch.device("meta"):
        model = network()
    refused(ValueError, "'0.weight' is on the meta device, without values; load the weights", model=model)


def test_parameters_without_a_shape() -> None:
    model = nn.Sequential(nn.LazyLinear(4))
    refused(ValueError, "'0.weight' has no shape yet; run the model once", model=model)


def test_parameters_on_several_devices() -> None:
    model = network()
    model[2].to("meta")
    refused(
        ValueError,
        r"on several devices \('0.weight' on cpu and '2.weight' on meta\); put the whole model on one",
        model=model,
    )


def test_parameters_made_in_inference_mode() -> None:
    with torch.inference_mode():
        model = network()
    refused(ValueError, "'0.weight' was made in inference mode", model=model)


def test_a_forward_that_cannot_be_called() -> None:
    refused(TypeError, r"forward is a str; give a function forward\(model, batch\)", forward="logits")
