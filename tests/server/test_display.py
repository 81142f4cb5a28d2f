"""The display byte and the histograms, by hand and by property."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contract.events import VELOCITY_EDGES
from server.arrays.display import display_bytes, snapshot_display, speed_levels
from server.arrays.histograms import phi_counts, velocity_counts

finite = st.floats(width=32, allow_nan=False)


def level(value: float) -> int:
    return int(speed_levels(np.array([value], np.float32))[0])


def test_levels_by_hand() -> None:
    # 126 levels over 6 decades: 21 a decade, level 1 at 1e-6.
    assert [level(value) for value in (1e-6, 1e-5, 1e-3, 1e-1, 1.0)] == [1, 22, 64, 106, 127]
    assert [level(value) for value in (0.0, -0.0, 1e-30, 2.0, -5.0, float("inf"))] == [1, 1, 1, 127, 127, 127]
    assert level(float("nan")) == 0
    assert level(-1e-3) == 64


@given(st.lists(finite, min_size=2, max_size=2))
def test_a_faster_neuron_is_never_painted_slower(pair: list[float]) -> None:
    slow, fast = sorted(map(abs, pair))
    assert 1 <= level(slow) <= level(fast) <= 127


@given(st.lists(st.tuples(st.one_of(finite, st.just(float("nan"))), st.booleans()), min_size=1, max_size=40))
def test_stored_columns_give_the_bytes_of_their_arrays(cells: list[tuple[float, bool]]) -> None:
    velocity = np.array([cell[0] for cell in cells], np.float32)
    frozen = np.array([cell[1] for cell in cells])
    packed = np.packbits(frozen).tobytes()
    expected = display_bytes(velocity, frozen)
    assert snapshot_display(velocity.tobytes(), packed, len(cells)) == expected.tobytes()
    assert ((expected >= 128) == frozen).all()
    unmeasured = np.frombuffer(snapshot_display(None, packed, len(cells)), np.uint8)
    assert (unmeasured == frozen.astype(np.uint8) * 128).all()


@given(st.lists(st.one_of(finite, st.sampled_from(VELOCITY_EDGES)), min_size=1, max_size=60))
def test_each_velocity_is_in_the_bin_of_the_edges_that_it_reaches(values: list[float]) -> None:
    stored = np.array([values], np.float32)
    expected = np.zeros(39, int)
    for value in stored[0].astype(np.float64):
        expected[sum(edge <= value for edge in VELOCITY_EDGES)] += 1
    assert (velocity_counts(stored)[0] == expected).all()


def test_values_that_do_not_exist_are_in_no_bin() -> None:
    rows = np.array([[np.nan, 0.5, np.nan], [np.nan] * 3], np.float32)
    assert velocity_counts(rows).sum(axis=1).tolist() == [1, 0]
    assert phi_counts(rows).sum(axis=1).tolist() == [1, 0]


def test_phi_just_outside_its_bounds_is_in_the_outermost_bins() -> None:
    divergence = np.array([[2.0000002, 2.0, 0.0, -0.0000001]], np.float32)
    counts = phi_counts(divergence)[0]
    assert (counts[0], counts[-1], counts.sum()) == (2, 2, 4)
