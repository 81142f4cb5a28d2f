"""The documents say what is true today: every setting and every field of a run's description is in their tables, every
command is named, and every link leads somewhere."""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from pydantic_settings import BaseSettings

from cli.flags import flags, known_flags
from cli.main import COMMANDS
from cli.settings import ClientSettings, WorkerSettings
from contract.version import VERSION
from server.settings import ServerSettings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CONFIGURATION = (ROOT / "docs/configuration.md").read_text()
COMMAND_LINE = (ROOT / "docs/command-line.md").read_text()
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
LINKING = sorted(
    {*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "bench").glob("*.md"), ROOT / "neq/README.md"}
)
LONGEST_README = 140
HISTORY = {"CHANGELOG.md", "LOG.md"}
"""These say what things were called at their time."""
STATIONS = 30
"""Fewer files than this are no walk through four journeys."""


def name_of(page: Path) -> str:
    """A page's path in the repository."""
    return str(page.relative_to(ROOT))


def table_rows() -> dict[str, list[str]]:
    """Cells of every table row by its first cell's code word."""
    text = CONFIGURATION.replace("\\|", "¦")
    rows = (line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `"))
    return {re.sub(r"[ `]", "", cells[0]): [cell.strip() for cell in cells] for cells in rows}


def links_of(page: Path) -> list[str]:
    """What a page links to in this repository, pictures included; what stands in code is no link."""
    text = re.sub(r"```.*?```|^    .*?$|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"\]\((?![a-z]+:)([^)\s]+)\)", text)


def anchors_of(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings; a heading that comes again has a number behind it."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    found: Counter[str] = Counter()
    anchors: set[str] = set()
    for heading in re.findall(r"^#+ (.+?)\s*$", text, flags=re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        anchors.add(f"{anchor}-{found[anchor]}" if found[anchor] else anchor)
        found[anchor] += 1
    return anchors


def files_of(page: Path) -> set[str]:
    """The files and folders of this repository that a page names in code: `neq/options.py`, `neq/savings/`."""
    named = re.findall(r"`([a-z]+/[\w./-]*)`", page.read_text())
    top = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"data"}
    inside = {name for name in named if name.partition("/")[0] in top}
    return {name for name in inside if name.endswith("/") or "." in name or name.startswith(("tests/", "docs/"))}


def leads_nowhere(page: Path, link: str) -> bool:
    """Whether a link names a file that is not there, or a heading that its file does not have."""
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return True
    return bool(anchor) and (target.suffix != ".md" or anchor not in anchors_of(target))


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


def test_every_former_name_of_a_field_is_told_with_todays() -> None:
    listed = re.findall(r"`([a-z.]+\w+)` → `([a-z.]+\w+)`", CONFIGURATION)
    former = {
        (".".join(flag.path), ".".join((*flag.path[:-1], flag.renamed_to))) for flag in known_flags() if flag.renamed_to
    }
    assert {pair for pair in listed if "." in pair[0]} == former


def test_every_command_is_named() -> None:
    assert [name for name in COMMANDS if f"neq {name}" not in COMMAND_LINE] == []


def test_the_citation_names_this_version() -> None:
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == VERSION


def test_the_hooks_before_a_commit_run_what_make_check_runs_and_download_nothing() -> None:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert local["repo"] == "local"
    assert {hook["language"] for hook in local["hooks"]} == {"system"}
    assert [hook["entry"] for hook in local["hooks"] if hook.get("always_run")] == ["make --no-print-directory check"]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= LONGEST_README


@pytest.mark.parametrize("page", LINKING, ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert [link for link in links_of(page) if leads_nowhere(page, link)] == []


@pytest.mark.parametrize("page", [page for page in LINKING if page.name not in HISTORY], ids=name_of)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    assert [name for name in sorted(files_of(page)) if not (ROOT / name).exists()] == []


def test_what_a_station_of_a_journey_is_called_stands_in_its_file() -> None:
    named = re.findall(r"`([\w/]+\.\w+)`\s+\(`(\w+)`", (ROOT / "docs/architecture.md").read_text())
    assert named
    assert [(file, name) for file, name in named if name not in (ROOT / file).read_text()] == []


def test_the_journeys_name_their_stations() -> None:
    assert len(files_of(ROOT / "docs/architecture.md")) >= STATIONS


def test_the_pages_that_a_visitor_opens_first_have_links() -> None:
    assert [page for page in (ROOT / "README.md", ROOT / "docs/README.md") if not links_of(page)] == []


def test_the_index_has_every_document_and_every_decision() -> None:
    linked = {link.partition("#")[0] for link in links_of(ROOT / "docs/README.md")}
    wanted = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert (wanted | {f"decisions/{page.name}" for page in DECISIONS}) - linked == set()
