"""Runs side by side, against small cases by hand and the plain reference."""

import io
import math
import statistics
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from db import LayerHistory, MetricPoints, Store
from db.comparing import COSTS, EpochCosts
from server.comparing.axes import COST_OF, XAxis, places
from server.comparing.bands import band
from server.comparing.curves import digits
from server.comparing.masks import BOTH, NEITHER, ONLY_A, ONLY_B, UNKNOWN, agreement, difference, first_freezes
from server.comparing.matching import Pair, differing, matched
from server.schemas import Agreement, Charts, Comparison, FirstFreezes
from tests.server.recording import Recording

COMPARE = "/api/v1/compare"


def history(epochs: list[int], rows: list[list[int]]) -> LayerHistory:
    return LayerHistory(np.array(epochs, np.int32), len(rows[0]), np.array(rows, np.bool_))


def array(*values: float) -> Any:
    return np.array(values, np.float64)


# ---------------------------------------------------------------- masks

A = history([0, 1, 2], [[0, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]])
B = history([0, 2, 3], [[0, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]])


def test_a_difference_has_each_of_the_four_cases_and_says_where_an_epoch_is_missing() -> None:
    assert difference(A, B, range(4)).tolist() == [
        [NEITHER, ONLY_B, ONLY_A, BOTH],
        [UNKNOWN] * 4,
        [NEITHER] * 4,
        [UNKNOWN] * 4,
    ]


def test_agreement_by_hand() -> None:
    found = agreement(A, B, range(4))
    assert found.jaccard[[0, 2]].tolist() == [1 / 3, 1.0], "where nobody froze any, they agree"
    assert found.difference[[0, 2]].tolist() == [0.0, 0.0]
    assert np.isnan(found.jaccard[[1, 3]]).all() and np.isnan(found.difference[[1, 3]]).all()


def test_layers_of_different_size_agree_in_fractions_alone() -> None:
    found = agreement(history([0], [[1, 0]]), history([0], [[1, 0, 0, 0]]), range(1))
    assert math.isnan(found.jaccard[0]) and found.difference[0] == -0.25


def test_first_freezes_by_hand() -> None:
    assert first_freezes(A).tolist() == [-1, 1, 0, 0]
    assert first_freezes(history([5, 9], [[0, 1], [0, 0]])).tolist() == [-1, 5]
    assert first_freezes(LayerHistory(np.empty(0, np.int32), 3, np.empty((0, 3), np.bool_))).tolist() == [-1] * 3


@given(st.integers(1, 12), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_agreement_is_what_sets_say(epochs: int, neurons: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    masks = [random.random((epochs, neurons)) < chance for chance in random.random(2)]
    a, b = (LayerHistory(np.arange(epochs, dtype=np.int32), neurons, mask) for mask in masks)
    found, cells = agreement(a, b, range(epochs)), difference(a, b, range(epochs))
    for epoch in range(epochs):
        one, other = (set(np.flatnonzero(mask[epoch]).tolist()) for mask in masks)
        expected = len(one & other) / len(one | other) if one | other else 1.0
        assert found.jaccard[epoch] == pytest.approx(expected)
        assert found.difference[epoch] == pytest.approx((len(other) - len(one)) / neurons)
        for code, members in ((ONLY_A, one - other), (ONLY_B, other - one), (BOTH, one & other)):
            assert set(np.flatnonzero(cells[epoch] == code).tolist()) == members


def test_layers_are_matched_by_name_and_else_by_place() -> None:
    def layers(*names: str) -> list[dict[str, Any]]:
        return [{"index": index, "name": name, "neurons": 4} for index, name in enumerate(names)]

    assert matched(layers("a", "b", "c"), layers("c", "x", "a")) == ("name", [Pair(0, 2), Pair(2, 0)])
    assert matched(layers("a", "b"), layers("x", "y", "z")) == ("place", [Pair(0, 0), Pair(1, 1)])
    assert matched([], layers("a")) == ("place", [])


# ---------------------------------------------------------------- axes


def points(epochs: list[int], values: list[float]) -> MetricPoints:
    count = len(epochs)
    return MetricPoints(
        "m",
        steps=np.arange(count, dtype=np.int64) * 10,
        epochs=np.array(epochs, np.int32),
        times=np.arange(count, dtype=np.float64) + 1_000,
        values=np.array(values, np.float64),
    )


SPENT = EpochCosts(
    np.array([0, 1, 3], np.int64),
    {name: array(1, 2, 4) for name in COSTS} | {"device_seconds": array(1, np.nan, 4)},
)


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        ("epoch", [0, 1, 2, 3, np.nan]),
        ("step", [0, 10, 20, 30, 40]),
        ("elapsed", [10, 11, 12, 13, 14]),
        ("samples", [1, 3, np.nan, 7, np.nan]),
        ("seconds", [1, 3, np.nan, 7, np.nan]),
        ("flops", [3, 9, np.nan, 21, np.nan]),
        ("device_seconds", [1, np.nan, np.nan, np.nan, np.nan]),
    ],
)
def test_points_lie_where_their_epochs_ended(axis: XAxis, expected: list[float]) -> None:
    found = places(points([0, 1, 2, 3, -1], [1, 1, 1, 1, 1]), SPENT, axis, began=990.0)
    assert np.array_equal(found, np.array(expected), equal_nan=True)


