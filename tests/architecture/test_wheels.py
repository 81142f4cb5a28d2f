"""What the two distributions hold and ask for."""

import email.message
import email.parser
import re
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

import contract.version
import neq.version
from tests.wheels import ROOT, build

APPLICATION = ("cli", "contract", "dashboard", "db", "server", "trainer")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build(tmp_path_factory.mktemp("dist"))


def files(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.parser.Parser().parsestr(archive.read(name).decode())


def required(wheel: Path) -> set[str]:
    """Names of the distributions that it needs without an extra."""
    every = [one for one in metadata(wheel).get_all("Requires-Dist", []) if "extra ==" not in one]
    return {re.split(r"[^A-Za-z0-9._-]", one)[0] for one in every}


def tracked(*folders: str) -> set[str]:
    found = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in found.stdout.splitlines() if (ROOT / name).exists()}


def test_the_library_holds_its_modules_and_its_types_and_nothing_else(wheels: tuple[Path, Path]) -> None:
    modules = {name for name in tracked("neq") if name.endswith(".py")}
    assert len(modules) > 70
    assert files(wheels[0]) == modules | {"neq/py.typed"}


def test_the_application_holds_all_of_its_packages(wheels: tuple[Path, Path]) -> None:
    assert files(wheels[1]) == tracked(*APPLICATION)


def test_the_library_asks_for_nothing_of_the_web(wheels: tuple[Path, Path]) -> None:
    assert required(wheels[0]) == {"torch", "numpy", "httpx"}
    assert "torch" not in required(wheels[1])
    assert "neq" not in required(wheels[1])  # the web process trains nothing


@pytest.mark.parametrize("which", [0, 1])
def test_it_says_its_licence_and_whose_it_is(wheels: tuple[Path, Path], which: int) -> None:
    told = metadata(wheels[which])
    assert told["License-Expression"] == "MIT"
    assert told["License-File"] == "LICENSE"
    assert all(told[field] for field in ("Author", "Summary", "Keywords", "Project-URL", "Classifier"))
    assert told.get_payload()


def test_there_is_one_version(wheels: tuple[Path, Path]) -> None:
    assert neq.version.VERSION == contract.version.VERSION
    assert {metadata(wheel)["Version"] for wheel in wheels} == {contract.version.VERSION}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert f"neq=={contract.version.VERSION}" in extras["trainer"]


def test_both_have_one_licence() -> None:
    assert (ROOT / "LICENSE").read_text() == (ROOT / "neq" / "LICENSE").read_text()
