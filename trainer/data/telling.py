"""What was found in a run's data, put together for its first event; and what of it is refused."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from trainer.data.inspection import Counts, Listing, Looks
from trainer.errors import RunError
from trainer.found import MOST_CLASSES, ClassFound, DataFound, MoreClasses, PartFound, shortened

MOST_NAMED = 20
"""Classes that are named where they are missing."""
PARTS: tuple[Literal["train", "test", "probe"], ...] = ("train", "test", "probe")


def numbered(classes: int) -> tuple[str, ...]:
    """Names of classes that have none."""
    return tuple(f"class {number}" for number in range(classes))


def data_found(listing: Listing, counts: Sequence[Counts], probe_source: str, looks: Looks) -> DataFound:
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
        ),
    )


def refuse_nothing_to_learn(listing: Listing, train: Counts, test: Counts, *, all_used: bool) -> None:
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
            f"No {what} shows the class {number} ({listing.classes[number]}), of the {train.images:,} that are left to "
            f"train on{f', nor the {len(missing) - 1} other classes that are missing' if len(missing) > 1 else ''}.",
            "Set data.classes to the number of classes that the masks hold, or put masks there that hold it."
            if train.masks_read is not None
            else "Put more images of it into the set, or lower neq.probe.samples and data.test_share.",
        )
    seen = (test.shown > 0).nonzero().flatten().tolist()
    if test.masks_read is not None and test.complete and len(seen) <= 1:
        held = f"the class {seen[0]} ({listing.classes[seen[0]]}) alone" if seen else "no class"
        raise RunError(
            f"The {test.images:,} test masks hold {held}: any network could be right about all of them.",
            "Put masks with several classes into the test set; pixels of value 255 or data.unlabelled do not count.",
        )


def _missing(counts: Counts) -> list[int]:
    missing: list[int] = (counts.shown == 0).nonzero().flatten().tolist()
    return missing


def _absent(listing: Listing, counts: Counts) -> tuple[str, ...]:
    return tuple(shortened(listing.classes[number]) for number in _missing(counts)[:MOST_NAMED])


def _warnings(listing: Listing, counts: Counts, part: Literal["train", "test"]) -> tuple[str, ...]:
    missing = _missing(counts)
    if not missing:
        return ()
    named = ", ".join(shortened(listing.classes[number]) for number in missing[:3])
    more = f" and {len(missing) - 3} other classes" if len(missing) > 3 else ""
    where = {"train": "training", "test": "test"}[part]
    if counts.masks_read is None:
        consequence = "they are never learnt" if part == "train" else "the accuracy says nothing of them"
        return (f"No {where} image shows {named}{more}: {consequence}.",)
    read = "" if counts.complete else f" of the {counts.masks_read:,} that were read"
    consequence = "" if part == "train" else "; mean IoU leaves them out, or counts 0 where they are predicted"
    return (f"No {where} mask{read} holds {named}{more}{consequence}.",)


def _more(train: Counts, test: Counts) -> MoreClasses:
    def spread(shown: Tensor) -> tuple[float, float]:
        rest = shown[MOST_CLASSES:]
        return float(rest.min()), float(rest.max())

    return MoreClasses(count=len(train.shown) - MOST_CLASSES, train=spread(train.shown), test=spread(test.shown))