def test_a_run_without_epochs_has_no_place_by_cost() -> None:
    nothing = EpochCosts(np.empty(0, np.int64), {name: np.empty(0) for name in COSTS})
    assert np.isnan(places(points([0, 1], [1, 1]), nothing, "flops", 0.0)).all()


# ---------------------------------------------------------------- bands


def test_a_band_is_the_mean_and_the_samples_deviation_of_those_that_are_there() -> None:
    curves = [(array(0, 1, 2), array(1, 2, 3)), (array(0, 1), array(3, np.nan)), (array(0, 2), array(8, 5))]
    found = band(curves, "std", shared=True)
    assert found.x.tolist() == [0, 1, 2] and found.count.tolist() == [3, 1, 2]
    assert found.mean.tolist() == [4, 2, 4]
    deviation = [statistics.stdev([1, 3, 8]), 0.0, statistics.stdev([3, 5])]
    assert np.allclose(found.high - found.mean, deviation) and np.allclose(found.mean - found.low, deviation)
    least = band(curves, "minmax", shared=True)
    assert least.low.tolist() == [1, 2, 3] and least.high.tolist() == [8, 2, 5]


def test_between_points_of_their_own_curves_are_read_in_straight_lines_and_not_beyond() -> None:
    found = band([(array(0, 10), array(0, 10)), (array(5, 15), array(5, 5))], "minmax", shared=False)
    assert found.x.tolist() == [0, 5, 10, 15] and found.count.tolist() == [1, 2, 2, 1]
    assert found.mean.tolist() == [0, 5, 7.5, 5]


def test_of_several_values_at_one_place_the_last_counts() -> None:
    assert band([(array(1, 1, 0), array(5, 7, 2))], "std", shared=True).mean.tolist() == [2, 7]


def test_no_curves_are_no_band() -> None:
    assert band([], "std", shared=True).x.size == 0
    assert band([(array(np.nan), array(1)), (array(1), array(np.inf))], "std", shared=False).x.size == 0


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.integers(0, 20), st.floats(-1e6, 1e6), max_size=20), min_size=1, max_size=6))
def test_a_band_over_shared_places_is_what_statistics_says(runs: list[dict[int, float]]) -> None:
    curves = [(array(*sorted(run)), array(*(run[place] for place in sorted(run)))) for run in runs]
    found = band(curves, "std", shared=True)
    assert found.x.tolist() == sorted({float(place) for run in runs for place in run})
    for place, mean, low, high, count in zip(found.x, found.mean, found.low, found.high, found.count, strict=True):
        there = [run[int(place)] for run in runs if place in run]
        assert count == len(there)
        assert mean == pytest.approx(statistics.fmean(there), rel=1e-9, abs=1e-6)
        std = statistics.stdev(there) if len(there) > 1 else 0.0
        assert high - mean == pytest.approx(std, rel=1e-6, abs=1e-6)
        assert mean - low == pytest.approx(std, rel=1e-6, abs=1e-6)


# ---------------------------------------------------------------- routes


@pytest.fixture
def pair(store: Store) -> tuple[Recording, Recording]:
    """Two runs of three layers and four epochs, whose masks differ."""
    first, second = Recording(store), Recording(store)
    for recording in (first, second):
        recording.start()
        for _ in range(4):
            recording.epoch()
    return first, second


