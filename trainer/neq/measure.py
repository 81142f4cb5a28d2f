"""Pairs every watched output on the probe set with that of one epoch earlier, in one of two ways.

`streaming` runs last epoch's network beside today's, portion by portion. It needs one copy of the model, which is kept
in any case, and the outputs of one portion. `cached` keeps last epoch's outputs of the whole probe set and runs today's
network alone. Both give the same numbers, because both run the same code on the same portions. A batch is cut only
where that changes none, see `portions.py`.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any, Literal

from torch import Tensor, nn

from trainer.neq.errors import OutputsNotPaired
from trainer.neq.explain import Causes, add_causes
from trainer.neq.former import Former
from trainer.neq.layers import WatchedLayer
from trainer.neq.portions import Portions
from trainer.neq.probe_digest import ProbeDigests
from trainer.neq.probing import Forward, as_found, run_former, run_model, undisturbed
from trainer.neq.stash import Outputs
from trainer.neq.sums import NeuronSums, PhiName
from trainer.neq.watching import Rerun, watching

Way = Literal["auto", "streaming", "cached"]

CACHE_BYTES = 256 * 2**20
"""`auto` caches outputs up to this size: what a small network's probe set takes, and a large one's does not."""

PORTION_BYTES = {"cpu": 64 * 2**20}
"""How much of a probe batch's outputs is looked at together, by device: on a CPU, little enough not to leave its caches
far behind."""

_PORTION_BYTES_ELSEWHERE = 2**30


class Measure:
    """Runs the networks of both epochs over the probe set and adds up what their neurons gave.

    Args:
        model: bare, see `probing.bare`.
        probe: the same batches in the same order every time that it is iterated.
        former: last epoch's network.
        way: `auto` caches where the outputs take at most CACHE_BYTES.
        bytes_a_sample: the size of one sample's watched outputs.
        digests: compares the probe set with what it was.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Sequence[WatchedLayer],
        probe: Iterable[Any],
        former: Former,
        forward: Forward | None,
        *,
        way: Way,
        bytes_a_sample: int,
        digests: ProbeDigests,
    ) -> None:
        self._model, self._layers, self._probe, self._forward = model, layers, probe, forward
        self._former, self._digests = former, digests
        device = next(model.parameters()).device.type
        budget = PORTION_BYTES.get(device, _PORTION_BYTES_ELSEWHERE)
        self._portions = Portions(model, layers, max(1, budget // max(bytes_a_sample, 1)), forward)
        self._limit = {"auto": CACHE_BYTES, "cached": None, "streaming": 0}[way]
        self._cache: list[Outputs] | None = None
        self._caches_stale = False
        self.recall()

    @property
    def caches(self) -> bool:
        """Whether last epoch's outputs are kept."""
        return self._cache is not None

    @property
    def model(self) -> nn.Module:
        """What is measured."""
        return self._model

    def recall(self) -> None:
        """Fills the cache with what the former network gives, if it is to be kept and not too large."""
        self._cache = None
        if self._limit == 0:
            return
        cache: list[Outputs] = []
        used = 0
        self._digests.begin()
        with as_found(self._model):
            for batch in undisturbed(self._probe, self._model):
                self._digests.add(batch)
                for portion in self._portions.of(batch):
                    cache.append(self._outputs_before(portion, Outputs()))
                    used += cache[-1].nbytes
                    if self._limit is not None and used > self._limit:
                        return
        self._cache = cache
        self._digests.end()

    def no_sums(self, phi: PhiName) -> NeuronSums:
        """Sums of nothing yet, for these layers."""
        device = next(self._model.parameters()).device
        return NeuronSums(self._layers, phi, device, self._former.squares)

    def add_up(self, sums: NeuronSums, causes: Causes | None = None) -> Generator[int, None, None]:
        """Adds up over the whole probe set, pausing after each of its batches; yields how many are done.

        Args:
            sums: of the outputs now against one epoch earlier.
            causes: filled too, where given.

        Raises:
            ValueError: the probe set or the model does not give what it gave one epoch earlier.
        """
        if self._caches_stale:
            self.recall()
        self._caches_stale = self.caches  # until what replaces it is accepted
        cached = None if self._cache is None else iter(self._cache)
        memory = Outputs()
        self._digests.begin()
        for done, batch in enumerate(undisturbed(self._probe, self._model), start=1):
            self._digests.add(batch)
            with as_found(self._model):
                for portion in self._portions.of(batch):
                    before = self._outputs_before(portion, memory) if cached is None else _next_of(cached)
                    self._compare(portion, before, sums, replace=cached is not None)
                    if causes is not None:
                        add_causes(causes, self._model, self._layers, portion, self._former, self._forward)
            yield done
        if cached is not None and next(cached, None) is not None:
            raise ValueError("the probe set gave less than one epoch earlier")
        self._digests.end()

    def accept(self) -> None:
        """What was added up last counts: the former network is now the one that was measured then.

        Without it the next time compares with the former network once more, whose outputs are then computed again.
        """
        self._caches_stale = False

    def renew(self) -> None:
        """The former network is another: its outputs are computed again before they are compared with."""
        self._caches_stale = self.caches

    def against_itself(self, batch: Any) -> Tensor:
        """1 − φ of every neuron, float64, today's network against the former, on a batch's first samples."""
        sums = self.no_sums("global")
        with as_found(self._model):
            portion = next(self._portions.of(batch))
            self._compare(portion, self._outputs_before(portion, Outputs()), sums, replace=False)
        return sums.divergence()

    def _outputs_before(self, portion: Any, outputs: Outputs) -> Outputs:
        """What last epoch's network gives, kept in `outputs`."""
        outputs.clear()

        def keep(layer: WatchedLayer, output: Tensor, again: Rerun) -> None:
            outputs.keep(layer.name, output)

        with watching(self._layers, keep):
            run_former(self._model, self._former, portion, self._forward)
        return outputs

    def _compare(self, portion: Any, before: Outputs, sums: NeuronSums, *, replace: bool) -> None:
        """Runs today's network on a portion, adding up pair by pair; may put its outputs in the former's place."""

        def pair(layer: WatchedLayer, now: Tensor, again: Rerun) -> None:
            was = before.take(layer.name)
            sums.add(layer, now, was)
            if replace:
                was.copy_(now)

        before.rewind()
        try:
            with watching(self._layers, pair):
                run_model(self._model, portion, self._forward)
            before.check_all_taken()
        except OutputsNotPaired:
            self._digests.check_so_far()  # another probe set is the plainer reason
            raise


def _next_of(cache: Iterator[Outputs]) -> Outputs:
    try:
        return next(cache)
    except StopIteration:
        raise ValueError("the probe set gave more than one epoch earlier") from None
