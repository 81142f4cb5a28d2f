"""What was found in a run's data, put together for its first event; and what of it is refused."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from contract.counted import counted
from contract.data_report import MOST_CLASSES, ClassFound, DataFound, MoreClasses, PartFound, shortened
from contract.errors import RunError
from trainer.data.inspection.inspection import ClassCounts, Listing, Looks
from trainer.data.names import legible

MOST_NAMED = 20
"""Classes that are named where they are missing."""
PARTS: tuple[Literal["train", "test", "probe"], ...] = ("train", "test", "probe")


def numbered(classes: int) -> tuple[str, ...]:
    """Names of classes that have none."""
    return tuple(f"class {number}" for number in range(classes))


def data_found(listing: Listing, counts: Sequence[ClassCounts], probe_source: str, looks: Looks) -> DataFound:
    """The run's data as a fact.

    Args:
        counts: of training, test and probe images.
        probe_source: where the probe images come from.
    """
    train, test, probe = counts
    sources = (*listing.sources, probe_source)
    rows = [
        ClassFound(name=shortened(name), train=int(train.shown[n]), test=int(test.shown[n]), probe=int(probe.shown[n]))
        for n, name in enumerate(listing.classes[:MOST_CLASSES])
    ]
    absent = {part: _absent(listing, each) for part, each in zip(PARTS, counts, strict=True)}
    return DataFound(
        parts=tuple(
            PartFound(part=part, images=each.images, source=shortened(source), masks_read=each.masks_read)
            for part, each, source in zip(PARTS, counts, sources, strict=True)
        ),
        class_count=len(listing.classes),
        classes=tuple(rows),
        more_classes=_more(train, test) if len(listing.classes) > MOST_CLASSES else None,
        absent_train=absent["train"],
        absent_test=absent["test"],
        passed_over=listing.passed_over,
        sizes=looks.sizes,
        values=looks.values,
        notes=listing.notes + looks.notes,
        warnings=(
            *listing.warnings,
            *looks.warnings,
            *_warnings(listing, train, "train"),
            *_warnings(listing, test, "test"),
            *_single_images(listing, train, probe),
        ),
    )


def refuse_nothing_to_learn(listing: Listing, train: ClassCounts, test: ClassCounts, *, all_used: bool) -> None:
    """Refuses data of which a class is never seen, or on which any network scores well.

    Args:
        all_used: the run uses all images that there are, so that a class that is missing is missing from the set.

    Raises:
        RunError: naming the class.
    """
    missing = _missing(train)
    if missing and all_used and listing.own_classes and train.complete:
        what = "training image" if train.masks_read is None else "training mask"
        number = missing[0]
        raise RunError(
            f"No {what} shows {_class(listing, number)}, of the {train.images:,} that are left to train on"
            f"{_nor_others(len(missing) - 1)}.",
            "Set data.classes to the number of classes that the masks hold, or put masks there that hold it."
            if train.masks_read is not None
            else "Put more images of it into the set, or lower neq.probe.samples and data.test_fraction.",
        )
    seen = (test.shown > 0).nonzero().flatten().tolist()
    if test.masks_read is not None and test.complete and len(seen) <= 1:
        held = f"{_class(listing, seen[0])} alone" if seen else "no class"
        masks = "only test mask holds" if test.images == 1 else f"{test.images:,} test masks hold"
        raise RunError(
            f"The {masks} {held}: any network could be right about all of it.",
            "Put masks with several classes into the test set; pixels of value 255 or data.ignore_index do not count.",
        )


def _class(listing: Listing, number: int) -> str:
    """Such as `the class 3 (cat)`, or `class 3` where it has no name."""
    name = listing.classes[number]
    return name if name == f"class {number}" else f"the class {number} ({legible(shortened(name))})"


def _nor_others(count: int) -> str:
    return "" if not count else f"; {counted(count, 'other class is', 'other classes are')} missing too"


def _missing(counts: ClassCounts) -> list[int]:
    missing: list[int] = (counts.shown == 0).nonzero().flatten().tolist()
    return missing


def _absent(listing: Listing, counts: ClassCounts) -> tuple[str, ...]:
    return tuple(shortened(listing.classes[number]) for number in _missing(counts)[:MOST_NAMED])


def _warnings(listing: Listing, counts: ClassCounts, part: Literal["train", "test"]) -> tuple[str, ...]:
    missing = _missing(counts)
    if not missing:
        return ()
    named = ", ".join(shortened(listing.classes[number]) for number in missing[:3])
    more = f" and {counted(len(missing) - 3, 'other class', 'other classes')}" if len(missing) > 3 else ""
    where = {"train": "training", "test": "test"}[part]
    if counts.masks_read is None:
        them = "it" if len(missing) == 1 else "them"
        never = "it is never learnt" if len(missing) == 1 else "they are never learnt"
        consequence = never if part == "train" else f"the accuracy says nothing of {them}"
        return (f"No {where} image shows {named}{more}: {consequence}.",)
    read = "" if counts.complete else f" of the {counts.masks_read:,} that were read"
    consequence = "" if part == "train" else "; mean IoU leaves them out, or counts 0 where they are predicted"
    return (f"No {where} mask{read} holds {named}{more}{consequence}.",)


def _single_images(listing: Listing, train: ClassCounts, probe: ClassCounts) -> tuple[str, ...]:
    """A warning of classes of which a single image is trained on and none is in the probe set."""
    if train.masks_read is not None:
        return ()
    rare: list[int] = ((train.shown == 1) & (probe.shown == 0)).nonzero().flatten().tolist()
    if not rare:
        return ()
    named = ", ".join(shortened(listing.classes[number]) for number in rare[:3])
    more = f" and {counted(len(rare) - 3, 'other class', 'other classes')}" if len(rare) > 3 else ""
    return (f"A single training image shows {named}{more}, and no probe image: it is hardly learnt.",)


def _more(train: ClassCounts, test: ClassCounts) -> MoreClasses:
    def spread(shown: Tensor) -> tuple[float, float]:
        rest = shown[MOST_CLASSES:]
        return float(rest.min()), float(rest.max())

    return MoreClasses(count=len(train.shown) - MOST_CLASSES, train=spread(train.shown), test=spread(test.shown))
