"""The whole way with the real trainer: from a queued description to neurons in the store."""

import numpy as np
import pytest

from contract.config import Mlp, NEqConfig, RunConfig, SplitProbe, Synthetic, Training
from contract.events import EpochFinished, RunStarted, parse_event
from tests.trainer.worker.conftest import Bench
from trainer.engines.environment import Workplace
from trainer.engines.process import process_engine

pytestmark = pytest.mark.process


def test_a_network_is_trained_and_its_neurons_are_recorded(bench: Bench) -> None:
    config = RunConfig(
        data=Synthetic(train_samples=200, test_samples=50),
        model=Mlp(hidden=(9, 5)),
        training=Training(epochs=4, batch_size=50),
        neq=NEqConfig(epsilon=0.3, probe=SplitProbe(samples=20)),
    )
    run_id = bench.store.create_run(config=config.model_dump(mode="json"), epochs_planned=4).id
    bench.start_worker(engine=process_engine(Workplace(bench.folder, "cpu", 1)))
    run = bench.end_of(run_id)
    assert (run.state, run.epochs_done, run.neurons) == ("finished", 4, 9 + 5 + 10), run.reason

    events = [parse_event(event.payload) for event in bench.store.events_after(run_id, 0)]
    assert isinstance(events[0], RunStarted) and [layer.neurons for layer in events[0].layers] == [9, 5, 10]
    epochs = [event for event in events if isinstance(event, EpochFinished)]
    assert [event.epoch for event in epochs] == [0, 1, 2, 3] and events[-1].kind == "run_finished"
    assert all(event.seconds.record > 0 for event in epochs)

    counted = np.zeros((4, 3), dtype=int)
    for layer, neurons in enumerate((9, 5, 10)):
        applied = bench.store.layer_history(run_id, layer, "applied").values
        decided = bench.store.layer_history(run_id, layer, "frozen")
        velocity = bench.store.layer_history(run_id, layer, "velocity").values
        assert decided.values.shape == (4, neurons) and not applied[0].any()
        assert np.array_equal(applied[1:], decided.values[:-1])
        assert np.isnan(velocity[0]).all() and np.array_equal(decided.values[1:], np.abs(velocity[1:]) < 0.3)
        counted[:, layer] = decided.values.sum(axis=1)
    assert np.array_equal(bench.store.frozen_counts(run_id)[1], counted) and counted.sum() > 0
    assert [event.layers.frozen for event in epochs] == [tuple(row) for row in counted.tolist()]
