"""The log says where a run began, resumed, changed its learning rate and ended."""

from itertools import islice

from bench.synthetic import finished_epochs, started
from contract.counted import counted
from contract.events import Logged, RunFinished
from contract.layers import Layer
from trainer.worker.log_messages import LogMessages

LAYERS = tuple(Layer(index=i, name=f"layer{i}", type="Conv2d", neurons=n, parameters=n) for i, n in enumerate((16, 10)))


def test_the_beginning_names_device_neurons_and_images() -> None:
    message = LogMessages().message_after(started(LAYERS, epochs=2))
    assert isinstance(message, Logged)
    assert "2 layers, 26 neurons" in message.text
    assert "none (synthetic)" in message.text


def test_only_an_epoch_with_another_learning_rate_is_told() -> None:
    log_messages = LogMessages()
    first, second, third = islice(finished_epochs(LAYERS, 30), 3)
    assert log_messages.message_after(first) is None
    assert log_messages.message_after(second) is None
    message = log_messages.message_after(third.model_copy(update={"learning_rate": 0.01}))
    assert message is not None
    assert message.text.startswith("Epoch 2: learning rate 0.1 → 0.01;")
    froze, thawed = sum(third.layers.froze), sum(third.layers.thawed)
    assert message.text.endswith(f"{counted(froze, 'neuron')} froze and {thawed} thawed.")


def test_the_end_names_epochs_and_time() -> None:
    message = LogMessages().message_after(RunFinished(epochs=3, test_accuracy=0.5, frozen_fraction=0.1, seconds=12.4))
    assert message is not None
    assert message.text == "Finished 3 epochs; training took 12 s."
