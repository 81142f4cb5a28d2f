"""Which layers compute some rows alone, where a device works while its host goes ahead: decided for a step as a whole.

Such a step takes the longer of two times: the device's, for what it computes, and the host's, for telling it. Rows
save time of the device and cost time of the host. So they pay only while the device is the one that is waited for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neq.device.timing import Load
from neq.savings.choice import MARGIN, MethodChoice


@dataclass(frozen=True)
class Times:
    """What a weight gradient takes: of all rows, and of the active ones."""

    dense: Load
    rows: Load

    @property
    def pay(self) -> bool:
        """Whether rows are faster on the device by more than the noise of the measurement."""
        return self.rows.device < self.dense.device * (1 - MARGIN)


@dataclass(frozen=True)
class Weighed:
    """One layer in the step.

    Attributes:
        calls: backward passes of it in the step.
        detour_ms: that a layer with its own gradient costs the host in each of them, whatever it computes.
    """

    times: Times
    calls: int
    detour_ms: float

    @property
    def saved_ms(self) -> float:
        """Of the device's time, in the step, by rows."""
        return self.calls * (self.times.dense.device - self.times.rows.device)

    @property
    def added_ms(self) -> float:
        """Of the host's time, in the step, by rows; below 0 where they save it too."""
        return self.calls * (self.detour_ms + self.times.rows.host - self.times.dense.host)


def weighed(layers: Mapping[str, Weighed], measured: Load) -> dict[str, MethodChoice]:
    """Some rows or all, by layer name, such that the step is shortest.

    Args:
        measured: what the step took while each of the layers took the detour and computed all rows; 0 where that is
            not known. Then the layers alone count.
    """
    whole = _without_detours(layers, measured)
    paying = {name: layer for name, layer in layers.items() if layer.times.pay}
    taken = accepted([(layer.saved_ms, layer.added_ms) for layer in paying.values()], whole)
    rows = {name for place, name in enumerate(paying) if place in taken}
    host_bound = whole.host >= whole.device
    return {
        name: MethodChoice(
            "rows" if name in rows else "dense",
            _reason(layer, _bound(taken=name in rows, host_bound=host_bound)),
            layer.times.dense.device,
            layer.times.rows.device,
        )
        for name, layer in layers.items()
    }


def accepted(offers: Sequence[tuple[float, float]], whole: Load) -> frozenset[int]:
    """The places of the layers by whose rows the step becomes shorter: as a greedy choice finds them, which need not be
    the shortest of all.

    They are taken in the order of what a saved millisecond costs, the cheapest first, as many as bring the longer of
    both times to the least on that way; none that does not shorten it. Where the host's time is the longer one from the
    start, only what saves it is taken.

    Args:
        offers: milliseconds that each saves of the device's time, above 0, and adds to the host's.
        whole: the step in which none computes some rows alone.
    """
    cheapest_first = sorted(range(len(offers)), key=lambda place: offers[place][1] / offers[place][0])
    device, host, shortest, taken = whole.device, whole.host, whole.longer, 0
    for count, place in enumerate(cheapest_first, start=1):
        saved, added = offers[place]
        device, host = device - saved, host + added
        if max(device, host) < shortest:
            shortest, taken = max(device, host), count
    return frozenset(cheapest_first[:taken])


def _without_detours(layers: Mapping[str, Weighed], measured: Load) -> Load:
    """The step in which the layers run torch's own code; not less than what their gradients take alone."""
    detours = sum(layer.calls * layer.detour_ms for layer in layers.values())
    device = sum(layer.calls * layer.times.dense.device for layer in layers.values())
    host = sum(layer.calls * layer.times.dense.host for layer in layers.values())
    return Load(max(measured.device, device), max(measured.host - detours, host))


def _bound(*, taken: bool, host_bound: bool) -> str:
    if not taken and not host_bound:
        return "the step would then be bound by the host"
    return f"the step is bound by the {'host' if host_bound else 'device'}"


def _reason(layer: Weighed, bound: str) -> str:
    rows, dense = _ms(layer.times.rows.device), _ms(layer.times.dense.device)
    if layer.times.rows.device >= layer.times.dense.device:
        return f"measured on the device {rows}, and {dense} for all rows"
    measured = f"measured on the device {rows} instead of {dense}"
    if not layer.times.pay:
        return f"{measured}: less than the noise is worth"
    added = layer.added_ms / layer.calls
    return f"{measured}, and {_ms(abs(added))} {'more' if added > 0 else 'less'} of the host's time; {bound}"


def _ms(value: float) -> str:
    return f"{value:.2f} ms" if value >= 0.1 else f"{value:.3f} ms"
