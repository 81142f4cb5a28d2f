"""Pairs every watched output on the probe set with that of one epoch earlier, in one of two ways.

`streaming` runs last epoch's network beside today's, portion by portion. It needs one copy of the model, which is kept
in any case, and the outputs of one portion. `cached` keeps last epoch's outputs of the whole probe set and runs today's
network alone: on the model's device where they take little of what is free there, else in the machine's memory, from
which they are fetched portion by portion. Both give the same numbers, because both run the same code on the same
portions. A batch is cut only where that changes none, see `portions.py`; a portion for which memory runs out is
measured again in smaller ones.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any

import torch
import torch.distributed
from torch import Tensor, nn

from neq.device.free_memory import give_back_unused, is_out_of_memory, portion_bytes
from neq.device.tf32 import Products
from neq.errors import OutputsNotPaired, ProbeDoesNotFit
from neq.measure.activation_cache import ActivationCache
from neq.measure.cosine_accumulator import CosineAccumulator
from neq.measure.explain import Causes, add_causes
from neq.measure.output_cache import OutputCache
from neq.measure.portions import Portions, samples_of
from neq.measure.previous_state import PreviousState
from neq.measure.probe_digest import ProbeDigests
from neq.measure.probing import preserve_state, probe_batches, run_model, run_previous
from neq.network.layers import WatchedLayer
from neq.network.watching import Rerun, watching
from neq.options import Forward, MeasureMode, PhiName

CACHE_BYTES = 256 * 2**20
"""`auto` caches outputs up to this size: what a small network's probe set takes, and a large one's does not."""

FEWEST = 4
"""Samples in a portion, however little is free; fewer only where these do not fit."""


class PhiMeasurement:
    """Runs the networks of both epochs over the probe set and adds up what their neurons gave.

    Args:
        model: unwrapped, see `probing.unwrap`.
        probe: the same batches in the same order every time that it is iterated.
        former: last epoch's network.
        way: `auto` caches where the outputs take at most CACHE_BYTES.
        bytes_a_sample: the size of one sample's watched outputs.
        digests: compares the probe set with what it was.
        products: in what float32 tensors are multiplied.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Sequence[WatchedLayer],
        probe: Iterable[Any],
        former: PreviousState,
        forward: Forward | None,
        *,
        way: MeasureMode,
        bytes_a_sample: int,
        digests: ProbeDigests,
        products: Products = "float32",
    ) -> None:
        self._model, self._layers, self._probe, self._forward = model, layers, probe, forward
        self._previous, self._digests, self._products = former, digests, products
        self._device = next(model.parameters()).device
        self._bytes_a_sample = max(bytes_a_sample, 1)
        self._most_samples: int | None = None  # set where memory ran out
        self._largest = 0
        self._portions = Portions(model, layers, self._samples_by_memory(), forward)
        self._limit = {"auto": CACHE_BYTES, "cached": None, "streaming": 0}[way]
        self._cache: OutputCache | None = None
        self._caches_stale = self._refills = False
        self.recall()

    @property
    def caches(self) -> bool:
        """Whether last epoch's outputs are kept."""
        return self._cache is not None

    @property
    def model(self) -> nn.Module:
        """What is measured."""
        return self._model

    @property
    def cache(self) -> OutputCache | None:
        """Last epoch's outputs; None where they are not kept."""
        return self._cache

    @property
    def passing_bytes(self) -> int:
        """What measuring takes while it lasts, as far as was seen: the outputs of the largest portion, in both epochs
        where the former ones are not on the device anyway, and the sums."""
        epochs = 1 if self._cache is not None and not self._cache.on_host else 2
        return self._largest * epochs + self.no_sums("global").nbytes

    def _samples_by_memory(self) -> int:
        fewest = 1 if self._device.type == "cpu" else FEWEST
        samples = max(fewest, portion_bytes(self._device) // self._bytes_a_sample)
        return samples if self._most_samples is None else min(samples, self._most_samples)

    def make_room(self, group: "torch.distributed.ProcessGroup | None") -> None:
        """Decides anew how large portions are: all processes of a group take those of the one with the least memory.

        What is cached keeps the portions that it was cached in.
        """
        if self._device.type == "cpu":
            return
        samples = self._samples_by_memory()
        if group is not None:
            least = torch.tensor(samples, device=self._device)
            torch.distributed.all_reduce(least, torch.distributed.ReduceOp.MIN, group=group)
            samples = int(least)
        if self._cache is None:
            self._portions.samples = samples

    def recall(self) -> None:
        """Fills the cache with what the former network gives, if it is to be kept and not too large."""
        self._cache = None
        while self._limit != 0:
            samples = self._portions.samples
            cache = self._filled()
            if samples == self._portions.samples:  # else what was kept first is in larger portions than the last
                self._cache = cache
                return

    def _filled(self) -> OutputCache | None:
        """What the former network gives on the whole probe set; None where that is too large."""
        cache = OutputCache(self._device)
        self._digests.begin()
        with preserve_state(self._model, self._products):
            for batch in probe_batches(self._probe, self._model):
                self._digests.add(batch)
                for portion in self._portions.of(batch):
                    self._keep(portion, cache)
                    if self._limit is not None and cache.nbytes > self._limit:
                        return None
        self._digests.end()
        return cache

    def _keep(self, portion: Any, cache: OutputCache) -> None:
        """Adds what the former network gives; where memory runs out, the portion is given again."""
        outputs = cache.empty()
        if self._fits(lambda: self._outputs_before(portion, outputs)):
            cache.add(outputs)
        elif cache.move_to_host():
            self._portions.repeat()
        else:
            self._measure_smaller(portion)

    def no_sums(self, phi: PhiName) -> CosineAccumulator:
        """Sums of nothing yet, for these layers."""
        return CosineAccumulator(self._layers, phi, self._device, self._previous.squares)

    def add_up(self, sums: CosineAccumulator, causes: Causes | None = None) -> Generator[int, None, None]:
        """Adds up over the whole probe set, pausing after each of its batches; yields how many are done.

        Args:
            sums: of the outputs now against one epoch earlier.
            causes: filled too, where given.

        Raises:
            ValueError: the probe set or the model does not give what it gave one epoch earlier.
            ProbeDoesNotFit: memory runs out however small the portions.
        """
        if self._caches_stale:
            self.recall()
        self._caches_stale = self.caches  # until what replaces it is accepted
        cached = None if self._cache is None else iter(self._cache)
        memory = ActivationCache()
        self._digests.begin()
        for done, batch in enumerate(probe_batches(self._probe, self._model), start=1):
            self._digests.add(batch)
            with preserve_state(self._model, self._products):
                for portion in self._portions.of(batch):
                    if self._add(portion, sums, causes, cached, memory):
                        continue
                    # What was cached of this portion may be half replaced: the former network gives it and the rest
                    # anew, and the next epoch's cache is filled in portions that fit.
                    self._refills = self._refills or self.caches
                    self._cache, cached, memory = None, None, ActivationCache()
                    self._measure_smaller(portion)
            yield done
        if cached is not None and next(cached, None) is not None:
            raise ValueError("the probe set gave less than one epoch earlier")
        self._digests.end()

    def _add(
        self,
        portion: Any,
        sums: CosineAccumulator,
        causes: Causes | None,
        cached: Iterator[ActivationCache] | None,
        memory: ActivationCache,
    ) -> bool:
        """Adds one portion; False: memory ran out, and nothing was added."""

        def add() -> None:
            before = self._outputs_before(portion, memory) if cached is None else _next_of(cached)
            self._compare(portion, before, sums, replace=cached is not None)
            if causes is not None:
                add_causes(causes, self._model, self._layers, portion, self._previous, self._forward, self._products)

        every = (sums, causes.own, causes.upstream) if causes is not None else (sums,)
        earlier = [one.so_far() for one in every]
        if self._fits(add):
            return True
        for one, so_far in zip(every, earlier, strict=True):
            one.go_back_to(so_far)
        return False

    def _fits(self, act: Callable[[], object]) -> bool:
        """Does it; False: memory ran out. What it held until then is free again."""
        try:
            act()
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        else:
            return True
        give_back_unused(self._device)
        return False

    def _measure_smaller(self, portion: Any) -> None:
        """Has a portion that did not fit measured again, in halves."""
        if not self._portions.halve(portion):
            raise ProbeDoesNotFit(None if self._forward is not None else samples_of(portion))
        self._most_samples = self._portions.samples

    def accept(self) -> None:
        """What was added up last counts: the former network is now the one that was measured then.

        Without it the next time compares with the former network once more, whose outputs are then computed again.
        """
        self._caches_stale = self._refills
        self._refills = False

    def renew(self) -> None:
        """The former network is another: its outputs are computed again before they are compared with."""
        self._caches_stale = self._caches_stale or self.caches

    def against_itself(self, batch: Any) -> Tensor:
        """1 − φ of every neuron, float64, today's network against the former, on a batch's first samples."""
        sums = self.no_sums("global")
        with preserve_state(self._model, self._products):
            portion = next(self._portions.of(batch))
            self._compare(portion, self._outputs_before(portion, ActivationCache()), sums, replace=False)
        return sums.divergence()

    def _outputs_before(self, portion: Any, outputs: ActivationCache) -> ActivationCache:
        """What last epoch's network gives, kept in `outputs`."""
        outputs.clear()

        def keep(layer: WatchedLayer, output: Tensor, again: Rerun) -> None:
            outputs.keep(layer.name, output)

        with watching(self._layers, keep):
            run_previous(self._model, self._previous, portion, self._forward)
        self._largest = max(self._largest, outputs.nbytes)
        return outputs

    def _compare(self, portion: Any, before: ActivationCache, sums: CosineAccumulator, *, replace: bool) -> None:
        """Runs today's network on a portion, adding up pair by pair; may put its outputs in the former's place."""

        def pair(layer: WatchedLayer, now: Tensor, again: Rerun) -> None:
            was = before.take(layer.name)
            sums.add(layer, now, was.to(now.device, non_blocking=True))
            if replace:
                was.copy_(now, non_blocking=True)  # in turn with the step before: both are told to the same stream

        before.rewind()
        try:
            with watching(self._layers, pair):
                run_model(self._model, portion, self._forward)
            before.check_all_taken()
        except OutputsNotPaired:
            self._digests.check_so_far()  # another probe set is the plainer reason
            raise


def _next_of(cache: Iterator[ActivationCache]) -> ActivationCache:
    try:
        return next(cache)
    except StopIteration:
        raise ValueError("the probe set gave more than one epoch earlier") from None
