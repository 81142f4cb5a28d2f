"""Models and data of other people's: the example of docs/your-own.md, run as it stands there."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from contract.errors import RunError
from tests.system import System
from trainer.data.sources.plugins import DatasetSplits, build_plugin_dataset
from trainer.engines.environment import Workplace
from trainer.models import DataShape
from trainer.models.plugins import build_plugin_model

DOCS = Path(__file__).parents[2] / "docs" / "your-own.md"
FILE = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LAUNCH = {
    "data": {"kind": "spots"},
    "model": {"kind": "spot-net", "width": 6},
    "neq": {"probe": {"kind": "split", "samples": 40}},
    "schedule": {"kind": "constant"},
    "training": {"epochs": 3, "batch_size": 20},
    "optimizer": {"kind": "sgd", "learning_rate": 0.05},
}
READ_SCHEMA = """
import json, sys
from server.routes.schema import run_config_schema
schema = run_config_schema()
print(json.dumps({"kinds": sorted(schema["properties"]["model"]["discriminator"]["mapping"]),
                  "net": schema["$defs"].get("SpotNet"), "torch": "torch" in sys.modules}))
"""


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The files of the page, in a folder."""
    files = dict(FILE.findall(DOCS.read_text()))
    assert set(files) == {"spots/describe.py", "spots/build.py", "pyproject.toml"}
    folder = tmp_path / "example"
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def installed(folder: Path) -> Mapping[str, str]:
    """The environment of a process in which the example is installed, with the page's entry points."""
    points = re.findall(r'\[project.entry-points."([\w.]+)"\]\n([^\[]+)', (folder / "pyproject.toml").read_text())
    info = folder / "spots-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: spots\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "".join(f"[{group}]\n{lines.strip().replace(chr(34), '')}\n\n" for group, lines in points)
    )
    return {"PYTHONPATH": str(folder)}


def named(folder: Path) -> Mapping[str, str]:
    """The environment of a process to which the operator names the example's module."""
    return {"PYTHONPATH": str(folder), "NEQ_PLUGINS": "spots.describe"}


def run_python(code: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("NEQ_")}
    return subprocess.run(
        [sys.executable, "-c", code], env={**clean, **environment}, capture_output=True, text=True, timeout=100
    )


@pytest.mark.process
@pytest.mark.parametrize("way", [installed, pytest.param(named, marks=pytest.mark.endurance)])
def test_the_pages_example_is_launched_over_the_api_and_learns(example: Path, tmp_path: Path, way: Any) -> None:
    system = System(tmp_path)
    system.environment |= way(example)
    try:
        system.start_server()
        system.start_worker()
        run = system.ask("POST", "/runs", json=LAUNCH)
        assert run["name"] == "spot-net · spots · sgd"
        ended = system.wait_until(run["id"], lambda run: run["ended_at"], seconds=200)
        assert (ended["state"], ended["reason"]) == ("finished", None)
        assert ended["test_accuracy"] > 0.9
        assert ended["neurons"] == 4 * 6 + 4
    finally:
        system.stop()


@pytest.mark.process
@pytest.mark.parametrize("way", [installed, named])
def test_the_server_offers_its_fields_and_loads_no_torch(example: Path, way: Any) -> None:
    done = run_python(READ_SCHEMA, way(example))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert "spot-net" in said["kinds"]
    assert said["net"]["properties"]["width"]["title"] == "Width"
    assert not said["torch"]


@pytest.mark.process
def test_nothing_is_offered_where_nobody_asked_for_it() -> None:
    said = json.loads(run_python(READ_SCHEMA, {}).stdout)
    assert "spot-net" not in said["kinds"]


@pytest.mark.process
def test_the_form_and_the_flags_have_its_fields(example: Path) -> None:
    code = """
from cli.flags import flags
from dashboard.form.parts import walk
from dashboard.form.schema import read_schema
from contract.config import RunConfig
print("model.width" in {".".join(flag.path) for flag in flags()})
print("model.spot-net.width" in {part.path for part in walk(read_schema(RunConfig.model_json_schema()).parts)})
"""
    assert run_python(code, named(example)).stdout.split() == ["True", "True"]


