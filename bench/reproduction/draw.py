"""Draws the shortened runs beside the published curves, as an SVG written by hand.

    python bench/reproduction/draw.py [docs/reproduction]

Reads the folder's run files, writes curves.svg there. Published points: `contract/presets/paper.py`, and for φ, which
is on no preset, the values read off the paper's figure, below. The axis is the share of the run, so that 25 epochs lie
beside 250.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.reproduction.recipes import PAPER_EPOCHS
from contract.events import EpochFinished, RunStarted
from contract.presets import PRESETS
from contract.runfile import RunFile

Points = Sequence[tuple[float, float]]

PUBLISHED_PHI: Points = ((0, 0.1), (20, 0.65), (99, 0.65), (102, 0.97), (149, 0.78), (153, 1.0), (249, 1.0))
"""Epoch and mean φ of the SGD run, read off the paper's figure."""
COLOURS = {"official": "#0b6e99", "paper": "#c2410c", "dense": "#6b7280", "published": "#111827"}
NAMES = {
    "official": "NEq, official formula",
    "paper": "NEq, paper's formula",
    "dense": "nothing frozen",
    "published": "published, 250 epochs of 50,000 images",
}
WIDTH, HEIGHT, LEFT, TOP, GAP = 380, 150, 60, 64, 48


@dataclass(frozen=True)
class Course:
    """A run, point by point over its share of the epochs."""

    frozen: Points
    phi: Points
    accuracy: Points


def course(path: Path) -> Course:
    """What a run file tells."""
    with RunFile.open(path) as file:
        events = list(file.events())
    sizes = next([layer.neurons for layer in event.layers] for event in events if isinstance(event, RunStarted))
    epochs = [event for event in events if isinstance(event, EpochFinished)]
    at = [(epoch.epoch + 1) / len(epochs) for epoch in epochs]

    def phi(epoch: EpochFinished) -> float:
        known = [(mean, size) for mean, size in zip(epoch.layers.phi_mean, sizes, strict=True) if mean is not None]
        return sum(mean * size for mean, size in known) / sum(size for _, size in known)

    return Course(
        [*zip(at, (epoch.frozen_fraction for epoch in epochs), strict=True)],
        [*zip(at, map(phi, epochs), strict=True)],
        [*zip(at, (epoch.test_accuracy for epoch in epochs), strict=True)],
    )


def published(points: Iterable[tuple[float, float]]) -> Points:
    """Points over epochs as points over the share of the run."""
    return [((epoch + 1) / PAPER_EPOCHS, value) for epoch, value in points]


def line(points: Points, left: float, top: float, kind: str) -> str:
    """A line through the points of a panel at this place."""
    path = " ".join(f"{left + x * WIDTH:.1f},{top + (1 - y) * HEIGHT:.1f}" for x, y in points)
    dash = ' stroke-dasharray="5 4"' if kind == "published" else ""
    return f'<polyline points="{path}" fill="none" stroke="{COLOURS[kind]}" stroke-width="1.8"{dash}/>'


def panel(title: str, left: float, top: float, lines: Iterable[tuple[str, Points]]) -> list[str]:
    """A frame with axes, milestones and lines."""
    drawn = [
        f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#9ca3af"/>',
        f'<text x="{left}" y="{top - 7}" font-weight="600">{title}</text>',
    ]
    for share in (0, 0.5, 1):
        y = top + (1 - share) * HEIGHT
        drawn.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{share:.0%}</text>')
    for milestone in (0.4, 0.6):
        x = left + milestone * WIDTH
        drawn.append(
            f'<line x1="{x}" x2="{x}" y1="{top}" y2="{top + HEIGHT}" stroke="#d1d5db" stroke-dasharray="2 3"/>'
        )
    return drawn + [line(points, left, top, kind) for kind, points in lines]


def column(folder: Path, optimizer: str, left: float) -> list[str]:
    """The three panels of an optimizer."""
    files = {kind: folder / f"{optimizer}-{kind}.neq" for kind in ("official", "paper", "dense")}
    runs = {kind: course(path) for kind, path in files.items() if path.exists()}
    recipe = next(preset for preset in PRESETS if preset.name == f"paper-resnet32-{optimizer}")
    curve = published(recipe.published.frozen_curve) if recipe.published else []
    frozen = [("published", curve), *((kind, run.frozen) for kind, run in runs.items() if kind != "dense")]
    phi = [*((kind, run.phi) for kind, run in runs.items())]
    if optimizer == "sgd":
        phi.insert(0, ("published", published(PUBLISHED_PHI)))
    accuracy = [(kind, run.accuracy) for kind, run in runs.items()]
    if recipe.published:
        score = next(figure.score for figure in recipe.published.figures if figure.kind == "neq")
        accuracy.insert(0, ("published", [(0.9, score or 0), (1, score or 0)]))
    name = {"sgd": "SGD", "adam": "Adam"}[optimizer]
    titles = (f"{name}: frozen for the next epoch", "mean φ", "test accuracy (published: the end)")
    step = HEIGHT + GAP
    return [
        piece
        for number, (title, lines) in enumerate(zip(titles, (frozen, phi, accuracy), strict=True))
        for piece in panel(title, left, TOP + number * step, lines)
    ]


def main(folder: Path) -> None:
    """Writes curves.svg."""
    there = [name for name in ("sgd", "adam") if any(folder.glob(f"{name}-*.neq"))]
    width, height = max(2, len(there)) * (LEFT + WIDTH) + 30, TOP + 3 * (HEIGHT + GAP)
    key = []
    for number, (kind, words) in enumerate(NAMES.items()):
        x = LEFT + number * 180
        key += [line([(0, 1), (0.06, 1)], x, 20, kind), f'<text x="{x + 28}" y="24">{words}</text>']
    foot = f'<text x="{LEFT}" y="{height - 12}">share of the run; dotted: the learning rate falls to a tenth</text>'
    columns = [column(folder, name, LEFT + place * (LEFT + WIDTH)) for place, name in enumerate(there)]
    drawn = [*key, *(piece for each in columns for piece in each), foot]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#111827">'
    )
    background = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    (folder / "curves.svg").write_text("\n".join([head, background, *drawn, "</svg>"]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reproduction"))
