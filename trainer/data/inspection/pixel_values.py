"""What the pixels of a set's files hold: which value is white, and whether there is anything to see at all."""

from collections.abc import Sequence
from dataclasses import dataclass

from contract.counted import counted
from contract.data_report import MOST_EXAMPLES, stored_value
from contract.errors import RunError
from trainer.data.reading import Content

WHITES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
"""Values of white that deep images may have: of fractions, and of 8, 10, 12, 14 and 16 bits."""
LEVELS = 255
"""Steps between black and white, as the network sees them."""
FEW_LEVELS = 8
"""Sets whose values are spread over fewer are warned of: hardly anything is left to see."""


@dataclass(frozen=True)
class Decoded:
    """What one image that was decoded holds, and what it is called."""

    name: str
    content: Content


def white_of(high: float, *, fractions: bool) -> float:
    """The value of white: the largest of fractions, or of so many bits, that holds the values seen.

    Beyond 16 bits no number of bits is usual, and white is the largest value of as many bits as the values need.

    Args:
        high: the largest value of the set.
        fractions: it holds floating-point images, whose white may be 1.
    """
    known = next((white for white in WHITES if white >= high and (fractions or white > 1)), None)
    return float(2 ** int(high).bit_length() - 1) if known is None else known


def refuse_one_colour(decoded: Sequence[Decoded]) -> None:
    """Refuses a set in which every image that was looked at is one and the same colour throughout, or each is of one
    colour and has its picture in the alpha channel.

    Raises:
        RunError: saying where the picture seems to be.
    """
    colours = {each.content.colour for each in decoded}
    all_hidden = all(each.content.hidden for each in decoded)
    if None in colours or (len(colours) > 1 and not all_hidden):
        return
    looked_at = "The image that was looked at is" if len(decoded) == 1 else f"All {len(decoded):,} images looked at are"
    hidden = next((each.name for each in decoded if each.content.hidden), None)
    one = "one and the same colour" if len(colours) == 1 else "one colour"
    raise RunError(
        f"{looked_at} of {one} throughout: there is nothing to learn from them.",
        "Put the images themselves there, not placeholders."
        if hidden is None
        else f"The picture seems to be in the alpha channel, as in {hidden}, and networks see the colours alone: lay "
        "each image over a background and save it without an alpha channel.",
    )


def one_colour_warnings(decoded: Sequence[Decoded]) -> tuple[str, ...]:
    """A warning where some images are of one colour throughout, or all are and differ from each other."""
    empty = [each for each in decoded if each.content.colour is not None]
    if not empty:
        return ()
    named = ", ".join(each.name for each in empty[:MOST_EXAMPLES])
    more = ", …" if len(empty) > MOST_EXAMPLES else ""
    hidden = sum(each.content.hidden for each in empty)
    alpha = f"; in {hidden:,} of them the picture seems to be in the alpha channel, which is not used" if hidden else ""
    of = counted(len(decoded), "image")
    return (
        f"{len(empty):,} of {of} looked at {'is' if len(empty) == 1 else 'are'} of one colour throughout "
        f"({named}{more}){alpha}.",
    )


def refuse_one_shade(low: float, high: float, white: float) -> tuple[str, ...]:
    """Refuses a set whose values become one shade; of one in which they are close to each other, a warning.

    Args:
        low, high: the smallest and the largest value of the set.
        white: the value that becomes LEVELS.

    Raises:
        RunError: all values lie within less than one level.
    """
    levels = (high - low) * LEVELS / white
    said = (
        f"Values go from {stored_value(low)} to {stored_value(high)}, and {stored_value(white)} is white: "
        f"they use {100 * (high - low) / white:.2g} % of the range"
    )
    remedy = "Save the images anew with values that use the whole range from black (0) to white."
    if levels < 1:
        raise RunError(f"{said}, so that all images come out in one shade.", remedy)
    return (f"{said}, so that little of the images is left to see. {remedy}",) if levels < FEW_LEVELS else ()
