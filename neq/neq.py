"""NEq: measures equilibrium at the end of every epoch and freezes what has reached it."""

import weakref
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Self, Unpack

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from neq.admission import admit, check_forms, forms_of
from neq.checks import Checks
from neq.decide.decision import Decision
from neq.decide.groups import group_layers
from neq.device.free_memory import is_out_of_memory
from neq.epoch_checks import check_finite, check_held, check_modules, check_parameters, check_start, check_steps
from neq.equilibrium import Equilibrium
from neq.errors import NEqClosed, NEqTakenOver
from neq.freeze.cofrozen import CofrozenParameters
from neq.freeze.freeze import Freezer, others_watching
from neq.freeze.plan import LayerPlan
from neq.freeze.stood_still import check_opened, check_stood_still
from neq.measure.agreement import failing_together
from neq.measure.batches import check_batches
from neq.measure.first_pass import first_pass
from neq.measure.measure import PhiMeasurement
from neq.measure.previous_state import PreviousState
from neq.measure.probe_digest import ProbeDigests
from neq.measure.probe_statistics import ProbeStatistics, measured
from neq.measure.probing import preserve_state, probe_batches, unwrap
from neq.memory import NEqMemory
from neq.network.coverage import Coverage, coverage_of
from neq.network.discovery import Discovery, LayerFilter, discover
from neq.network.gradient_stop import trained
from neq.network.layers import WatchedLayer
from neq.network.shared_buffers import of_the_first_process
from neq.network.static import named_always, with_always_frozen
from neq.options import OptionKeywords, Options
from neq.savings.savings import Savings
from neq.savings.wrapping import DistributedDataParallel as WrappingAnew

LAST_LAYER = "the official formula leaves the last layer free"


