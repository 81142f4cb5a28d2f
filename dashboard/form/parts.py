"""What a form is made of: fields, choices between variants, and groups of both.

Every part has two addresses. `field` is the dotted path in the configuration, the one that error messages name.
`path` is the part's own in the form, where the fields of all variants stand side by side: `optimizer.sgd.momentum` and
`optimizer.adam.beta1`, of which the configuration has one as `optimizer.momentum` or `optimizer.beta1`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Union

Widget = Literal["text", "lines", "integer", "number", "switch", "options", "integers", "numbers", "words", "json"]
"""How a value is typed: `lines` is text of several lines; `integers` and `numbers` are lists typed with commas between;
`words` is a list of strings; `json` stands for whatever the form has no better input for."""


@dataclass(frozen=True, slots=True)
class Option:
    """One value that may be chosen."""

    key: str
    """As the input holds it."""
    value: Any
    """As the configuration holds it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value."""

    path: str
    field: str
    title: str
    widget: Widget
    default: Any
    help: str = ""
    unit: str = ""
    bounds: str = ""
    nullable: bool = False
    empty: str = "none"
    """What a nullable field means while nothing is typed."""
    advanced: bool = False
    step: float | None = None
    logarithmic: bool = False
    options: tuple[Option, ...] = ()
    former_name: str = ""
    """What the configuration called it before; older configurations say it under that name."""
    former_values: tuple[tuple[Any, Any], ...] = ()
    """Pairs (former value, today's) of the values that were renamed with it."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that the schema leaves no choice about; it is sent and not shown."""

    path: str
    field: str
    value: Any


@dataclass(frozen=True, slots=True)
class Variant:
    """One member of a choice, with fields of its own."""

    key: str
    title: str
    help: str
    parts: tuple["Part", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A union told apart by the value of one property."""

    path: str
    field: str
    title: str
    discriminator: str
    default: dict[str, Any]
    variants: tuple[Variant, ...]
    help: str = ""
    advanced: bool = False

    @property
    def selector_path(self) -> str:
        """The form's address of the choice itself."""
        return f"{self.path}.{self.discriminator}"

    @property
    def selector_field(self) -> str:
        """The configuration's address of the choice itself."""
        return f"{self.field}.{self.discriminator}"


@dataclass(frozen=True, slots=True)
class Group:
    """Parts that belong together; the whole form is one, at the empty path."""

    path: str
    field: str
    title: str
    help: str
    parts: tuple["Part", ...]
    advanced: bool = False


Part = Union[Field, Constant, Choice, Group]  # noqa: UP007  # names later parts as strings


def walk(parts: tuple[Part, ...]) -> Iterator[Part]:
    """All parts, each before what it holds, in the order in which they are drawn."""
    for part in parts:
        yield part
        if isinstance(part, Group):
            yield from walk(part.parts)
        elif isinstance(part, Choice):
            for variant in part.variants:
                yield from walk(variant.parts)
