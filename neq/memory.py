"""What NEq itself keeps in memory, kind by kind."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NEqMemory:
    """Bytes that NEq keeps beside the model, its gradients and the optimizer's own state.

    Attributes:
        device: where the model is, and with it all that is not said to be elsewhere.
        former: last epoch's network, which φ is measured against: a copy of every parameter and buffer.
        optimizer_rows: what the optimizer held of neurons when they froze, to be restored when they thaw.
        held: the values that frozen neurons are restored to after each step, and which rows these are.
        outputs: last epoch's outputs on the probe set, where they are kept, see `NEq.measure`.
        outputs_on_host: whether these are in the machine's memory, and not on the device.
        measuring: passing, at the end of an epoch: the outputs of a portion of the probe set in both epochs, and sums.
        at_most: what all but `measuring` can come to, as far as the optimizer's state is known: every neuron that may
            freeze frozen.

    Not counted is what passes at other times. When masks change, `optimizer_rows` and `held` of before and of after
    stand beside each other for a moment, so that too little memory for the new ones loses nothing of the old. Before
    the steps 0, 1, 2, 4, 8, … after a change, and where a frozen parameter was written to, a GPU compares what is held:
    several copies of a large parameter, one after the other, or of all small ones together. The numbers of the rows
    that are computed, some bytes a neuron, are not counted either, nor what CUDA graphs of former masks go on reading.
    """

    device: str
    former: int
    optimizer_rows: int
    held: int
    outputs: int
    outputs_on_host: bool
    measuring: int
    at_most: int

    @property
    def total(self) -> int:
        """All that is kept from one epoch to the next."""
        return self.former + self.optimizer_rows + self.held + self.outputs
