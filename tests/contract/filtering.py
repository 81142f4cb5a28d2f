"""Random filters, for tests of their language and of what the store makes of them."""

from hypothesis import strategies as st

from contract.filters import (
    CHOICES,
    RUN_FIELDS,
    And,
    Comparison,
    Field,
    Filter,
    MetricField,
    Not,
    Or,
    RunField,
    SettingField,
)
from contract.filters.fields import FIGURES, FLAGS, LAST_EPOCH, OPERATORS, kind_of

ODD = ("and", "IN", "true", "True", "state", "metric.x", "a.max", "-a", "7d", "`", "\\", '"', "a b", "\n")
ANY_TEXT = st.sampled_from(ODD) | st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=8
)
NUMBERS = st.one_of(
    st.sampled_from(["0", "1", "-1", "0.001", "1e-3", "3", "0.5"]),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
TIMES = st.sampled_from(["2026-11-30", "2026-11-30T12:00", "2026-11-30T12:00:30Z", "2020-01-01T00:00+02:00"])
AGO = st.sampled_from(["7d", "12h", "30m", "2w"])
_ORDERED = ("<", "<=", ">", ">=")


def fields(
    paths: st.SearchStrategy[str] = ANY_TEXT, names: st.SearchStrategy[str] = ANY_TEXT
) -> st.SearchStrategy[Field]:
    """Fields of every kind."""
    return st.one_of(
        st.sampled_from(list(RUN_FIELDS)).map(RunField),
        paths.filter(bool).map(SettingField),
        st.builds(MetricField, names.filter(bool), st.sampled_from(FIGURES) | st.integers(0, LAST_EPOCH)),
    )


@st.composite
def comparisons(draw: st.DrawFn, asked: st.SearchStrategy[Field], texts: st.SearchStrategy[str]) -> Comparison:
    """Comparisons that make sense."""
    field = draw(asked)
    kind = kind_of(field)
    operator = draw(st.sampled_from(OPERATORS[kind]))
    if kind in ("choice", "flag"):
        assert isinstance(field, RunField)
        value = st.sampled_from(CHOICES.get(field.name, FLAGS))
    elif kind == "time":
        value = TIMES | AGO if operator in _ORDERED else TIMES
    elif kind in ("number", "metric") or operator in _ORDERED:
        value = NUMBERS
    else:
        value = texts | NUMBERS | st.sampled_from(FLAGS)
    values = draw(st.lists(value, min_size=1, max_size=3 if operator == "in" else 1))
    return Comparison(field, operator, tuple(values))


def trees(asked: st.SearchStrategy[Field], texts: st.SearchStrategy[str] = ANY_TEXT) -> st.SearchStrategy[Filter]:
    """Filters of some comparisons."""

    def joined(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        several = st.lists(parts, min_size=2, max_size=4).map(tuple)
        return st.builds(Not, parts) | st.builds(And, several) | st.builds(Or, several)

    return st.recursive(comparisons(asked, texts), joined, max_leaves=8)
