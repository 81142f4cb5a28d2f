"""What a person reads says it in the field's words: no text of before is left in them.

Texts are found where they are written, so that every branch of a page counts: literals of the Python packages and of
the browser's modules, titles and descriptions of the config, the commands' help, and the documents. Docstrings and
comments are not read; decisions and the log tell what was, in the words of then.
"""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from cli.main import app
from contract.config.run import RunConfig

ROOT = Path(__file__).parents[2]
NODE = Path(sys.executable).parent / "node"
PACKAGES = ("cli", "contract", "dashboard", "db", "neq", "server", "trainer")
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "neq/README.md",
    "bench/README.md",
    "docs/reproduction/README.md",
)
PAST = ("docs/LOG.md",)

Text = tuple[str, str]
"""Where it stands, and what it says."""

LABELS = {
    "Newest": "Follow",
    "Renew": "Re-sort",
    "Keys": "Shortcuts",
    "Setup": "Config",
    "Configuration": "Config",
    "Continue": "Resume",
    "Keep it": "Cancel",
    "Start over": "Reset form",
    "Moving": "Trainable",
    "Rows computed": "Gradient rows computed",
    "Left": "Time left",
    "What differs": "Differences only",
    "Moves each": "Update every",
    "Pinning": "Never thaw",
    "Save time": "Skip frozen gradients",
    "Memory μ": "Velocity momentum μ",
    "φ over": "φ computed over",
    "Measure by": "Reference outputs",
    "Feed": "Data loading",
    "Side": "Image size",
    "Start from": "Pretrained weights",
    "Rise": "pct_start",
    "Frozen for the next epoch": "Frozen next epoch",
    "wanted": "target",
    "missed": "not met",
}
"""Whole texts that are not ours any more, and what is said instead."""
PHRASES = {
    # pages
    r"asked of the machine": "Resources",
    r"held frozen": "Frozen during epoch 39",
    r"an epoch takes$|time of an epoch": "Time per epoch",
    r"their plans": "Backward pass by layer",
    r"with (its )?norm": "Show norm7 too",
    r"over the epochs": "Metrics; by epoch",
    r"most memory so far|least possible": "Peak memory; FLOP lower bound",
    r"what will run": "Summary",
    r"all else has its default": "Everything else: default",
    r"run again with these settings": "Clone run",
    r"everything is as it was": "The form was reset.",
    r"add another run to compare": "Add a second run.",
    r"not to be had|looked through (its|the) data|passed over \(": "not available; scanned; skipped",
    # a run and its worker
    r"\*continue\*|not continued|continue (the|a) run|run .{0,12}cannot be continued": "Resume; could not resume",
    r"\b(goes|go|going|went) on (with epoch|by (it|them)sel)": "Resumed at epoch 15; resumes automatically",
    r"\btr(y|ies|ied) again by itself": "retries automatically",
    r"nothing was heard|worker fell silent|\bheard … s ago": "No heartbeat for 40 s",
    r"waiting its turn": "Queued (3rd of 12)",
    r"\bcut off … times": "interrupted … times",
    # neurons and time
    r"decided one epoch before|fell to it in": "mask from epoch 38; dropped at epoch 26",
    r"until it stirs|\bat rest\b": "until it changes again; at equilibrium",
    r"meets the same probe": "is evaluated on the same probe set",
    r"took .* less time": "Backward: −98 % FLOPs (bound −99 %), −92 % measured",
    r"clock on the wall|processor time": "wall clock; CPU time",
    r"in the machine's memory": "in host memory",
    # fields
    r"drops at milestones|at even distances|warm-up counts": "MultiStepLR; StepLR; Warm-up unit",
    r"(starts|ends) at one in": "div_factor; final_div_factor",
    r"batches a step|clip gradients at": "Gradient accumulation steps; Max grad norm",
    r"pull of every weight|look-ahead momentum": "Weight decay; Nesterov momentum",
    # sentences
    r"\bparted by": "comma-separated",
    r"flags lie over": "flags override --config",
    r"\blook(s|ed)? after\b": "health check",
    r"is over within": "finishes in three minutes",
    r"ends everything in order": "shuts everything down cleanly",
    r"made-up run|pretended (run|gpu)": "a simulated run",
    r"\bis no (json|run file|run description|field|such kind|speed)\b": "is not a …",
    r"\b(milliseconds|one|once|images?|samples|epochs?|rows?|columns?|bytes?|times|cosine|runs?) an? "
    r"(epoch|batch|second|minute|step|neuron|layer|class|image|pixel)\b": "per",
}
"""Patterns of words that are not ours any more, in whatever case, and what is said instead."""
PATTERNS = {re.compile(pattern, re.IGNORECASE): instead for pattern, instead in PHRASES.items()}