def test_curves_of_many_runs_come_in_one_answer(client: TestClient, pair: tuple[Recording, Recording]) -> None:
    ids = [each.id for each in pair]
    asked = {
        "runs": ",".join([*ids, "nosuchrun0"]),
        "metric": ["train_loss", "learning_rate", "nothing"],
        "by": "source",
    }
    told = Charts.model_validate_json(client.get(f"{COMPARE}/curves", params=asked).content)
    loss, rate, nothing = told.charts
    assert told.missing == ["nosuchrun0"] and nothing.curves == [] and nothing.bands == []
    assert [curve.run for curve in loss.curves] == ids and loss.x == [0, 1, 2, 3], "both have the same epochs"
    assert [curve.x for curve in loss.curves] == [None, None]
    stored = client.get(f"/api/v1/runs/{ids[0]}/metrics/points", params={"name": "train_loss"}).json()
    assert loss.curves[0].y == pytest.approx(stored["values"], rel=1e-7) and not loss.curves[0].thinned
    (both,) = rate.bands
    assert (both.value, both.runs, both.count) == ("launched", ids, [2, 2, 2, 2])
    assert both.mean == rate.curves[0].y


def test_masks_agreement_and_first_freezes_are_what_was_recorded(
    client: TestClient, pair: tuple[Recording, Recording]
) -> None:
    first, second = pair
    asked = {"a": first.id, "b": second.id}
    told = Agreement.model_validate_json(client.get(f"{COMPARE}/agreement", params=asked).content)
    assert (told.by, told.differing, told.epochs, len(told.pairs)) == ("name", [], 4, 3)
    for layer, pair_of in enumerate(told.pairs):
        assert (pair_of.a, pair_of.b) == (layer, layer)
        masks = [np.array(each.frozen[layer]) for each in pair]
        answer = client.get(f"{COMPARE}/masks", params=asked | {"layer_a": layer, "layer_b": layer})
        cells = np.load(io.BytesIO(answer.content), allow_pickle=False)
        assert (cells == masks[0] * ONLY_A + masks[1] * ONLY_B).all() and cells.dtype == np.uint8
        both, either = (masks[0] & masks[1]).sum(1), (masks[0] | masks[1]).sum(1)
        expected = [both / either if either else 1.0 for both, either in zip(both, either, strict=True)]
        assert told.jaccard[layer] == pytest.approx(expected, abs=1e-4)
        freezes = FirstFreezes.model_validate_json(
            client.get(f"{COMPARE}/first-freezes", params=asked | {"layer_a": layer, "layer_b": layer}).content
        )
        assert freezes.a == [int(row.argmax()) if row.any() else None for row in masks[0].T]


def test_layers_of_different_size_have_no_difference(client: TestClient, pair: tuple[Recording, Recording]) -> None:
    asked = {"a": pair[0].id, "b": pair[1].id, "layer_a": 0, "layer_b": 1}
    answer = client.get(f"{COMPARE}/masks", params=asked)
    assert answer.status_code == 409 and "compare their fractions" in answer.json()["detail"]


def test_a_script_s_settings_tell_nothing_of_its_weights(pair: tuple[Recording, Recording]) -> None:
    launched = pair[0].run
    script = replace(launched, id="script0000", source="external", config={"seed": 7, "model": "vit"})
    layers = [{"name": "conv0", "neurons": 5}]
    assert differing((launched, layers), (script, layers)) == ["unknown weights"]
    assert differing((launched, layers), (script, [{"name": "conv0", "neurons": 6}])) == ["network"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("curves?runs=&metric=a", "runs"),
        ("curves?metric=a", "runs"),
        ("curves?runs=" + ",".join(f"r{n}" for n in range(51)) + "&metric=a", "runs"),
        ("curves?runs=a", "metric"),
        ("curves?runs=a&metric=a&axis=weeks", "axis"),
        ("curves?runs=a&metric=a&columns=0", "columns"),
        ("curves?runs=a&metric=a&by=metric.loss", "by"),
        ("curves?runs=a&metric=a&by=`neq", "field"),
        ("agreement?a=../x&b=a", "a"),
        ("masks?a=a&b=b&layer_a=-1&layer_b=0", "layer_a"),
    ],
)
def test_a_wrong_question_is_refused_at_its_field(client: TestClient, query: str, field: str) -> None:
    answer = client.get(f"{COMPARE}/{query}")
    assert (answer.status_code, answer.json()["detail"][0]["field"]) == (422, field), answer.text


