"""What φ of every watched neuron is made of, added up over the probe set."""

from collections.abc import Sequence

import torch
import torch.distributed
from torch import Tensor

from neq.errors import OutputsNotPaired
from neq.measure.similarity import Workspace, divergence_from_sums, sample_sums
from neq.network.layers import WatchedLayer
from neq.options import PhiName


class CosineAccumulator:
    """The sums of all watched neurons, layers one after the other.

    Args:
        layers: the watched ones.
        phi: `global`: one cosine over all that a neuron gave, the paper's. `per-sample`: the mean of one cosine a
            sample over its positions, as in the released code; outputs without positions have one over the samples.
        device: where the outputs are.
        former: float64 (neurons,), Σ before² over the whole probe set, where it is known from the epoch before; it is
            then not added up again.
    """

    def __init__(
        self, layers: Sequence[WatchedLayer], phi: PhiName, device: torch.device, former: Tensor | None = None
    ) -> None:
        self._phi = phi
        # One cosine a sample needs the sums of every sample.
        self._former = former if phi == "global" else None
        self._workspace = Workspace()
        place = torch.device("cpu") if device.type == "mps" else device  # MPS knows no float64
        sizes = [layer.neurons for layer in layers]
        # Σ now², Σ before², Σ now · before, Σ change²; Σ (1 − cosine) and number of the samples with positions; values.
        self._all = torch.zeros(7, sum(sizes), dtype=torch.float64, device=place)
        self._of = dict(zip((layer.name for layer in layers), self._all.split(sizes, dim=1), strict=True))

    def add(self, layer: WatchedLayer, now: Tensor, before: Tensor) -> None:
        """Adds what a layer gave for some samples, now and one epoch earlier.

        Raises:
            OutputsNotPaired: they are not of one shape.
        """
        if now.shape != before.shape:
            shapes = f"{tuple(now.shape)} on the probe set, and {tuple(before.shape)} one epoch earlier"
            raise OutputsNotPaired(layer.name, f"gives outputs of shape {shapes}")
        sums = sample_sums(now, before, layer.axis, self._workspace, former_known=self._former is not None)
        mine = self._of[layer.name]
        mine[:4] += sums.sum(1)
        mine[6] += now.numel() // layer.neurons
        if self._phi == "per-sample" and now.dim() > 2:
            mine[4] += divergence_from_sums(sums).sum(0)
            mine[5] += sums.shape[1]

    def reduce(self, group: "torch.distributed.ProcessGroup | None") -> None:
        """Adds up the sums of all processes of a group."""
        torch.distributed.all_reduce(self._all, group=group)

    def never_called(self) -> list[str]:
        """Layers that gave nothing."""
        counts = self._all[6].cpu().split([mine.shape[1] for mine in self._of.values()])
        return [name for name, values in zip(self._of, counts, strict=True) if not bool(values.any())]

    def so_far(self) -> Tensor:
        """What was added up until now, for `go_back_to`."""
        return self._all.clone()

    def go_back_to(self, earlier: Tensor) -> None:
        """What was added since then does not count."""
        self._all.copy_(earlier)
        self._workspace = Workspace()

    @property
    def nbytes(self) -> int:
        """The memory that they take."""
        return self._all.nbytes

    def divergence(self) -> Tensor:
        """1 − φ, float64 (neurons,) on the CPU."""
        whole = divergence_from_sums(self.squares())
        _, _, _, _, apart, samples, _ = self._all.cpu()
        return torch.where(samples > 0, apart / samples.clamp_min(1), whole)

    def squares(self) -> Tensor:
        """float64 (4, neurons) on the CPU: Σ now², Σ before², Σ now · before, Σ (now − before)²."""
        found = self._all[:4].cpu().clone()
        if self._former is not None:
            found[1] = self._former
        return found
