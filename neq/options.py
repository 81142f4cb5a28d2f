"""What is measured, who is frozen and what becomes of them: all that can be chosen, in one object."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, TypedDict

from torch import nn

from neq.arguments import check_choice, check_counts, check_numbers
from neq.checks import CheckMode
from neq.device.tf32 import Products
from neq.network.discovery import LayerFilter, Pattern
from neq.network.static import AlwaysFreeze
from neq.old_names import warn_renamed

SelectName = Literal["equilibrium", "none", "random", "topk", "parameter-norm", "prefix", "blocks", "replay"]
FormulaName = Literal["paper", "official"]
PhiName = Literal["global", "per-sample"]
MomentumOnThaw = Literal["keep", "cold"]
MeasureMode = Literal["auto", "streaming", "cached"]
BuiltInGroups = Literal["layer", "conv+norm", "stage"]
Groups = BuiltInGroups | Mapping[str, Sequence[Pattern]]
"""A built-in grouping, or patterns of layers by group name."""
LayerMasks = Mapping[str, Any]
"""bool, one value a neuron, by layer name: tensors or numpy arrays. A layer left out moves whole."""
ReplayedMasks = Mapping[int, LayerMasks] | Callable[[int], LayerMasks]
"""Of each epoch, counted from 0, the masks that hold in it: by number, or from a function of it."""
SavingsMode = bool | Literal["dense", "rows", "transposed"]
"""True: whatever measures fastest. `rows`, `transposed`, `dense`: that, without measuring. False: nothing is saved."""
Forward = Callable[[nn.Module, Any], object]
"""forward(model, batch): how to call the model on a probe batch; what it returns is not looked at."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Every option of `NEq`; each can be given to `NEq` as a keyword too.

    Attributes:
        epsilon: a neuron is frozen while |v| stays below this.
        mu: weight of the former velocity; in [0, 0.5], with the official formula in [0, 1).
        select: who is frozen. `equilibrium`: the rule. `none`: nobody. `random`: as many as the rule finds in each
            layer, or `fraction` of it, drawn anew every epoch. `topk`: `fraction` of each layer, the smallest |v|.
            `parameter-norm`: the rule on the neurons' parameters instead of their outputs. `prefix`: the rule, and from
            the input on whole layers once `fraction` of their neurons is at equilibrium, and parameters without neurons
            along with these, see `held_along`. `blocks`: the rule, rounded to the blocks of neurons that the device
            computes together: 16 on a CPU, 64 on a GPU. What these two freeze beyond the rule is
            `frozen & ~at_equilibrium`. `replay`: whoever `masks` names.
        formula: `paper`, or `official` for the recursion of the released code, under which a network's last layer is
            measured and left free, φ is taken per sample, and neurons thaw cold, unless said otherwise.
        phi: `global`: one cosine over all outputs of a neuron; `per-sample`: the mean of one a sample. None: the
            formula's.
        warmup: epochs from the start in which every neuron is updated.
        pinning: once frozen, for ever.
        momentum_on_thaw: `keep`: a thawed neuron resumes with the momentum it had when it froze; `cold`: with none.
            None: the formula's.
        layers: which to watch and which never to freeze.
        always_freeze: layers that are frozen before the first step and never thaw, whatever is selected: the first so
            many watched ones in forward order, or names with wildcards, and classes. They are measured and recorded as
            others are. With savings they need no backward pass from the first step on, and where all layers before them
            are among them keep nothing for it; parameters without neurons that lie among the first ones stand still
            along, see `held_along`. With `select="none"` nothing else freezes.
        fraction: in 0–1, for the selections that need one.
        masks: for `replay`: of each epoch, from 0, the masks that hold in it, such as those that another training
            decided at the end of the epoch before. They are asked for one epoch beyond the last that is trained, and
            hold whatever warm-up, pinning and groups say; φ and v are measured and recorded all the same.
        seed: of random selection.
        groups: layers to look at as one, recorded beside the neurons: `layer`, `conv+norm`, `stage`, or name patterns.
        decide_by: `groups`: a group's neurons freeze together, by the group's own v.
        churning_below: a neuron at equilibrium with φ below this counts as churning.
        measure: `streaming` runs last epoch's network again; `cached` keeps its outputs, on the model's device where
            they take at most a quarter of what is free there, else in the machine's memory; `auto` keeps them up to
            256 MiB. The numbers are the same to the bit as long as the portions are in which a batch is looked at: on a
            GPU these follow from the memory that is free (under deterministic algorithms from all of it), and others
            are rounded in another way.
        phi_precision: what φ's products are computed in on a GPU: `float32`, whatever torch's switches for TF32 say,
            or `tf32`, which is faster and lets a φ very near 1 drown in rounding. A model in another type than float32
            is measured in its own, and one whose `forward` enters torch.autocast itself in what that casts to: bfloat16
            lets a φ near 1 drown too. Enter autocast around the model in the training loop instead, or turn it off
            in `forward`.
        forward: forward(model, batch), for probe batches of any other kind.
        savings: leave out of the backward pass what frozen neurons do not need; no number changes. `rows` and `dense`
            do so without measuring what pays; False computes everything. A layer that is frozen whole has no gradient
            then: `.grad` is None, as after `zero_grad(set_to_none=True)`, and who asks torch.autograd.grad for it needs
            `dense_pass()` or False. A captured CUDA graph keeps the masks
            that it was captured with: capture anew after each `end_epoch`, with a plain step in between. What it reads
            stays in memory as long as this NEq does.
        checks: what is told is compared with the facts, once at the start and once an epoch: frozen neurons are where
            they were, the optimizer made steps and owns the layers, the probe set is the same, every output is a
            number. `raise`: what makes results wrong is an `NEqError`, what is doubtful an `NEqWarning`. `warn`: both
            are warnings. `off`: nothing is checked.

    Raises:
        TypeError: a value is of a kind that the option does not take.
        ValueError: a value is out of range.
    """

    epsilon: float = 1e-3
    mu: float = 0.5
    select: SelectName = "equilibrium"
    formula: FormulaName = "paper"
    phi: PhiName | None = None
    warmup: int = 1
    pinning: bool = False
    momentum_on_thaw: MomentumOnThaw | None = None
    layers: LayerFilter | None = None
    always_freeze: AlwaysFreeze = ()
    fraction: float | None = None
    masks: ReplayedMasks | None = None
    seed: int = 0
    groups: Groups | None = None
    decide_by: str = "neurons"
    churning_below: float = 0.9
    measure: MeasureMode = "auto"
    phi_precision: Products = "float32"
    forward: Forward | None = None
    savings: SavingsMode = True
    checks: CheckMode = "raise"

    def __post_init__(self) -> None:
        if self.savings == "turned":  # type: ignore[comparison-overlap]
            warn_renamed("savings='turned'", "savings='transposed'", stacklevel=3)
            object.__setattr__(self, "savings", "transposed")
        fraction = 0.0 if self.fraction is None else self.fraction
        check_numbers(epsilon=self.epsilon, mu=self.mu, churning_below=self.churning_below, fraction=fraction)
        check_counts(warmup=self.warmup, seed=self.seed)
        if self.warmup < 0:
            raise ValueError(f"warmup is {self.warmup}; it must be 0 or more")
        _check_always_freeze(self.always_freeze)
        _check_masks(self.select, self.masks)
        if self.phi is not None:
            check_choice("phi", self.phi, ("global", "per-sample"))
        check_choice("measure", self.measure, ("auto", "streaming", "cached"))
        check_choice("phi_precision", self.phi_precision, ("float32", "tf32"))
        check_choice("decide_by", self.decide_by, ("neurons", "groups"))

    @classmethod
    def of(cls, options: "Options | None", keywords: Mapping[str, Any]) -> Self:
        """These options with the keywords laid over them.

        Raises:
            TypeError: there is no such option, or `options` are none.
        """
        keywords = _under_current_names(keywords)
        check_names(keywords)
        if options is None:
            return cls(**keywords)
        if not isinstance(options, cls):
            raise TypeError(f"options is a {type(options).__name__}; give neq.Options(…), or keywords: epsilon=1e-3")
        return replace(options, **keywords)

    @property
    def freezes(self) -> bool:
        """Whether anything may be frozen, or neurons are measured only."""
        return self.select != "none" or bool(self.always_freeze)

    @property
    def is_official(self) -> bool:
        """Whether the released code's recursion is followed, with what belongs to it."""
        return self.formula == "official"

    @property
    def phi_taken(self) -> PhiName:
        """`phi`, or the formula's own."""
        return self.phi or ("per-sample" if self.is_official else "global")

    @property
    def momentum_given(self) -> MomentumOnThaw:
        """`momentum_on_thaw`, or the formula's own."""
        return self.momentum_on_thaw or ("cold" if self.is_official else "keep")