def python_texts(folder: Path) -> Iterator[Text]:
    """Literals of all modules below a folder, without docstrings; what is filled in is …"""
    for file in sorted(folder.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        besides = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                besides |= {id(part) for part in node.values}
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in besides:
                text = node.value
            else:
                continue
            yield f"{file}:{node.lineno}", text


def script_texts(folder: Path) -> Iterator[Text]:
    """Literals of all of the browser's modules below a folder."""
    command = [NODE, Path(__file__).with_name("literals.mjs"), folder]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    for found in json.loads(done.stdout):
        yield f"{found['file']}:{found['line']}", found["text"]


def schema_texts(schema: Any, place: str = "") -> Iterator[Text]:
    """Titles and descriptions of a JSON Schema."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key in ("title", "description") and isinstance(value, str):
                yield f"{place}.{key}", value
            yield from schema_texts(value, f"{place}.{key}")
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield from schema_texts(value, f"{place}[{index}]")


def help_texts(command: click.Command, name: str = "neq") -> Iterator[Text]:
    """The help of a command, its options and the commands below it."""
    context = click.Context(command, info_name=name)
    yield f"{name} --help", command.get_help(context)
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            below = command.get_command(context, each)
            assert below is not None
            yield from help_texts(below, f"{name} {each}")


def document_texts(file: Path) -> Iterator[Text]:
    """Paragraphs of a document, each in one line, without code between backticks, which names what it names."""
    for paragraph in re.split(r"\n\s*\n|\n(?=[-|] )", file.read_text(encoding="utf-8")):
        yield str(file), re.sub(r"`[^`]*`", "`…`", " ".join(paragraph.split()))


def documents() -> list[Path]:
    """All that are of today."""
    return [
        *(ROOT / name for name in DOCUMENTS),
        *(each for each in sorted((ROOT / "docs").glob("*.md")) if each != ROOT / PAST[0]),
    ]


def all_texts() -> Iterator[Text]:
    for package in PACKAGES:
        yield from python_texts(ROOT / package)
    yield from script_texts(ROOT / "dashboard" / "scripts")
    yield from script_texts(ROOT / "dashboard" / "assets")
    yield from schema_texts(RunConfig.model_json_schema(), "RunConfig")
    yield from help_texts(app)
    for file in documents():
        yield from document_texts(file)


def former(texts: Iterable[Text]) -> list[str]:
    """Each text with a word of before, and what to say instead."""
    return [f"{place}: {text!r}: say {instead!r}" for place, text in texts for instead in _instead(text)]


def _instead(text: str) -> Iterator[str]:
    if text in LABELS:
        yield LABELS[text]
    yield from (instead for pattern, instead in PATTERNS.items() if pattern.search(text))


def test_no_text_has_a_word_of_before() -> None:
    texts = list(all_texts())
    assert len(texts) > 5000, "the readers find what is there"
    assert former(texts) == []


@pytest.mark.parametrize(
    ("name", "content", "read"),
    [
        ("page.py", 'button("Newest")\n"""Newest"""', python_texts),
        ("page.py", 'title = f"{done} goes on with epoch {next}"', python_texts),
        ("page.js", 'say("Setup"); // Setup', script_texts),
        ("page.js", "say(`run ${id}: parted by commas`);", script_texts),
        ("page.md", "It\ngoes on by\nitself. `parted by`", document_texts),
    ],
)
def test_a_word_of_before_is_found_in_each_kind_of_file(tmp_path: Path, name: str, content: str, read: Any) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert len(former(read(tmp_path / name if read is document_texts else tmp_path))) == 1


def test_a_word_of_before_is_found_in_the_config_and_in_a_commands_help() -> None:
    schema = {
        "$defs": {"Step": {"title": "Drops at even distances", "properties": {"gamma": {"description": "Is at rest."}}}}
    }
    assert len(former(schema_texts(schema))) == 2
    below = click.Command(
        "launch", params=[click.Option(["--tags"], help="Tags, parted by commas.")], help="Flags lie over --config."
    )
    assert len(former(help_texts(click.Group("neq", commands=[below])))) >= 2