def run_to_end(steps: Generator[int, None, Equilibrium]) -> Equilibrium:
    """What `end_epoch_in_steps` returns, once it has run without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            equilibrium: Equilibrium = end.value
            return equilibrium


class NEq:
    """Neuronal equilibrium for any training loop.

        with NEq(model, optimizer, probe) as watch:
            for epoch in range(epochs):
                train_one_epoch(model, optimizer)
                equilibrium = watch.end_epoch()

    Behind the `with`, after `close()`, and once nothing refers to it any more, every neuron moves again.

    Args:
        model: trained by the caller; its layers must have their final shapes and devices. It may be compiled or wrapped
            in DistributedDataParallel, in torch's or in `neq.DistributedDataParallel`, under which savings also stop
            whole layers; φ is measured on what is inside.
        optimizer: any of torch's; it runs unchanged, and frozen rows are restored after each of its steps.
        probe: gives the same batches in the same order every time that it is iterated: tensors, (inputs, targets)
            pairs or mappings, whose `labels` are left out. Disjoint from the training data.
        options: what is frozen and how it is measured; None: the defaults.
        process_group: the processes that share the probe set among them; their sums are added up. None: those of the
            DistributedDataParallel that wraps the model, if one does.
        keywords: single options, which go before those of `options`.

    Raises:
        TypeError: model, optimizer, probe, layers or forward is of a kind that NEq does not take.
        ValueError: a value is out of range, the probe set is empty, the model has nothing to watch or cannot be watched
            as it is, or its forward pass fails on a probe batch.
        NEqError: the start's check failed.

    Source: arXiv:2207.09455 (Bragagnolo, Tartaglione, Grangetto, NeurIPS 2022).
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        probe: Iterable[Any],
        options: Options | None = None,
        *,
        process_group: "torch.distributed.ProcessGroup | None" = None,
        **keywords: Unpack[OptionKeywords],
    ) -> None:
        self._options = Options.of(options, keywords)
        self._optimizer = admit(model, optimizer, probe, self._options.layers, self._options.forward)
        self._process_group = process_group
        if process_group is None and isinstance(model, DistributedDataParallel):
            self._process_group = model.process_group
        self._awaited = not isinstance(model, WrappingAnew)
        self._model, self._probe = unwrap(model), probe
        self._moved: dict[str, Tensor] = {}
        self._gone: weakref.finalize[..., NEq] | None = None
        self._checks = Checks(self._options.checks)
        self._digests = ProbeDigests(self._checks, own_forward=self._options.forward is not None)
        first = self._first_batch()
        self._trained = self._wanted()
        self._always: frozenset[str] | None = None
        found = self._discovered(first)
        if self._checks.on:
            check_batches(self._checks, self._model, found.layers, probe, self._options.forward, self._digests)
        if self._options.freezes:
            self._take_over(found.layers)
        self._previous = PreviousState(self._model)
        self._forms = forms_of(self._model)
        self._follow(found)
        if any(bool(mask.any()) for mask in self._masks().values()):
            self._freezer.apply(self._masks())
        if self._checks.on:
            check_start(self._checks, self._layers, self._model, self._measure.against_itself(first))

    def _first_batch(self) -> Any:
        return next(probe_batches(self._probe, self._model))

    def _discovered(self, first: Any) -> Discovery:
        with preserve_state(self._model, self._options.phi_precision):
            forward, layer_filter = self._options.forward, self._options.layers or LayerFilter()
            found = discover(self._model, lambda: first_pass(self._model, first, forward), layer_filter)
        if self._always is None:  # what is trained from later on, or comes later, is not among them
            self._always = named_always(self._options.always_freeze, found.layers)
        *others, last = with_always_frozen(found.layers, self._always)
        if self._options.is_official and self._options.layers is None and not last.always_frozen:
            last = last.replaced(held_open=LAST_LAYER)
        return replace(found, layers=(*others, last))

    def _take_over(self, layers: Sequence[WatchedLayer]) -> None:
        """Closes an NEq that may hold neurons of these layers: a notebook's cell that is run again makes a second one.

        One that measures alone, and freezes nobody, may follow a model beside another.
        """
        for other in others_watching(layers):
            other.close("another NEq was made for the same layers", keeping_state=True)
            self._checks.doubtful(
                NEqTakenOver(
                    f"another NEq watched layer {layers[0].name!r} or others of this model: that one is closed now; "
                    "call close() on it first, or load its state_dict() here to go on from there"
                )
            )

    def _follow(self, found: Discovery) -> None:
        """Everything that goes by the watched layers."""
        self._layers, self._unwatched = found.layers, found.unwatched
        options = self._options
        self._groups = () if options.groups is None else group_layers(options.groups, self._layers, self._model)
        self._decision = Decision(self._layers, self._groups, options)
        self._measure = PhiMeasurement(
            self._model,
            self._layers,
            self._probe,
            self._previous,
            options.forward,
            way=options.measure,
            bytes_a_sample=found.bytes_a_sample,
            digests=self._digests,
            products=options.phi_precision,
        )
        self._cofrozen = CofrozenParameters(self._model, self._layers, any_prefix=options.select == "prefix")
        held = (*self._layers, *self._cofrozen.layers)
        savings = partial(Savings, mode=options.savings, awaited=self._awaited)
        self._freezer = Freezer(held, self._optimizer, options.momentum_given, savings)
        self._freezer.measures_only = not options.freezes
        self._opened: dict[str, Tensor] = {}
        self._let_go_with(self._freezer)

    def _let_go_with(self, freezer: Freezer) -> None:
        """An NEq that nobody has any more would hold neurons for ever, unseen: as closed."""
        if self._gone is not None:
            self._gone.detach()
        self._gone = weakref.finalize(self, freezer.close, "nothing referred to it any more")
        self._gone.atexit = False

    @property
    def layers(self) -> Sequence[WatchedLayer]:
        """The watched layers, in forward order."""
        return self._layers

    @property
    def unwatched(self) -> Mapping[str, str]:
        """Modules with parameters of their own none of which is watched, by name, and why; see `coverage`."""
        return self.coverage().unwatched

    def coverage(self) -> Coverage:
        """How much of the model is watched now: the fraction of its trainable parameters; module by module why not."""
        return coverage_of(self._model, self._layers, self._unwatched)

    @property
    def first_freezing_epoch(self) -> int:
        """The first epoch (from 0) whose updates a mask can withhold."""
        return self._decision.first_freezing_epoch

    @property
    def caches(self) -> bool:
        """Whether last epoch's outputs are kept, instead of computed again from its weights."""
        return self._measure.caches

    def memory(self) -> NEqMemory:
        """What NEq itself keeps in memory now, kind by kind."""
        cache = self._measure.cache
        outputs = 0 if cache is None else cache.nbytes
        return NEqMemory(
            device=str(next(self._model.parameters()).device),
            former=self._previous.nbytes,
            optimizer_rows=self._freezer.rows_nbytes,
            held=self._freezer.held_nbytes,
            outputs=outputs,
            outputs_on_host=cache is not None and cache.on_host,
            measuring=self._measure.passing_bytes,
            at_most=self._previous.nbytes + outputs + self._freezer.nbytes_at_most,
        )

    def end_epoch(self, *, explain: bool = False) -> Equilibrium:
        """Measures φ on the probe set, decides who is updated in the next epoch, and freezes the others.

        Args:
            explain: also tells how much of each neuron's change came from its own parameters and how much from what it
                is fed; costs about four more passes over the probe set.

        Raises:
            ValueError: the probe set or the model does not give what it gave one epoch earlier.
            NEqError: results would be wrong, see `checks`; nothing is decided then.
            NEqClosed: it was closed, or another NEq was made for its layers.
        """
        return run_to_end(self.end_epoch_in_steps(explain=explain))

    def end_epoch_in_steps(self, *, explain: bool = False) -> Generator[int, None, Equilibrium]:
        """`end_epoch`, pausing after each probe batch: yields how many are done, returns the equilibrium.

        Nothing is decided before it has run to its end.
        """
        with failing_together(self._model, self._process_group):
            self._refuse_if_closed()
            check_modules(self._model, self._layers, self._previous.state)
            check_forms(self._model, self._forms)
            if self._checks.on:
                check_parameters(self._checks, self._freezer)
                check_steps(self._checks, self._freezer, self._decision.epoch)
            grown = self._take_in_new_parameters()
            if not grown:
                self._watch_anew()
        with of_the_first_process(self._model, self._process_group):
            statistics = yield from measured(
                self._measure, self._options.phi_taken, self._process_group, explain=explain
            )
            equilibrium = self._decide(statistics)
        if grown:
            self._watch_anew()
        return equilibrium

    def _decide(self, statistics: ProbeStatistics) -> Equilibrium:
        """One epoch on, or none: after an error masks and epoch are those of before, and the next φ is against the
        network of the last epoch that ended well. That is what the owner can act on: there is no epoch of which half is
        known. Where memory runs out while the next masks' rows are noted, the former ones go on being held."""
        moved = self._freezer.moved()
        not_still = {name: neurons for name, (neurons, _) in moved.items()} | self._opened
        for name, neurons in not_still.items():
            self._moved[name] = self._moved.get(name, torch.zeros_like(neurons)) | neurons
        before = self._decision.state_dict()
        try:
            with failing_together(self._model, self._process_group):
                if self._checks.on:
                    check_finite(self._checks, self._layers, self._model, statistics.divergence)
                    check_held(self._checks, moved, self._decision.epoch)
                    check_opened(self._checks, self._layers, self._opened, self._decision.epoch)
                    check_stood_still(self._checks, self._layers, self._model, self._previous.state, self._freezer)
                equilibrium = self._decision.next(statistics, self._model, self._previous.state, moved=self._moved)
                self._freezer.begin_epoch()
                apply = self._freezer.prepare(self._masks())
            self._previous.remember(self._model, statistics.squares[0])
            self._measure.accept()
        except BaseException:
            self._decision.load_state_dict(before)
            self._hold_as_before()
            raise
        finally:
            self._opened = {}
        self._moved = {}
        apply()
        return equilibrium

    def _hold_as_before(self) -> None:
        """After an error: what moved is reported once, and what keeps moving is reported again. Where there is no
        memory to note that, everything is still held as it was."""
        self._freezer.begin_epoch()
        try:
            self._freezer.apply(self._masks())
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise

    def _refuse_if_closed(self) -> None:
        if self._freezer.closed is not None:
            raise NEqClosed(f"this NEq watches no longer: {self._freezer.closed}", "use the newer one, or make it anew")

    def _take_in_new_parameters(self) -> bool:
        """The model may have gained parts: this epoch compares as though they had been there, as they are now, and
        they are watched from the next one on. Whether there are any."""
        grown = self._previous.take_in(self._model)
        if grown:
            self._forms = forms_of(self._model)
            self._measure.renew()
        return grown

    def _wanted(self) -> frozenset[str]:
        """Names of the parameters that their owner wants to be trained."""
        return frozenset(name for name, one in self._model.named_parameters() if trained(one))

    def _watch_anew(self) -> None:
        """Looks again where more is trained than before: at layers that were left alone, and at who may freeze."""
        wanted = self._wanted()
        if wanted <= self._trained:
            return
        self._trained = wanted
        found = self._discovered(self._first_batch())
        self._unwatched = found.unwatched
        before = {layer.name: layer.held_open for layer in self._layers}
        if [(layer.name, layer.held_open) for layer in found.layers] == list(before.items()):
            return
        decision, freezer = self._decision, self._freezer
        masks = self._masks()
        freezer.close(keeping_state=True)
        if not freezer.measures_only:
            self._take_over(found.layers)
        self._previous.squares = None
        self._follow(found)
        self._decision.carry_over_from(decision)
        self._freezer.carry_over_from(freezer, masks)
        opened = (layer.name for layer in found.layers if layer.held_open and before.get(layer.name, "") is None)
        self._opened = {name: masks[name] for name in opened if bool(masks[name].any())}

    def _masks(self) -> dict[str, Tensor]:
        """Of all that can be held, who is: neurons, and what goes with them."""
        masks = self._decision.masks()
        return masks | self._cofrozen.masks(masks)

    def freeze(self, masks: Mapping[str, Tensor]) -> None:
        """Sets by hand who is not updated until the next `end_epoch`.

        Args:
            masks: bool, one value a neuron, by layer name; layers left out move whole, but for those that are always
                frozen.

        Raises:
            ValueError: a layer is not watched, a mask has another shape or type, or nothing would be left to update.
            NEqClosed: as in `end_epoch`.
        """
        self._refuse_if_closed()
        before = self._decision.state_dict()
        self._decision.set_masks(masks)
        try:
            self._hold_from_now_on()
            apply = self._freezer.prepare(self._masks())
        except BaseException:  # such as too little memory: all is held as it was
            self._decision.load_state_dict(before)
            raise
        apply()

    def _hold_from_now_on(self) -> None:
        """One that measured alone holds neurons too, once it is told to."""
        if self._freezer.measures_only and any(bool(mask.any()) for mask in self._masks().values()):
            self._take_over(self._layers)
            self._freezer.measures_only = False

    @property
    def held_along(self) -> tuple[str, ...]:
        """Names of the parameters without neurons that are not updated now, as their layers stand still whole: those of
        modules such as an attention with a table of relative positions. Only with the selection `prefix`, and within
        the first layers that `always_freeze` names."""
        return tuple(self._cofrozen.masks(self._decision.masks()))

    def plans(self) -> dict[str, LayerPlan]:
        """What the backward pass does about every watched layer until the next `end_epoch`, and why."""
        plans = self._freezer.plans()
        return {layer.name: plans[layer.name] for layer in self._layers}

    def dense_pass(self) -> AbstractContextManager[bool]:
        """Inside, a forward and a backward pass compute all gradients although neurons are frozen: for measuring what
        the savings save. Leave it before the optimizer's step. No number changes.

            with neq.dense_pass() as dense:
                loss(model(inputs), targets).backward()
            optimizer.step()

        Gives False, and changes nothing, where nothing is left out, or where not leaving it out could change numbers:
        under torch.compile, in processes that train together, while a CUDA graph is captured, and on several threads or
        a GPU where some rows of a layer are computed alone.
        """
        return self._freezer.lifted()

    def state_dict(self) -> dict[str, Any]:
        """All that continuing needs beside the model's and the optimizer's own state; copies.

        Tensors, numbers, texts and None, so that `torch.load(weights_only=True)` reads it.
        """
        return {
            "layers": {layer.name: layer.neurons for layer in self._layers},
            "former": {name: tensor.clone() for name, tensor in self._previous.state.items()},
            "former_attributes": {name: dict(found) for name, found in self._previous.attributes.items()},
            "decision": self._decision.state_dict(),
            "freezer": self._freezer.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues where `state_dict()` was taken, with the same options.

        Load the optimizer's state first. The model's may come before or after: frozen rows keep what they have at the
        next step.

        Raises:
            ValueError: the state belongs to another model.
            NEqClosed: as in `end_epoch`.
        """
        self._refuse_if_closed()
        if state["layers"] != {layer.name: layer.neurons for layer in self._layers}:
            raise ValueError("this state belongs to another model: its watched layers differ")
        self._previous.load(self._model, state["former"], state.get("former_attributes", {}))
        self._decision.load_state_dict(state["decision"])
        self._hold_from_now_on()
        self._freezer.load_state_dict(state["freezer"], self._masks())
        self._measure.recall()

    def close(self) -> None:
        """Frees every neuron and leaves model and optimizer as they were found."""
        self._freezer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
