"""How equilibrium is measured and what follows from it."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from trainer.config.part import Part


class EquilibriumRule(Part):
    """The paper's rule: a neuron is frozen for the next epoch while its velocity stays below ε."""

    model_config = ConfigDict(title="At equilibrium (|v| < ε)")
    kind: Literal["equilibrium"] = "equilibrium"


class NoRule(Part):
    """Nothing is ever frozen; φ and v are recorded all the same. The baseline to compare with."""

    model_config = ConfigDict(title="Never (plain training)")
    kind: Literal["none"] = "none"


Select = Annotated[
    EquilibriumRule | NoRule,
    Field(discriminator="kind", title="Freeze", description="Which neurons are not updated in the next epoch."),
]


class SplitProbe(Part):
    """Images held back from the training set, the same number of each class."""

    model_config = ConfigDict(title="Held back from the training set")
    kind: Literal["split"] = "split"
    samples: int = Field(
        default=200,
        ge=1,
        le=100_000,
        title="Probe images",
        description="At least one a class is advised. More cost time at the end of each epoch and change little.",
        json_schema_extra={"unit": "images"},
    )


class NEqConfig(Part):
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
        le=0.5,
        title="Memory μ",
        description="How much of the previous velocity enters the new one: v = Δφ − μ · v before. The paper uses 0.5.",
        json_schema_extra={"step": 0.05},
    )
    select: Select = EquilibriumRule()
    probe: Annotated[SplitProbe, Field(title="Probe set")] = SplitProbe()
