"""How equilibrium is measured and what follows from it."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from contract.base import ConfigModel, wrong_field
from contract.config.probe import Probe, SplitProbe


class EquilibriumRule(ConfigModel):
    """The paper's rule: a neuron is frozen for the next epoch while its velocity stays below ε."""

    model_config = ConfigDict(title="At equilibrium (|v| < ε)")
    kind: Literal["equilibrium"] = "equilibrium"


class NoRule(ConfigModel):
    """Nothing is ever frozen; φ and v are recorded all the same. The baseline to compare with."""

    model_config = ConfigDict(title="Never (plain training)")
    kind: Literal["none"] = "none"


class RandomRule(ConfigModel):
    """Neurons drawn at random, anew every epoch: the control that shows what the rule adds."""

    model_config = ConfigDict(title="At random (control)")
    kind: Literal["random"] = "random"
    share: float | None = Field(
        default=None,
        ge=0,
        le=1,
        title="Share",
        description="Of every layer's neurons. Empty: as many of each layer as the rule would freeze at that moment.",
    )


class TopKRule(ConfigModel):
    """A fixed share of every layer, the neurons with the smallest |v|."""

    model_config = ConfigDict(title="The slowest share (smallest |v|)")
    kind: Literal["topk"] = "topk"
    share: float = Field(default=0.5, ge=0, le=1, title="Share", description="Of every layer's neurons.")


class ParameterNormRule(ConfigModel):
    """The rule on the neurons' own weights instead of their outputs: how like last epoch's they point."""

    model_config = ConfigDict(title="Weights at equilibrium (control)")
    kind: Literal["parameter-norm"] = "parameter-norm"


class PrefixRule(ConfigModel):
    """The rule, and from the input on whole layers, so that a stretch of the network stops altogether."""

    model_config = ConfigDict(title="Whole layers from the input on")
    kind: Literal["prefix"] = "prefix"
    layer_share: float = Field(
        default=0.8,
        gt=0,
        le=1,
        title="Share τ",
        description=(
            "A layer is frozen as a whole once this share of its neurons is at equilibrium and every layer before it "
            "is frozen. At 1, no neuron freezes beyond the rule. Parameters without neurons, such as position "
            "embeddings, freeze with the layers around them."
        ),
        json_schema_extra={"step": 0.05},
    )


class BlocksRule(ConfigModel):
    """The rule, rounded so that whole blocks of neurons move, of 16 on a CPU and of 64 on a GPU, which compute no less
    anyway."""

    model_config = ConfigDict(title="At equilibrium, in whole blocks")
    kind: Literal["blocks"] = "blocks"


Select = Annotated[
    EquilibriumRule | NoRule | RandomRule | TopKRule | ParameterNormRule | PrefixRule | BlocksRule,
    Field(discriminator="kind", title="Freeze", description="Which neurons are not updated in the next epoch."),
]

Pattern = Annotated[str, Field(min_length=1, max_length=200)]
Patterns = Annotated[tuple[Pattern, ...], Field(max_length=50, json_schema_extra={"advanced": True})]


class Watched(ConfigModel):
    """Which layers are watched. A pattern is a layer's name; * stands for any letters, as in `layer1.*`."""

    model_config = ConfigDict(title="Layers")
    only: Patterns = Field(default=(), title="Watch only", description="Empty: every layer that has neurons.")
    never: Patterns = Field(default=(), title="Do not watch", description="Neither measured nor frozen.")
    never_freeze: Patterns = Field(default=(), title="Never freeze", description="Measured, and always updated.")


class NEqConfig(ConfigModel):
    """How equilibrium is measured and what follows from it."""

    model_config = ConfigDict(title="Equilibrium")
    epsilon: float = Field(
        default=1e-3,
        ge=0,
        le=4,
        title="Threshold ε",
        description=(
            "A neuron counts as settled while its velocity |v| is below this. Larger freezes more and sooner; "
            "at 0 nothing freezes. The paper uses 0.001."
        ),
        json_schema_extra={"scale": "log"},
    )
    mu: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        title="Memory μ",
        description=(
            "How much of the previous velocity enters the new one: v = Δφ − μ · v before. The paper uses 0.5, and "
            "allows no more; the official formula may have up to 1."
        ),
        json_schema_extra={"step": 0.05},
    )
    select: Select = EquilibriumRule()
    probe: Probe = SplitProbe()
    formula: Literal["paper", "official"] = Field(
        default="paper",
        title="Formula",
        description=(
            "paper: φ and v as published. official: as the authors' released code computes them, which their curves "
            "come from; the last layer then stays free, and masks may act one epoch sooner."
        ),
        json_schema_extra={"advanced": True},
    )
    phi: Literal["as-formula", "global", "per-sample"] = Field(
        default="as-formula",
        title="φ over",
        description="global: one cosine over all of a neuron's outputs. per-sample: the mean of one cosine an image.",
        json_schema_extra={"advanced": True},
    )
    warmup: int = Field(
        default=1,
        ge=0,
        le=100_000,
        title="Warm-up",
        description="Epochs from the start in which every neuron is updated.",
        json_schema_extra={"unit": "epochs", "advanced": True},
    )
    pinning: bool = Field(
        default=False,
        title="Pinning",
        description="Once frozen, for ever: nothing thaws.",
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
        description="Layers that are also looked at as one, by the cosine of all their outputs together.",
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
        title="Measure by",
        description=(
            "streaming: last epoch's network runs again, which takes little memory. cached: its outputs are kept, "
            "which takes half the time; on a small GPU they wait in the machine's memory. auto: cached while they are "
            "small. The numbers are the same."
        ),
        json_schema_extra={"advanced": True},
    )
    phi_precision: Literal["float32", "tf32"] = Field(
        default="float32",
        title="Precision of φ",
        description=(
            "What φ is measured in on a GPU, whatever training computes in. tf32 is faster and rounds products to 10 "
            "bits, in which a φ very near 1 may drown. A CPU measures in float32."
        ),
        json_schema_extra={"advanced": True},
    )
    savings: bool = Field(
        default=True,
        title="Save time",
        description=(
            "Leave out of the backward pass what frozen neurons do not need. Off: all is computed and they stay put "
            "all the same, so that both can be compared; on one CPU thread, without clipping, no number changes."
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
