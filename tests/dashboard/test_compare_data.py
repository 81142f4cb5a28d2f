"""What Compare's page is told of its runs' configurations: each part once, and all of it."""

import json

from dashboard.pages.compare import told_once


def test_parts_that_runs_have_in_common_are_told_once() -> None:
    data = {"kind": "cifar10", "augment": True}
    told = told_once([{"data": data, "training": {"seed": seed}} for seed in (0, 1, 0)])
    assert told["parts"] == {"data": [data], "training": [{"seed": 0}, {"seed": 1}]}
    assert [run["training"] for run in told["runs"]] == [0, 1, 0]


def test_runs_keep_what_is_theirs_also_where_python_takes_values_for_equal() -> None:
    configs = [{"x": {"on": True}}, {"x": {"on": 1}}, {"x": {"on": 1.0}, "own": None}, {}]
    told = told_once(configs)
    whole = [{name: told["parts"][name][at] for name, at in run.items()} for run in told["runs"]]
    assert json.dumps(whole) == json.dumps(configs)