@pytest.mark.process
def test_a_file_may_be_named_by_its_path(example: Path, tmp_path: Path) -> None:
    file = tmp_path / "lonely.py"
    file.write_text((example / "spots" / "describe.py").read_text())
    said = json.loads(run_python(READ_SCHEMA, {"NEQ_PLUGINS": str(file)}).stdout)
    assert "spot-net" in said["kinds"]


@pytest.mark.process
def test_a_module_with_descriptions_can_be_imported_by_itself(example: Path) -> None:
    done = run_python("import spots.describe", named(example))
    assert (done.returncode, done.stderr) == (0, "")


NET = """
from typing import ClassVar, Literal
from contract.plugins import ModelPlugin
class Net(ModelPlugin):
    kind: Literal[{kind!r}] = {kind!r}
    builder: ClassVar[str] = {builder!r}
"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("import nowhere", "cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
        ("x = 1", "defines no ModelPlugin and no DatasetPlugin"),
        (NET.format(kind="cnn", builder="a:b"), "the kind 'cnn' is contract.config.models.Cnn's"),
        (NET.format(kind="My Net", builder="a:b"), "small letters, digits and hyphens"),
        (NET.format(kind="my-net", builder="no function"), "name its builder"),
        ("from contract.plugins import ModelPlugin\nclass Net(ModelPlugin):\n    pass", "give it a kind"),
    ],
)
def test_a_plugin_that_cannot_be_used_ends_the_command_with_a_line(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "broken_plugin.py"
    file.write_text(content)
    done = run_python("from cli.main import app; app(['launch', '--help'])", {"NEQ_PLUGINS": str(file)})
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def spots(example: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The example's builders, in this process."""
    monkeypatch.syspath_prepend(example)
    yield import_module("spots.build")
    for name in [name for name in sys.modules if name.split(".")[0] == "spots"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("builder", "said"),
    [
        ("spots.gone:network", "spots.gone:network, cannot be loaded: No module named 'spots.gone'"),
        ("spots.build:nothing", "cannot be loaded: module 'spots.build' has no attribute 'nothing'"),
        ("operator:is_", "operator:is_, gave a bool"),
    ],
)
def test_a_builder_that_does_not_build_is_named(spots: ModuleType, builder: str, said: str) -> None:
    class Spoilt(spots.SpotNet):  # type: ignore[misc, name-defined]
        pass

    Spoilt.builder = builder
    with pytest.raises(RunError) as error:
        build_plugin_model(Spoilt(), DataShape(1, 12, 4))
    assert said in error.value.message


def cut(sets: DatasetSplits) -> DatasetSplits:
    return replace(sets, train_labels=sets.train_labels[1:])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda sets: replace(sets, classes=3), "gave training labels from 0 to 3 for 3 classes"),
        (lambda sets: (sets,), "gave a tuple, not DatasetSplits"),
        (lambda sets: replace(sets, train_pixels=sets.train_pixels[:, 0]), "training images of shape (400, 12, 12)"),
        (cut, "gave training labels of shape (399,) for images of shape (400, 1, 12, 12)"),
        (lambda sets: replace(sets, test_pixels=sets.test_pixels.double()), "test images of shape (100, 1, 12, 12)"),
        (lambda sets: replace(sets, test_pixels=sets.test_pixels.expand(-1, 3, -1, -1)), "1 channels for training"),
    ],
)
def test_data_that_do_not_fit_are_named(
    spots: ModuleType, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[DatasetSplits], Any], said: str
) -> None:
    good = spots.images(spots.Spots(), Path())
    assert build_plugin_dataset(spots.Spots(), Workplace(Path())).classes == 4
    monkeypatch.setattr(spots, "images", lambda config, folder: spoil(good))
    with pytest.raises(RunError) as error:
        build_plugin_dataset(spots.Spots(), Workplace(Path()))
    assert said in error.value.message
