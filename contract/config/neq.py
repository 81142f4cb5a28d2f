"""How equilibrium is measured and which neurons are frozen."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from contract.base import ConfigModel, wrong_field
from contract.config.probe import Probe, SplitProbe
from contract.former_names import FormerName


class EquilibriumRule(ConfigModel):
    """The paper's rule: a neuron is frozen for the next epoch if its velocity is below ε."""

    model_config = ConfigDict(title="At equilibrium (|v| < ε)")
    kind: Literal["equilibrium"] = "equilibrium"


class NoRule(ConfigModel):
    """No neuron is ever frozen; φ and v are still recorded. The baseline for comparisons."""

    model_config = ConfigDict(title="Never (plain training)")
    kind: Literal["none"] = "none"


class RandomRule(ConfigModel):
    """Neurons drawn at random in every epoch: the control that shows what the rule adds."""

    model_config = ConfigDict(title="At random (control)")
    kind: Literal["random"] = "random"
    fraction: Annotated[float | None, FormerName("share")] = Field(
        default=None,
        ge=0,
        le=1,
        title="Fraction",
        description="Of each layer's neurons. Empty: as many per layer as the rule would freeze in that epoch.",
    )


class TopKRule(ConfigModel):
    """A fixed fraction of each layer: the neurons with the smallest |v|."""

    model_config = ConfigDict(title="Top-k (smallest |v|)")
    kind: Literal["topk"] = "topk"
    fraction: Annotated[float, FormerName("share")] = Field(
        default=0.5, ge=0, le=1, title="Fraction", description="Of each layer's neurons."
    )


class ParameterNormRule(ConfigModel):
    """The rule on the neurons' own weights instead of their outputs: φ is their cosine with those one epoch earlier."""

    model_config = ConfigDict(title="Weights at equilibrium (control)")
    kind: Literal["parameter-norm"] = "parameter-norm"


class PrefixRule(ConfigModel):
    """The rule, and whole layers from the input on, so that the first layers need no backward pass at all."""

    model_config = ConfigDict(title="Whole layers from the input on")
    kind: Literal["prefix"] = "prefix"
    layer_fraction: Annotated[float, FormerName("layer_share")] = Field(
        default=0.8,
        gt=0,
        le=1,
        title="Fraction τ",
        description=(
            "A layer is frozen as a whole once this fraction of its neurons is at equilibrium and every layer before "
            "it is frozen. At 1, no neuron freezes beyond the rule. Parameters without neurons, such as position "
            "embeddings, freeze with the layers around them."
        ),
        json_schema_extra={"step": 0.05},
    )


class BlocksRule(ConfigModel):
    """The rule, rounded to whole blocks of neurons, 16 on a CPU and 64 on a GPU: computing a part of a block takes as
    long."""

    model_config = ConfigDict(title="At equilibrium, in whole blocks")
    kind: Literal["blocks"] = "blocks"


class ReplayRule(ConfigModel):
    """The masks of another run, epoch by epoch: what its freezing is worth without the signal that it came from."""

    model_config = ConfigDict(title="Masks of another run (control)")
    kind: Literal["replay"] = "replay"
    run: str = Field(
        pattern=r"^[a-z0-9]{10}$",
        title="Run",
        description=(
            "Id of the run, as in its page's address. It must have the same layers, at least as many finished epochs, "
            "and arrays of all of them. φ and v are still measured."
        ),
    )


Select = Annotated[
    EquilibriumRule | NoRule | RandomRule | TopKRule | ParameterNormRule | PrefixRule | BlocksRule | ReplayRule,
    Field(discriminator="kind", title="Freeze", description="Which neurons are not updated in the next epoch."),
]

Pattern = Annotated[str, Field(min_length=1, max_length=200)]
Patterns = Annotated[tuple[Pattern, ...], Field(max_length=50, json_schema_extra={"advanced": True})]


class Watched(ConfigModel):
    """Which layers are watched. A pattern is a layer's name; * matches any characters, as in `layer1.*`."""

    model_config = ConfigDict(title="Layers")
    only: Patterns = Field(default=(), title="Watch only", description="Empty: every layer that has neurons.")
    never: Patterns = Field(default=(), title="Do not watch", description="Neither measured nor frozen.")
    never_freeze: Patterns = Field(default=(), title="Never freeze", description="Measured, but always updated.")
    always_freeze: Patterns = Field(
        default=(),
        title="Always freeze",
        description="Frozen from before the first step to the end, whatever the rule decides. Still measured.",
    )
    always_freeze_first: int = Field(
        default=0,
        ge=0,
        le=100_000,
        title="Always freeze the first",
        description=(
            "So many layers from the input on are frozen in the same way: a static prefix, as a control for what the "
            "rule adds. They need no backward pass from the first step on, nor memory for it. 0: none."
        ),
        json_schema_extra={"unit": "layers", "advanced": True},
    )

    @property
    def freezes_always(self) -> bool:
        """Whether any layer is frozen from before the first step."""
        return bool(self.always_freeze or self.always_freeze_first)

    @model_validator(mode="after")
    def _what_always_freezes_may_freeze(self) -> Self:
        if self.always_freeze and self.always_freeze_first:
            raise wrong_field("always_freeze_first", "always_freeze names layers already: give names or a number")
        for field in ("never_freeze", "never"):
            if both := set(self.always_freeze) & set(getattr(self, field)):
                raise wrong_field("always_freeze", f"{min(both)!r} is in {field} too: take it out of one of them")
        return self


