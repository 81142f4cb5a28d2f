"""What NEq says where its results would be wrong, and where they may be.

NEqError(ValueError)
    FrozenNeuronsMoved      something keeps moving what is frozen
    ModelChanged            a layer was replaced, resized or taken away
    NEqClosed               this NEq was closed, or another took its place
    NotFinite               a measured output is NaN or infinite
    NotRepeatable           the same network measures differently on the same probe set
    OptimizerOwnsNothing    no optimizer moves any watched layer
    OtherProcessFailed      another of the processes that train together could not end the epoch
    OutputsNotPaired        a layer sees other samples of the probe set than it did
    ParametersReplaced      the model has other parameters than it was made with
    ProbeChanged            the probe set is not what it was
    ProbeDoesNotFit         memory runs out on a single sample of the probe set
NEqWarning(UserWarning)
    AnotherOptimizer        another optimizer than the given one made the steps
    CheckFailed             an NEqError where checks="warn"
    FrozenNeuronsChanged    something else than a step changed what is frozen
    LayerNotTrained         no optimizer moves this layer
    LayerStoodStill         no step moved this layer, of which nothing was frozen
    NEqRecordingWarning     something of the training is not recorded, or not sent; the training goes on
    NEqTakenOver            another NEq holds the same layers from now on
    NetworkDiverged         weights or statistics are NaN or infinite
    NoStepMade              no optimizer made a step in this epoch
    ProbeNotCompared        whether the probe set is what it was cannot be told
"""


class NEqError(ValueError):
    """The results would be wrong.

    Attributes:
        reason: what happened, where.
        remedy: what to do about it.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}: {remedy}")
        self.reason, self.remedy = reason, remedy


class FrozenNeuronsMoved(NEqError):
    """Something keeps moving neurons that are frozen, step by step."""


class ModelChanged(NEqError):
    """The model is made of other parts than it was, which cannot be compared with what is known of the former ones."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}: its outputs cannot be compared with last epoch's",
            "change the model first, then make the optimizer and NEq anew",
        )


class NEqClosed(NEqError):
    """This NEq holds nothing any more."""


class NotFinite(NEqError):
    """A measured output is NaN or infinite, so that φ is not a number."""


class NotRepeatable(NEqError):
    """The same network gives other outputs for the same probe batch."""


class OptimizerOwnsNothing(NEqError):
    """No optimizer moves any of the watched layers."""


class OtherProcessFailed(NEqError):
    """Another of the processes that train together could not end the epoch."""


class OutputsNotPaired(NEqError):
    """A layer's outputs on the probe set are other ones, in number, than one epoch earlier: a router chose anew.

    Attributes:
        layer: the layer's name.
    """

    def __init__(self, layer: str, what: str) -> None:
        super().__init__(
            f"layer {layer!r} {what}: its outputs cannot be paired, as in a model whose router sends other samples to "
            "an expert in every epoch",
            f"leave it out with layers=LayerFilter(never=({layer!r},)), and with it all layers behind the same router",
        )
        self.layer = layer


class ParametersReplaced(NEqError):
    """The model has other parameters than those that are held."""


class ProbeChanged(NEqError):
    """The probe set is not what it was one epoch earlier."""


class ProbeDoesNotFit(NEqError):
    """Memory runs out while φ is measured, on a portion of the probe set that cannot be made smaller."""

    def __init__(self, samples: int | None) -> None:
        what = "a batch of the probe set" if samples is None else f"{samples} of the probe set's samples"
        what = "a single sample of the probe set" if samples == 1 else what
        super().__init__(
            f"memory ran out while φ was measured on {what}, which cannot be taken apart any further",
            "make room on the device (a smaller training batch, fewer runs beside this one), or give NEq smaller "
            "probe batches",
        )


class NEqWarning(UserWarning):
    """Something that may not be as it was meant; the results hold as far as they go."""


class AnotherOptimizer(NEqWarning):
    """Another optimizer than the one that NEq was given made all the steps."""


class CheckFailed(NEqWarning):
    """What would have been an error under checks="raise": the results are wrong."""


class FrozenNeuronsChanged(NEqWarning):
    """Something else than an optimizer's step changed frozen neurons; they are told as not held in that epoch."""


class LayerNotTrained(NEqWarning):
    """No optimizer moves a watched layer."""


class LayerStoodStill(NEqWarning):
    """No step moved a layer that is trained and of which nothing was frozen, while others moved."""


class NetworkDiverged(NEqWarning):
    """Weights or statistics are NaN or infinite, so that φ is not a number and nothing freezes."""


class NEqRecordingWarning(NEqWarning):
    """Something of the training is not recorded, or not sent; the training itself goes on untouched."""


class NEqTakenOver(NEqWarning):
    """A newer NEq took over layers that an older one held."""


class NoStepMade(NEqWarning):
    """No optimizer made a step since the last epoch's end."""


class ProbeNotCompared(NEqWarning):
    """Whether the probe set is what it was cannot be told of objects that it holds."""
