"""Renamed fields: former names read as the same run as today's, and the two never contradict each other."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from contract.base import ConfigModel
from contract.config import RunConfig
from contract.events import Event, parse_event
from contract.former_names import FormerName, former_names, with_current_names, with_former_names
from tests.dashboard.configs import run_configs

pytestmark = pytest.mark.slow

Json = dict[str, Any]


def models(model: type[BaseModel] = RunConfig) -> Iterator[type[BaseModel]]:
    """The model of a run and of everything in it."""
    yield model
    for field in model.model_fields.values():
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from models(part)


EVENTS = get_args(get_args(Event)[0])
RENAMED = sorted(
    {
        (model.__name__, name, former.name)
        for model in (*models(), *EVENTS)
        for name, former in former_names(model).items()
        if name != former.name
    }
)
MODELS = {model.__name__: model for model in (*models(), *EVENTS)}


def pairs(model: type[BaseModel], config: Json) -> Iterator[tuple[Json, str, str]]:
    """The places where a description with both names has one of them twice: (object, today's, former)."""
    for one in {each.__name__: each for each in models(model)}.values():
        for name, former in former_names(one).items():
            for place in objects(config):
                if name != former.name and name in place and former.name in place:
                    yield place, name, former.name


def objects(config: Json) -> Iterator[Json]:
    """Every object in a description, itself first."""
    yield config
    for value in config.values():
        if isinstance(value, dict):
            yield from objects(value)


def test_what_was_renamed() -> None:
    assert {(model, former, name) for model, name, former in RENAMED} >= {
        ("MultiStep", "factor", "gamma"),
        ("Step", "factor", "gamma"),
        ("Step", "every", "step_size"),
        ("Cosine", "lowest", "eta_min"),
        ("Cosine", "moves", "interval"),
        ("OneCycle", "rise", "pct_start"),
        ("OneCycle", "curve", "anneal_strategy"),
        ("OneCycle", "start_divisor", "div_factor"),
        ("OneCycle", "end_divisor", "final_div_factor"),
        ("Training", "accumulate", "gradient_accumulation_steps"),
        ("Training", "clip_norm", "max_grad_norm"),
        ("ImageFolder", "feed", "loading"),
        ("ImageFolder", "test_share", "test_fraction"),
        ("RandomRule", "share", "fraction"),
        ("TopKRule", "share", "fraction"),
        ("PrefixRule", "layer_share", "layer_fraction"),
        ("EpochFinished", "applied_share", "applied_fraction"),
        ("EpochFinished", "frozen_share", "frozen_fraction"),
        ("EpochFinished", "beyond_share", "beyond_fraction"),
        ("RunFinished", "frozen_share", "frozen_fraction"),
        ("RunRequeued", "setbacks", "interruptions"),
    }


@given(run_configs(), st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_run_reads_the_same_under_former_names(config: RunConfig, data: st.DataObject) -> None:
    described = with_former_names(RunConfig, config.model_dump(mode="json"))
    for place, name, former in list(pairs(RunConfig, described)):
        kept = data.draw(st.sampled_from(["both", "today's", "the former"]))
        if kept != "both" and {name, former} <= place.keys():
            del place[former if kept == "today's" else name]
    assert RunConfig.model_validate(described) == config
    assert with_current_names(RunConfig, described) == config.model_dump(mode="json")


@given(run_configs())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_has_todays_names_alone(config: RunConfig) -> None:
    written = config.model_dump(mode="json")
    assert list(pairs(RunConfig, written)) == []
    assert with_current_names(RunConfig, written) == written


@pytest.mark.parametrize(("model", "name", "former"), RENAMED)
def test_two_names_that_say_two_things_are_refused_at_the_field(model: str, name: str, former: str) -> None:
    with pytest.raises(ValidationError) as caught:
        MODELS[model].model_validate({name: 1, former: 2})
    (error,) = [each for each in caught.value.errors() if each["type"] == "wrong_field"]
    assert error["ctx"]["field"] == name
    assert error["msg"] == f"{former} is the former name of {name}, and says something else: give {name} alone"


@pytest.mark.parametrize(("model", "name", "former"), RENAMED)
def test_the_schema_marks_a_former_name_as_deprecated(model: str, name: str, former: str) -> None:
    properties = MODELS[model].model_json_schema()["properties"]
    assert (properties[former]["deprecated"], properties[former]["renamed_to"]) == (True, name)
    assert "default" not in properties[former]
    assert "deprecated" not in properties[name]


def test_a_value_that_was_renamed_is_read_and_answered() -> None:
    config = RunConfig.model_validate({"schedule": {"kind": "one-cycle", "curve": "line"}})
    written = config.model_dump(mode="json")
    assert written["schedule"]["anneal_strategy"] == "linear"
    assert with_former_names(RunConfig, written)["schedule"]["curve"] == "line"


def test_a_kind_that_was_renamed_is_read_and_written_under_todays() -> None:
    former = {"neq": {"probe": {"kind": "share", "fraction": 0.01}}}
    todays = {"neq": {"probe": {"kind": "fraction", "fraction": 0.01}}}
    assert RunConfig.model_validate(former) == RunConfig.model_validate(todays)
    assert with_current_names(RunConfig, former) == todays
    assert with_former_names(RunConfig, todays) == todays  # one field cannot say both
    assert RunConfig.model_validate(former).model_dump(mode="json")["neq"]["probe"] == todays["neq"]["probe"]


def test_an_event_of_before_is_read() -> None:
    event = parse_event({"kind": "run_finished", "epochs": 1, "test_accuracy": 0.5, "frozen_share": 0.25, "seconds": 1})
    assert event.model_dump(mode="json")["frozen_fraction"] == 0.25


def test_a_wrong_value_is_told_under_todays_name() -> None:
    with pytest.raises(ValidationError) as caught:
        RunConfig.model_validate({"training": {"accumulate": True, "clip_norm": -1}})
    assert {error["ctx"].get("field", error["loc"][-1]) for error in caught.value.errors()} == {
        "gradient_accumulation_steps"
    }


def test_a_part_that_names_no_kind_is_read_by_what_it_is_laid_over() -> None:
    part = {"data": {"feed": "stream"}, "schedule": {"every": 3}}
    whole = {"data": {"kind": "image-folder"}, "schedule": {"kind": "step"}}
    assert with_current_names(RunConfig, part, beside=whole) == {
        "data": {"loading": "stream"},
        "schedule": {"step_size": 3},
    }
    assert with_current_names(RunConfig, part) == part  # of the default kinds none has such a field


@pytest.mark.parametrize(
    "description",
    [
        {"data": {"kind": "somebodys-own", "feed": 3, "unlabelled": 1}},
        {"schedule": "step", "training": None, "neq": {"layers": []}, "later": {"factor": 1}},
        {"schedule": {"kind": ["step"], "every": 3}},
    ],
    ids=["another's data set", "not objects", "no kind"],
)
def test_what_no_model_knows_stays_as_it_is(description: Json) -> None:
    assert with_current_names(RunConfig, description) == description
    assert with_former_names(RunConfig, description) == description


def test_a_model_of_ones_own_may_rename_its_fields_too() -> None:
    class Mine(ConfigModel):
        kind: Literal["mine"] = "mine"
        width: Annotated[int, FormerName("size")] = Field(default=3, ge=1)

    assert Mine.model_validate({"size": 5}).width == 5
    assert Mine.model_validate_json('{"size": 5, "width": 5}').width == 5
    assert Mine.model_json_schema()["properties"]["size"]["minimum"] == 1


def test_a_choice_of_ones_own_that_names_no_kind_stays_as_it_is() -> None:
    class Deep(ConfigModel):
        depth: int = 3

    class Wide(ConfigModel):
        width: Annotated[int, FormerName("size")] = 3

    class Mine(ConfigModel):
        part: Deep | Wide = Wide()

    assert Mine.model_validate({"part": {"size": 5}}).part == Wide(width=5)  # pydantic tries one after the other
    for description in ({"part": {"size": 5}}, {"part": {"kind": "deep", "depth": 5}}):
        assert with_current_names(Mine, description) == description
        assert with_former_names(Mine, description) == description


def test_a_model_that_holds_itself_is_read() -> None:
    assert with_current_names(Tree, {"branch": {"branch": {"size": 2}}}) == {"branch": {"branch": {"width": 2}}}


class Tree(ConfigModel):
    """Of any depth."""

    width: Annotated[int, FormerName("size")] = 1
    branch: "Tree | None" = None
