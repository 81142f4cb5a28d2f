"""`neq launch`'s flags say the same as the run's description."""

import json
from typing import Annotated, Any, Literal, get_args

import click
import pytest
from click.testing import CliRunner
from pydantic import BaseModel, Field

from cli.flags import check, flags, overlay, under_current_names
from cli.launch import launch
from cli.resume import part_of
from contract.base import ConfigModel
from contract.config import RunConfig
from contract.former_names import FormerName
from server.descriptions import answered


def leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Paths of all fields below a part of the description, those of every choice included."""
    found: set[tuple[str, ...]] = set()
    for name, field in model.model_fields.items():
        parts = [part for part in (field.annotation, *get_args(field.annotation)) if is_part(part)]
        found |= set().union(*(leaves(part, (*path, name)) for part in parts)) if parts else {(*path, name)}
    return found


def is_part(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def dry_run(*arguments: str) -> dict[str, Any]:
    """The description that `neq launch` would send."""
    result = CliRunner().invoke(launch, ["--dry-run", *arguments])
    assert result.exit_code == 0, result.output
    described: dict[str, Any] = json.loads(result.output)
    return described


def test_every_field_of_every_choice_has_a_flag() -> None:
    assert leaves(RunConfig) == {flag.path for flag in flags()}


def test_no_flag_is_the_default_run() -> None:
    assert dry_run() == RunConfig().model_dump(mode="json")


def test_flags_of_every_type_arrive() -> None:
    arguments = "--model.kind mlp --model.hidden 64,32 --model.batch-norm yes --tags a,b --neq.epsilon 1e-4 --name x"
    described = dry_run(*arguments.split())
    assert described["model"] == {"kind": "mlp", "hidden": [64, 32], "batch_norm": True}
    assert (described["tags"], described["neq"]["epsilon"], described["name"]) == (["a", "b"], 1e-4, "x")


def test_a_choice_of_numbers_stays_a_number() -> None:
    assert dry_run("--model.kind", "resnet-cifar", "--model.depth", "20")["model"]["depth"] == 20


def test_a_field_without_its_kind_belongs_to_the_default_choice() -> None:
    assert dry_run("--optimizer.momentum", "0.5")["optimizer"]["momentum"] == 0.5


def test_flags_lie_over_a_file(tmp_path: Any) -> None:
    path = tmp_path / "run.json"
    path.write_text('{"optimizer": {"kind": "adam", "learning_rate": 0.002}, "training": {"epochs": 3}}')
    described = dry_run("--config", str(path), "--training.epochs", "5")
    assert described["training"]["epochs"] == 5
    assert described["optimizer"]["learning_rate"] == 0.002


def test_a_former_flag_works_and_is_said_to_be_one() -> None:
    result = CliRunner().invoke(
        launch, ["--dry-run", "--schedule.kind", "one-cycle", "--schedule.curve", "line", "--training.clip-norm", "2"]
    )
    assert result.exit_code == 0, result.output
    described = json.loads(result.stdout)
    assert (described["schedule"]["anneal_strategy"], described["training"]["max_grad_norm"]) == ("linear", 2.0)
    assert result.stderr.splitlines() == [
        "warning: --schedule.curve is called --schedule.anneal-strategy now; the old name works for one release",
        "warning: --training.clip-norm is called --training.max-grad-norm now; the old name works for one release",
    ]


def test_a_former_flag_beside_todays_is_refused() -> None:
    result = CliRunner().invoke(launch, ["--dry-run", "--training.accumulate", "2", "--schedule.factor", "0.2"])
    assert result.exit_code == 0, result.output
    both = ["--training.accumulate", "2", "--training.gradient-accumulation-steps", "2"]
    result = CliRunner().invoke(launch, ["--dry-run", *both])
    assert result.exit_code == 2
    assert "--training.accumulate is the former name of --training.gradient-accumulation-steps" in result.output


def test_help_names_no_former_flag() -> None:
    text = CliRunner().invoke(launch, ["--help"]).output
    assert "--schedule.gamma" in text
    assert "--schedule.factor" not in text


def test_flags_lie_over_a_file_of_former_names(tmp_path: Any) -> None:
    path = tmp_path / "run.json"
    path.write_text('{"schedule": {"factor": 0.2}, "training": {"accumulate": 3, "clip_norm": 1}}')
    described = dry_run("--config", str(path), "--schedule.gamma", "0.3", "--training.max-grad-norm", "2")
    assert described["schedule"]["gamma"] == 0.3
    assert described["training"] == RunConfig().training.model_dump() | {
        "gradient_accumulation_steps": 3,
        "max_grad_norm": 2.0,
    }


def test_a_fork_s_fields_may_have_their_former_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert part_of(["schedule.factor=0.2", "training.epochs=9"]) == {
        "schedule": {"gamma": 0.2},
        "training": {"epochs": 9},
    }
    assert "--schedule.factor is called --schedule.gamma now" in capsys.readouterr().err
    with pytest.raises(click.UsageError, match=r"former name of --schedule\.gamma"):
        part_of(["schedule.factor=0.2", "schedule.gamma=0.2"])


def test_another_kind_drops_the_file_s_fields_of_the_old_one() -> None:
    base = {"optimizer": {"kind": "sgd", "momentum": 0.5}}
    assert overlay(base, {("optimizer", "kind"): "adam"})["optimizer"] == {"kind": "adam"}
    assert base == {"optimizer": {"kind": "sgd", "momentum": 0.5}}


@pytest.mark.parametrize(
    ("given", "flag", "words"),
    [
        ({"optimizer": {"kind": "sgd", "learning_rate": -1}}, "--optimizer.learning-rate", "Must be above 0"),
        ({"neq": {"probe": {"samples": 9000}}}, "--neq.probe.samples", "choose at most"),
        ({"schedule": {"kind": "multistep", "milestones": [9, 3]}}, "--schedule.milestones", "must increase"),
    ],
)
def test_a_wrong_value_names_its_flag_and_the_remedy(given: dict[str, Any], flag: str, words: str) -> None:
    with pytest.raises(click.UsageError, match=words) as caught:
        check(given)
    assert caught.value.message.startswith(flag + ":")


def test_help_names_bounds_of_choices_and_defaults() -> None:
    text = CliRunner().invoke(launch, ["--help"]).output
    assert "--optimizer.kind [sgd|adam|adamw]" in text
    assert "default 0.001" in text
    assert "The algorithm that updates the weights." in text


def test_a_name_among_many_is_not_listed_and_a_wrong_one_is_told_the_nearest() -> None:
    text = CliRunner().invoke(launch, ["--help"]).output
    assert "wide_resnet101_2" not in text
    assert "--model.name NAME" in text
    result = CliRunner().invoke(launch, ["--dry-run", "--model.kind", "torchvision", "--model.name", "resnet8"])
    assert result.exit_code == 2
    assert "resnet18" in result.output
    assert len(result.output) < 600


def test_nobody_listening_is_exit_3_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEQ_URL", "http://127.0.0.1:9")
    result = CliRunner().invoke(launch, [])
    assert result.exit_code == 3
    assert "neq up" in result.output


def test_a_flag_goes_before_both_names_of_what_the_api_answered() -> None:
    known = answered(RunConfig.model_validate({"schedule": {"kind": "step", "gamma": 0.2}}).model_dump(mode="json"))
    assert known["schedule"]["factor"] == 0.2
    description = overlay(known, {("schedule", "gamma"): 0.5})
    assert check(description).schedule.model_dump()["gamma"] == 0.5


def test_a_plugin_s_field_that_is_called_as_a_renamed_one_was_has_its_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ours(ConfigModel):
        kind: Literal["ours"] = "ours"
        ignore_index: Annotated[int, FormerName("unlabelled")] = Field(default=255, description="ours")

    class Theirs(ConfigModel):
        kind: Literal["theirs"] = "theirs"
        unlabelled: int = Field(default=1, description="theirs")

    class Run(ConfigModel):
        data: Annotated[Ours | Theirs, Field(discriminator="kind")] = Ours()

    monkeypatch.setattr("cli.flags.RunConfig", Run)
    assert [(flag.option, flag.help, flag.only_for) for flag in flags() if "unlabelled" in flag.path] == [
        ("--data.unlabelled", "theirs", ["theirs"])
    ]
    path = ("data", "unlabelled")
    given = under_current_names({("data", "kind"): "theirs", path: 7})
    assert overlay({}, given) == {"data": {"kind": "theirs", "unlabelled": 7}}
    assert overlay({}, under_current_names({path: 7})) == {"data": {"kind": "ours", "ignore_index": 7}}
