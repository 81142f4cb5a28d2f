"""The names of a page's parts: those that its layout gives are those that its script looks up."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard.components import part
from dashboard.modules import FOLDER
from dashboard.pages import compare, run

ASSETS = FOLDER.parent / "assets"
IMPORTED = re.compile(r'^(?:import|export) [^"]*from "(\.[^"]+)";$', re.MULTILINE)
# Not a cast, which stands before something on its line.
COMMENT = re.compile(r"^ *(?:/\*(?:(?!\*/).)*\*/|//[^\n]*)$", re.MULTILINE | re.DOTALL)

HOLDER = r"(?<![\w.#])(?:this\.|options\.)?(?:parts|hosts)"
# Not `parts.length` and `parts.slice(`: those of a name that was split are an array.
BY_NAME = re.compile(HOLDER + r'(?:\.(?!length\b)(\w+)\b(?!\()|\["([\w-]+)"\])')
PUT = re.compile(r'putInput\(parts, "([\w-]+)"')
BY_TEMPLATE = re.compile(HOLDER + r"\[`([\w-]*)\$\{[^}]+\}([\w-]*)`\]")
TAKEN_APART = re.compile(r"const \{([^{}]+)\} = (?:this\.)?parts;")
TAKEN = re.compile(r'(?:"([\w-]+)"|(\w+))(?:: \w+)?(?:,|$)')
BY_VARIABLE = re.compile(HOLDER + r"\[\w+\]")
WORD = re.compile(r'"([\w-]+)"|^ *(\w+): ', re.MULTILINE)
STYLED = re.compile(r'\[data-part="([\w-]+)"\]')


def names_of(layout: Any) -> Iterator[str]:
    """Every `data-part` of a layout, as often as it is there."""
    if isinstance(layout, (list, tuple)):
        for child in layout:
            yield from names_of(child)
    elif hasattr(layout, "to_plotly_json"):
        properties = layout.to_plotly_json()["props"]
        if "data-part" in properties:
            yield properties["data-part"]
        yield from names_of(properties.get("children"))


def scripts_of(page: str) -> Iterator[str]:
    """The page's module and all that it imports, without their comments; `parts` of ui/dom.js are any page's."""
    waiting, met = [FOLDER / page], set[Path]()
    while waiting:
        module = waiting.pop().resolve()
        if module in met:
            continue
        met.add(module)
        text = module.read_text()
        waiting += [module.parent / each for each in IMPORTED.findall(text)]
        if module.name != "dom.js":
            yield COMMENT.sub("", text)


def matches(pattern: re.Pattern[str], text: str) -> set[str]:
    return {next(filter(None, found.groups())) for found in pattern.finditer(text)}


def looked_up(script: str) -> set[str]:
    """Names that a script writes out where it looks a part up."""
    apart = {name for found in TAKEN_APART.findall(script) for name in matches(TAKEN, found.strip())}
    return matches(BY_NAME, script) | matches(PUT, script) | apart


def templates(script: str) -> set[str]:
    """Patterns of names that a script puts together."""
    return {rf"{re.escape(before)}[\w-]+{re.escape(after)}" for before, after in BY_TEMPLATE.findall(script)}


def chosen(script: str) -> set[str]:
    """What a script that looks parts up by a variable may have in it: the words and keys that it writes out."""
    return matches(WORD, script) if BY_VARIABLE.search(script) else set()


def problems(layout: Any, scripts: list[str], styles: str) -> list[str]:
    """What one side names and the other does not."""
    counted = Counter(names_of(layout))
    wanted = set().union(*map(looked_up, scripts))
    patterns = set().union(*map(templates, scripts))
    known = wanted | set().union(*map(chosen, scripts)) | set(STYLED.findall(styles))
    used = {name for name in counted if name in known or any(re.fullmatch(each, name) for each in patterns)}
    found = [f"{name} is looked up, and is no part" for name in sorted(wanted - set(counted))]
    found += [
        f"no part is named {each}" for each in sorted(patterns) if not any(re.fullmatch(each, n) for n in counted)
    ]
    found += [f"{name} is a part that nobody looks up" for name in sorted(set(counted) - used)]
    return found + [f"{name} is the name of {times} parts" for name, times in sorted(counted.items()) if times > 1]


def styles() -> str:
    return "".join(sheet.read_text() for sheet in sorted(ASSETS.glob("*.css")))


PAGES = {
    "run": ("run-page/page.js", run._frame("a run", external=False)),
    "external run": ("run-page/page.js", run._frame("a run", external=True)),
    "compare": ("compare-page/page.js", compare._frame(filled=True)),
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_and_its_script_name_the_same_parts(page: str) -> None:
    script, layout = PAGES[page]
    assert problems(layout, list(scripts_of(script)), styles()) == []


def test_what_only_one_side_names_is_found() -> None:
    layout = [
        part("stop"),
        part("bar", part("bar-words")),
        part("curve"),
        part("lost"),
        part("stop"),
    ]
    script = """
      parts.stop.hidden = parts["gone"].hidden;
      const { bar, "bar-worlds": words } = this.parts;
      for (const key of ["curve"]) draw(parts[key]);
      say(this.parts[`pulse-${name}`], "lost in words");
    """
    assert problems(layout, [script], '[data-part="bar-words"] { color: red }') == [
        "bar-worlds is looked up, and is no part",
        "gone is looked up, and is no part",
        r"no part is named pulse\-[\w-]+",
        "lost is a part that nobody looks up",
        "stop is the name of 2 parts",
    ]
