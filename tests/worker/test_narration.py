"""The log says in words where a run turned."""

from itertools import islice

from bench.synthetic import finished_epochs, started
from contract.counted import counted
from contract.events import Layer, Logged, RunFinished
from trainer.worker.log_messages import Narrator

LAYERS = tuple(Layer(index=i, name=f"layer{i}", type="Conv2d", neurons=n, parameters=n) for i, n in enumerate((16, 10)))


def test_the_beginning_names_device_neurons_and_images() -> None:
    words = Narrator().words_on(started(LAYERS, epochs=2))
    assert isinstance(words, Logged)
    assert "2 layers, 26 neurons" in words.text
    assert "none (synthetic)" in words.text


def test_only_an_epoch_with_another_learning_rate_is_told() -> None:
    narrator = Narrator()
    first, second, third = islice(finished_epochs(LAYERS, 30), 3)
    assert narrator.words_on(first) is None
    assert narrator.words_on(second) is None
    words = narrator.words_on(third.model_copy(update={"learning_rate": 0.01}))
    assert words is not None
    assert words.text.startswith("Epoch 2: learning rate 0.1 → 0.01;")
    froze, thawed = sum(third.layers.froze), sum(third.layers.thawed)
    assert words.text.endswith(f"{counted(froze, 'neuron')} froze and {thawed} thawed.")


def test_the_end_names_epochs_and_time() -> None:
    words = Narrator().words_on(RunFinished(epochs=3, test_accuracy=0.5, frozen_share=0.1, seconds=12.4))
    assert words is not None
    assert words.text == "Finished 3 epochs; training took 12 s."