def test_a_run_that_is_gone_is_named(client: TestClient, pair: tuple[Recording, Recording]) -> None:
    for path in ("agreement?", "masks?layer_a=0&layer_b=0&", "first-freezes?layer_a=0&layer_b=0&"):
        answer = client.get(f"{COMPARE}/{path}a={pair[0].id}&b=nosuchrun0")
        assert answer.status_code == 404 and "nosuchrun0" in answer.json()["detail"]


def test_values_that_differ_in_their_last_digits_are_two_groups(client: TestClient, store: Store) -> None:
    runs = []
    for epsilon in (1e-3, 1.0000001e-3):
        recording = Recording(store, neq={"epsilon": epsilon})
        recording.start()
        recording.epoch()
        runs.append(recording.id)
    waiting = Recording(store, neq={"epsilon": 1e-3}).id
    asked = {"runs": ",".join([*runs, waiting]), "metric": "train_loss", "by": "neq.epsilon"}
    told = Charts.model_validate_json(client.get(f"{COMPARE}/curves", params=asked).content)
    (chart,) = told.charts
    assert [(each.value, each.runs) for each in chart.bands] == [("0.001", runs[:1]), ("0.0010000001", runs[1:])]
    groups = {each.value: each.runs for each in told.groups}
    assert groups == {"0.001": [runs[0], waiting], "0.0010000001": runs[1:]}, "with points or without"


def test_what_runs_came_to_is_told_at_once(client: TestClient, store: Store, pair: tuple[Recording, Recording]) -> None:
    waiting = Recording(store)
    ids = [pair[1].id, "nosuchrun0", waiting.id, pair[0].id]
    told = Comparison.model_validate_json(client.get(COMPARE, params={"runs": ",".join(ids)}).content)
    known = [each for each in ids if each != "nosuchrun0"]
    assert ([run.id for run in told.runs], told.missing, told.metrics_left_out) == (known, ["nosuchrun0"], 0)
    loss = next(each for each in told.metrics if each.name == "train_loss")
    assert loss.smaller_is_better and loss.last[1] is None
    for place in (0, 2):
        values = store.metric_points(known[place], "train_loss").values
        assert (loss.last[place], loss.least[place], loss.greatest[place]) == (values[-1], values.min(), values.max())
    whole = {run_id: store.epoch_costs([run_id])[run_id].costs for run_id in known}
    for axis, names in COST_OF.items():
        sums = [sum(float(np.sum(whole[run_id][name])) for name in names) for run_id in known]
        assert told.totals[axis] == [None if math.isnan(each) or not each else each for each in sums], axis
    assert told.totals["seconds"][0] is not None and told.totals["seconds"][1] is None


def test_numbers_are_told_in_eight_digits() -> None:
    told = [0.123456789012, -1234567.891, 1e-30 / 3, 1e300 / 3, 5.0, 2.0**53, 0.0, math.nan, math.inf, 1 / 3]
    found = digits(array(*told)).tolist()
    expected = [value if not math.isfinite(value) or value == int(value) else float(f"{value:.8g}") for value in told]
    assert found[:2] == expected[:2] and found[4:7] == [5.0, 2.0**53, 0.0] and found[8:] == expected[8:]
    assert math.isnan(found[7]) and found[2:4] == pytest.approx(expected[2:4], rel=1e-15)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_eight_digits_are_never_further_away_than_half_of_the_last(value: float) -> None:
    (found,) = digits(array(value)).tolist()
    assert found == value or abs(found - value) <= abs(value) * 5.1e-8 + 1e-310


def test_a_span_is_told_with_the_next_points_to_each_side(
    client: TestClient, pair: tuple[Recording, Recording]
) -> None:
    asked = {"runs": pair[0].id, "metric": "train_loss", "start": 1.2, "end": 2.1}
    (chart,) = Charts.model_validate_json(client.get(f"{COMPARE}/curves", params=asked).content).charts
    assert chart.x == [1, 2, 3]
    (chart,) = Charts.model_validate_json(
        client.get(f"{COMPARE}/curves", params=asked | {"start": 0.0, "end": 0.0}).content
    ).charts
    assert chart.x == [0, 1]