class NEqConfig(ConfigModel):
    """How equilibrium is measured and which neurons are frozen."""

    model_config = ConfigDict(title="Equilibrium")
    epsilon: float = Field(
        default=1e-3,
        ge=0,
        le=4,
        title="Threshold ε",
        description=(
            "A neuron is at equilibrium while its velocity |v| is below this. Larger values freeze more neurons, and "
            "earlier; at 0 nothing freezes. The paper uses 0.001."
        ),
        json_schema_extra={"scale": "log"},
    )
    mu: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        title="Velocity momentum μ",
        description=(
            "Weight of the previous velocity in the new one: v = Δφ − μ · v of the epoch before. The paper uses 0.5 "
            "and allows no more; the official formula allows anything below 1."
        ),
        json_schema_extra={"step": 0.05},
    )
    select: Select = EquilibriumRule()
    probe: Probe = SplitProbe()
    formula: Literal["paper", "official"] = Field(
        default="paper",
        title="Formula",
        description=(
            "paper: φ and v as published. official: as in the authors' released code, which their curves come from; "
            "the last layer is then never frozen, and masks may act one epoch earlier."
        ),
        json_schema_extra={"advanced": True},
    )
    phi: Literal["as-formula", "global", "per-sample"] = Field(
        default="as-formula",
        title="φ computed over",
        description="global: one cosine over all of a neuron's outputs. per-sample: the mean of one cosine per image.",
        json_schema_extra={"advanced": True},
    )
    warmup: int = Field(
        default=1,
        ge=0,
        le=100_000,
        title="First epoch that may freeze",
        description="Counted from 0; in the epochs before it every neuron is updated.",
        json_schema_extra={"advanced": True},
    )
    pinning: bool = Field(
        default=False,
        title="Never thaw",
        description="A frozen neuron stays frozen until the run ends.",
        json_schema_extra={"advanced": True},
    )
    momentum_on_thaw: Literal["as-formula", "keep", "cold"] = Field(
        default="as-formula",
        title="Momentum on thaw",
        description="keep: a thawed neuron resumes with the momentum it had when it froze. cold: it starts with none.",
        json_schema_extra={"advanced": True},
    )
    layers: Watched = Watched()
    groups: Literal["none", "layer", "conv+norm", "stage"] = Field(
        default="none",
        title="Groups",
        description="Layers that are also measured as one, by the cosine of all their outputs together.",
        json_schema_extra={"advanced": True},
    )
    decide_by: Literal["neurons", "groups"] = Field(
        default="neurons",
        title="Decide by",
        description="groups: the neurons of a group freeze and thaw together, by the group's own velocity.",
        json_schema_extra={"advanced": True},
    )
    measure: Literal["auto", "streaming", "cached"] = Field(
        default="auto",
        title="Reference outputs",
        description=(
            "Where the outputs of one epoch earlier come from. streaming: that epoch's network runs again, which takes "
            "little memory. cached: its outputs are kept, which takes half the time; on a small GPU they are kept in "
            "host memory. auto: cached while they are small. The numbers are the same."
        ),
        json_schema_extra={"advanced": True},
    )
    phi_precision: Literal["float32", "tf32"] = Field(
        default="float32",
        title="Precision of φ",
        description=(
            "Precision of φ on a GPU, whatever the precision of training. tf32 is faster and rounds products to 10 "
            "bits of mantissa, which may hide how far a φ close to 1 is from 1. A CPU uses float32."
        ),
        json_schema_extra={"advanced": True},
    )
    savings: bool = Field(
        default=True,
        title="Skip frozen gradients",
        description=(
            "Leave out of the backward pass what frozen neurons do not need. Off: everything is computed and frozen "
            "neurons still do not change, for comparison; on one CPU thread, without clipping, no number differs."
        ),
        json_schema_extra={"advanced": True},
    )

    @model_validator(mode="after")
    def _values_fit_the_formula(self) -> Self:
        if self.formula == "paper" and self.mu > 0.5:
            raise wrong_field("mu", "the paper's formula takes at most 0.5; lower it, or choose the official formula")
        if self.decide_by == "groups" and self.groups == "none":
            raise wrong_field("groups", "choose the groups that are to decide, or let neurons decide")
        return self
