"""The language in which runs are filtered and sorted: `neq.epsilon < 0.001 and state = finished`.

`parse_filter` and `parse_sort` read it, `filter_text` and `field_text` write it. docs/filters.md describes it.
"""

from contract.filters.errors import FilterError
from contract.filters.fields import CHOICES, RUN_FIELDS, Kind, kind_of
from contract.filters.finding import finds
from contract.filters.parser import LONGEST_FILTER, MOST_COMPARISONS, MOST_NESTED, MOST_VALUES, parse_filter
from contract.filters.sorting import (
    LONGEST_FIELDS,
    LONGEST_SORT,
    MOST_FIELDS,
    MOST_KEYS,
    SortKey,
    parse_field,
    parse_fields,
    parse_sort,
)
from contract.filters.tree import (
    And,
    Comparison,
    Field,
    Figure,
    Filter,
    MetricField,
    Not,
    Operator,
    Or,
    RunField,
    SettingField,
    mentions,
)
from contract.filters.values import Span, number_of, span_of
from contract.filters.writing import field_text, filter_text

__all__ = [
    "CHOICES",
    "LONGEST_FIELDS",
    "LONGEST_FILTER",
    "LONGEST_SORT",
    "MOST_COMPARISONS",
    "MOST_FIELDS",
    "MOST_KEYS",
    "MOST_NESTED",
    "MOST_VALUES",
    "RUN_FIELDS",
    "And",
    "Comparison",
    "Field",
    "Figure",
    "Filter",
    "FilterError",
    "Kind",
    "MetricField",
    "Not",
    "Operator",
    "Or",
    "RunField",
    "SettingField",
    "SortKey",
    "Span",
    "field_text",
    "filter_text",
    "finds",
    "kind_of",
    "mentions",
    "number_of",
    "parse_field",
    "parse_fields",
    "parse_filter",
    "parse_sort",
    "span_of",
]