class OptionKeywords(TypedDict, total=False):
    """The fields of `Options`, for those who check types; a test compares the two."""

    epsilon: float
    mu: float
    select: SelectName
    formula: FormulaName
    phi: PhiName | None
    warmup: int
    pinning: bool
    momentum_on_thaw: MomentumOnThaw | None
    layers: LayerFilter | None
    always_freeze: AlwaysFreeze
    fraction: float | None
    masks: ReplayedMasks | None
    seed: int
    groups: Groups | None
    decide_by: str
    churning_below: float
    measure: MeasureMode
    phi_precision: Products
    forward: Forward | None
    savings: SavingsMode
    checks: CheckMode


def _check_always_freeze(given: Any) -> None:
    if isinstance(given, tuple):
        return
    if isinstance(given, str | type):
        raise TypeError(f"always_freeze is {given!r}; give a tuple of names or classes, such as ({given!r},)")
    check_counts(always_freeze=given)
    if given < 0:
        raise ValueError(f"always_freeze is {given}; it must be 0 or more")


def _check_masks(select: str, given: Any) -> None:
    if given is None:
        if select == "replay":
            raise ValueError("the selection replay needs masks, by epoch, or a function of the epoch that gives them")
        return
    if select != "replay":
        raise ValueError(f"masks are for the selection replay, and select is {select!r}")
    if not (callable(given) or isinstance(given, Mapping)):
        raise TypeError(f"masks is a {type(given).__name__}; give a mapping by epoch, or a function of the epoch")


def _under_current_names(keywords: Mapping[str, Any]) -> Mapping[str, Any]:
    if "share" not in keywords or "fraction" in keywords:
        return keywords
    warn_renamed("share", "fraction", stacklevel=4)
    return {"fraction" if name == "share" else name: value for name, value in keywords.items()}


OPTION_NAMES = tuple(field.name for field in fields(Options))


def check_names(options: Mapping[str, Any]) -> None:
    """Finds a slip of the pen where it was made.

    Raises:
        TypeError: there is no such option.
    """
    for name in options:
        if name not in OPTION_NAMES:
            raise TypeError(f"{name!r} is no option; choose from {', '.join(sorted(OPTION_NAMES))}")
