"""Networks whose runs are made up for benchmarks: their watched layers, by the names and sizes that they have."""

from collections.abc import Iterator, Sequence

from contract.layers import Layer

Watched = tuple[Layer, ...]


def network(layers: Sequence[tuple[str, str, int, int]]) -> Watched:
    """Layers from (name, type, neurons, parameters)."""
    return tuple(
        Layer(index=index, name=name, type=kind, neurons=neurons, parameters=parameters)
        for index, (name, kind, neurons, parameters) in enumerate(layers)
    )


def plain(widths: Sequence[int]) -> Watched:
    """A network of layers with these many neurons, and names that say nothing."""
    return network([(f"layer{index}", "Conv2d", width, 9 * width) for index, width in enumerate(widths)])


def _resnet18() -> Iterator[tuple[str, str, int, int]]:
    yield "conv1", "Conv2d", 64, 64 * 3 * 49
    yield "bn1", "BatchNorm2d", 64, 128
    before = 64
    for stage, width in enumerate((64, 128, 256, 512), 1):
        for block in range(2):
            place = f"layer{stage}.{block}"
            for number, width_in in ((1, before), (2, width)):
                yield f"{place}.conv{number}", "Conv2d", width, width * width_in * 9
                yield f"{place}.bn{number}", "BatchNorm2d", width, 2 * width
            if before != width:
                yield f"{place}.downsample.0", "Conv2d", width, width * before
                yield f"{place}.downsample.1", "BatchNorm2d", width, 2 * width
            before = width
    yield "fc", "Linear", 1000, 513_000


def _in_62(layers: Sequence[tuple[str, str, int, int]]) -> Iterator[tuple[str, str, int, int]]:
    """The same neurons in 62 layers: the 21 with the most are told in halves."""
    largest = sorted(range(len(layers)), key=lambda index: -layers[index][2])[: 62 - len(layers)]
    for index, (name, kind, neurons, parameters) in enumerate(layers):
        parts = (".a", ".b") if index in largest else ("",)
        for part in parts:
            yield f"{name}{part}", kind, neurons // len(parts), parameters // len(parts)


def _swin_b() -> Iterator[tuple[str, str, int, int]]:
    def norm(name: str, width: int) -> tuple[str, str, int, int]:
        return name, "LayerNorm", width, 2 * width

    def linear(name: str, width: int, before: int) -> tuple[str, str, int, int]:
        return name, "Linear", width, width * (before + 1)

    yield "features.0.0", "Conv2d", 128, 128 * (48 + 1)
    yield norm("features.0.2", 128)
    for stage, (blocks, width) in enumerate(((2, 128), (2, 256), (18, 512), (2, 1024))):
        for block in range(blocks):
            place = f"features.{2 * stage + 1}.{block}"
            yield norm(f"{place}.norm1", width)
            yield linear(f"{place}.attn.qkv", 3 * width, width)
            yield linear(f"{place}.attn.proj", width, width)
            yield norm(f"{place}.norm2", width)
            yield linear(f"{place}.mlp.0", 4 * width, width)
            yield linear(f"{place}.mlp.3", width, 4 * width)
        if stage < 3:
            yield f"features.{2 * stage + 2}.reduction", "Linear", 2 * width, 8 * width * width  # without a bias
            yield norm(f"features.{2 * stage + 2}.norm", 4 * width)
    yield norm("norm", 1024)
    yield linear("head", 1000, 1024)


RESNET32 = plain((*(width for width, layers in ((16, 22), (32, 20), (64, 20)) for _ in range(layers)), 10))
"""2,282 neurons in 63 layers: the paper's ResNet-32 for small images."""
RESNET18 = network(list(_resnet18()))
"""10,600 neurons in 41 layers, as torchvision's."""
RESNET18_IN_62 = network(list(_in_62(list(_resnet18()))))
"""The same neurons in 62 layers, a size that issue and benchmarks speak of."""
SWIN_B = network(list(_swin_b()))
"""140,008 neurons in 154 layers, as torchvision's."""
WIDE = plain((4096,))

NETWORKS: dict[str, Watched] = {
    "resnet32": RESNET32,
    "resnet18": RESNET18,
    "resnet18-62": RESNET18_IN_62,
    "swin-b": SWIN_B,
    "wide": WIDE,
}
