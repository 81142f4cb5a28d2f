"""The README says what is true today: every setting and every field of a run's description is in its tables."""

import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from cli.flags import flags
from cli.main import COMMANDS
from cli.settings import ClientSettings, WorkerSettings
from server.settings import ServerSettings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def table_rows() -> dict[str, list[str]]:
    """Cells of every table row by its first cell's code word."""
    rows = (line.strip("|").split(" | ") for line in README.replace("\\|", "¦").splitlines() if line.startswith("| `"))
    return {re.sub(r"[ `]", "", cells[0]): [cell.strip() for cell in cells] for cells in rows}


@pytest.mark.parametrize("settings", [ServerSettings, WorkerSettings, ClientSettings])
def test_every_setting_is_in_the_table(settings: type[BaseSettings]) -> None:
    wanted = {f"NEQ_{name.upper()}" for name in settings.model_fields}
    assert wanted - table_rows().keys() == set()


def test_every_field_of_a_run_is_in_the_table_with_its_words() -> None:
    rows = table_rows()
    for flag in flags():
        described = rows[".".join(flag.path)]
        assert flag.help.rstrip(".").replace("|", "¦") in described[2], flag.path


def test_the_table_names_no_field_that_is_gone() -> None:
    known = {".".join(flag.path) for flag in flags()}
    groups = {name.split(".")[0] for name in known if "." in name}
    named = {name for name in table_rows() if name.split(".")[0] in groups and "." in name}
    assert named - known == set()


def test_every_command_is_named() -> None:
    assert [name for name in COMMANDS if f"neq {name}" not in README] == []


def test_every_picture_and_linked_file_is_there() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
