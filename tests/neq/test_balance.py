"""Whether some rows are computed alone, decided for a step whose device works while its host goes ahead."""

import pytest

from neq.device.timing import Load
from neq.savings.balance import Times, Weighed, accepted, weighed

DETOUR = 0.1


def layer(dense: float, rows: float, *, host: float = 0.02, added: float = 0.0, calls: int = 1) -> Weighed:
    """One that takes so many milliseconds of the device; its rows take `added` more of the host, beside the detour."""
    return Weighed(Times(Load(dense, host), Load(rows, host + added)), calls, DETOUR)


@pytest.mark.parametrize(
    ("offers", "device", "host", "taken"),
    [
        ([(1.0, 0.1), (0.5, 0.1)], 20.0, 5.0, {0, 1}),  # the device is waited for: all that saves pays
        ([(1.0, 0.1), (0.5, 0.1)], 5.0, 20.0, set()),  # the host is: nothing that costs it pays
        ([(1.0, 0.1), (0.5, -0.1)], 5.0, 20.0, {1}),  # but what saves its time
        ([(0.2, 0.2), (2.0, 0.2)], 10.0, 7.0, {0, 1}),
        ([(0.2, 0.2), (2.0, 0.2)], 10.0, 9.5, {1}),  # the host becomes the longer one: the cheaper one is taken
        ([(1.0, 3.0)], 10.0, 9.5, set()),  # 9.0 of the device, but 12.5 of the host
        ([(1.0, 0.7)], 10.0, 9.5, set()),  # 10.2 of the host
        ([(1.0, 0.4)], 10.0, 9.5, {0}),  # 9.9: less than 10
        ([(0.1, 0.1)], 10.0, 10.0, set()),
        ([], 10.0, 5.0, set()),
    ],
)
def test_layers_are_taken_while_they_shorten_the_longer_of_both_sums(
    offers: list[tuple[float, float]], device: float, host: float, taken: set[int]
) -> None:
    assert accepted(offers, Load(device, host)) == taken


def test_a_step_bound_by_the_device_computes_rows_though_they_cost_the_host_more_than_they_save() -> None:
    found = weighed({"wide": layer(0.11, 0.08), "narrow": layer(0.03, 0.02)}, Load(30.0, 8.0))
    assert {name: choice.way for name, choice in found.items()} == {"wide": "rows", "narrow": "rows"}
    assert found["wide"].reason == (
        "measured on the device 0.080 ms instead of 0.11 ms, and 0.10 ms more of the host's time; "
        "the step is bound by the device"
    )
    assert (found["wide"].dense_ms, found["wide"].rows_ms) == (0.11, 0.08)


def test_a_step_bound_by_the_host_computes_no_rows_alone_though_the_device_would_be_faster() -> None:
    found = weighed({"wide": layer(0.9, 0.4), "narrow": layer(0.3, 0.2)}, Load(6.0, 9.0))
    assert {choice.way for choice in found.values()} == {"dense"}
    assert all(choice.reason.endswith("; the step is bound by the host") for choice in found.values())


def test_a_step_bound_by_the_host_computes_rows_that_take_less_of_its_time_too() -> None:
    (found,) = weighed({"layer": layer(0.9, 0.4, host=0.2, added=-0.15)}, Load(6.0, 9.0)).values()
    assert found.way == "rows"
    assert "and 0.050 ms less of the host's time" in found.reason


def test_rows_are_taken_up_to_where_the_host_s_time_would_become_the_longer_one() -> None:
    layers = {str(place): layer(1.0, 0.8) for place in range(10)}
    found = weighed(layers, Load(10.0, 9.5 + len(layers) * DETOUR))  # 9.5 without the detours that were taken
    assert [choice.way for choice in found.values()].count(
        "rows"
    ) == 2  # 9.8 and 9.6; then 9.6 and 9.7; then 9.4 and 9.8
    assert found["9"].reason.endswith("; the step would then be bound by the host")


@pytest.mark.parametrize(("rows", "why"), [(0.96, "less than the noise is worth"), (1.04, "and 1.00 ms for all rows")])
def test_rows_that_are_not_clearly_faster_on_the_device_are_not_taken(rows: float, why: str) -> None:
    (found,) = weighed({"layer": layer(1.0, rows)}, Load(30.0, 3.0)).values()
    assert found.way == "dense"
    assert found.reason.endswith(why)


def test_where_the_step_is_not_known_the_layers_alone_count() -> None:
    nothing = Load(0.0, 0.0)
    (slow,) = weighed({"layer": layer(0.5, 0.3)}, nothing).values()
    (quick,) = weighed({"layer": layer(0.05, 0.03)}, nothing).values()
    assert (slow.way, quick.way) == ("rows", "dense")  # 0.3 and 0.12 of the host; 0.03 and 0.12


def test_a_layer_that_a_step_calls_often_counts_as_often() -> None:
    often = layer(0.5, 0.3, added=0.05, calls=3)
    assert (often.saved_ms, often.added_ms) == pytest.approx((0.6, 0.45))
    assert "and 0.15 ms more of the host's time" in weighed({"layer": often}, Load(9.0, 3.0))["layer"].reason
