"""neq.NeuronHistory: what a layer's cells are, whatever the order in which their epochs come."""

from typing import Any

import pytest
from playwright.sync_api import Page

UPDATING, FROZEN, JUST_THAWED, JUST_FROZEN, ABSENT = 0, 1, 2, 3, -1

# Two neurons over five epochs, F for frozen: neuron 0 . . F F . and neuron 1 F F . F F
MASK = [[0, 1], [0, 1], [1, 0], [1, 1], [0, 1]]
# By hand: before epoch 0 nothing was frozen.
STATES = [
    [UPDATING, JUST_FROZEN],
    [UPDATING, FROZEN],
    [JUST_FROZEN, JUST_THAWED],
    [FROZEN, JUST_FROZEN],
    [JUST_THAWED, FROZEN],
]
READ = """(steps) => {
  const history = new neq.NeuronHistory(2);
  for (const [first, bytes] of steps) history.put(first, Uint8Array.from(bytes));
  const filled = (epoch) => {
    const into = new Uint8Array(2);
    return history.fillStates(epoch, into) ? [...into] : [-1, -1];
  };
  const epochs = [...Array(history.epochs).keys()];
  return {
    states: epochs.map((epoch) => [0, 1].map((neuron) => history.state(epoch, neuron))),
    filled: epochs.map(filled),
    since: epochs.map((epoch) => [0, 1].map((neuron) => history.since(epoch, neuron))),
    gap: history.firstGap(), gapBefore: history.firstGap(40), counts: history.count(history.epochs - 1),
    outside: [history.state(-1, 0), history.state(0, 2), history.state(history.epochs, 0), history.state(0, -1)],
  };
}"""


def column(epoch: int) -> list[int]:
    return [128 * frozen + 64 for frozen in MASK[epoch]]


def read(page: Page, steps: list[tuple[int, list[int]]]) -> dict[str, Any]:
    answer: dict[str, Any] = page.evaluate(READ, [list(step) for step in steps])
    return answer


WHOLE = [value for epoch in range(5) for value in column(epoch)]


@pytest.mark.parametrize(
    "steps",
    [
        [(0, WHOLE)],
        [(epoch, column(epoch)) for epoch in range(5)],
        [(epoch, column(epoch)) for epoch in (3, 0, 4, 1, 2)],
        [(0, WHOLE), (2, column(2)), (0, column(0))],
    ],
    ids=["at once", "one by one", "in any order", "some twice"],
)
def test_states_follow_from_a_cell_and_the_one_before(bench: Page, steps: list[tuple[int, list[int]]]) -> None:
    answer = read(bench, steps)
    assert answer["states"] == STATES
    assert answer["filled"] == STATES
    assert answer["since"] == [[0, 0], [0, 0], [2, 2], [2, 3], [4, 3]]
    assert answer["counts"] == [0, 1, 1, 0]
    assert answer["gap"] == -1
    assert answer["outside"] == [ABSENT] * 4


def test_a_missing_epoch_is_found_and_nothing_is_said_of_it(bench: Page) -> None:
    answer = read(bench, [(0, column(0)), (2, column(2)), (3, column(3))])
    assert answer["gap"] == 1
    assert answer["states"][1] == [ABSENT, ABSENT]
    # Whether they froze in epoch 2 just now is not known, so it is not claimed.
    assert answer["states"][2] == [FROZEN, UPDATING]
    assert answer["filled"][2] == [FROZEN, UPDATING]
    assert answer["states"][3] == [FROZEN, JUST_FROZEN]


def test_epochs_that_were_never_here_are_a_gap_beyond_what_is_reserved(bench: Page) -> None:
    assert read(bench, [(0, WHOLE)])["gapBefore"] == 5


def test_a_thousand_epochs_are_kept(bench: Page) -> None:
    grown = bench.evaluate("""() => {
      const history = new neq.NeuronHistory(3);
      for (let epoch = 0; epoch < 1000; epoch += 1) history.put(epoch, Uint8Array.of(epoch & 255, 128, 7));
      let wrong = 0;
      for (let epoch = 0; epoch < 1000; epoch += 1) if (history.bytes[3 * epoch] !== (epoch & 255)) wrong += 1;
      return { wrong, epochs: history.epochs, room: history.known.length };
    }""")
    assert grown["wrong"] == 0
    assert grown["epochs"] == 1000
    assert grown["room"] < 2048 + 1


def test_half_an_epoch_is_refused(bench: Page) -> None:
    with pytest.raises(Exception, match="not a whole number of epochs of 3 neurons"):
        bench.evaluate("() => new neq.NeuronHistory(3).put(0, new Uint8Array(4))")


@pytest.mark.parametrize(("speed", "place"), [(1e-6, 0), (1e-9, 0), (0, 0), (1e-3, 0.5), (1, 1), (3, 1)])
def test_a_speed_lies_on_the_displays_scale_by_its_decade(bench: Page, speed: float, place: float) -> None:
    assert bench.evaluate("(speed) => neq.NeuronHistory.place(speed)", speed) == pytest.approx(place)
