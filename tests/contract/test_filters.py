"""The language of filters: what is read, what is refused and where, and that what is written is read back."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contract.filters import (
    LONGEST_FILTER,
    MOST_COMPARISONS,
    MOST_NESTED,
    MOST_VALUES,
    And,
    Comparison,
    Field,
    Filter,
    FilterError,
    MetricField,
    Not,
    Or,
    RunField,
    SettingField,
    SortKey,
    Span,
    field_text,
    filter_text,
    mentions,
    number_of,
    parse_field,
    parse_filter,
    parse_sort,
    span_of,
)
from contract.metrics import smaller_is_better
from tests.contract.filtering import fields, trees

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
EPSILON = SettingField("neq.epsilon")
STATE = RunField("state")


def finished(state: str = "finished") -> Comparison:
    return Comparison(STATE, "=", (state,))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("neq.epsilon = 0.001", Comparison(EPSILON, "=", ("0.001",))),
        ("neq.epsilon<=1e-3", Comparison(EPSILON, "<=", ("1e-3",))),
        ("optimizer.kind != sgd", Comparison(SettingField("optimizer.kind"), "!=", ("sgd",))),
        (
            "optimizer.kind IN (sgd , 'a d',\"x\")",
            Comparison(SettingField("optimizer.kind"), "in", ("sgd", "a d", "x")),
        ),
        (r'name ~ "a \"b\" \\ \n"', Comparison(RunField("name"), "~", ('a "b" \\ \n',))),
        ("state = Finished", finished()),
        ("archived = TRUE", Comparison(RunField("archived"), "=", ("true",))),
        ("neq.pin = True", Comparison(SettingField("neq.pin"), "=", ("true",))),
        ("neq.pin = 'True'", Comparison(SettingField("neq.pin"), "=", ("True",))),
        ("tag = größe:1/2+3", Comparison(RunField("tag"), "=", ("größe:1/2+3",))),
        ("created > 7d", Comparison(RunField("created"), ">", ("7d",))),
        ("metric.val/accuracy.best > .9", Comparison(MetricField("val/accuracy", "best"), ">", (".9",))),
        ("metric.a.b > 1", Comparison(MetricField("a.b", "last"), ">", ("1",))),
        ("metric.a.at.12 > 1", Comparison(MetricField("a", 12), ">", ("1",))),
        ("metric.a.at.1.at.007 > 1", Comparison(MetricField("a.at.1", 7), ">", ("1",))),
        ("metric.a.at.99999999 > 1", Comparison(MetricField("a.at.99999999", "last"), ">", ("1",))),
        ("metric.`a.at.1` > 1", Comparison(MetricField("a.at.1", "last"), ">", ("1",))),
        ("metric.last.min > 1", Comparison(MetricField("last", "min"), ">", ("1",))),
        ("metric.`a.max` > 1", Comparison(MetricField("a.max", "last"), ">", ("1",))),
        ("metric.`my loss`.max > 1", Comparison(MetricField("my loss", "max"), ">", ("1",))),
        ("`epochs` = 3", Comparison(SettingField("epochs"), "=", ("3",))),
        ("`a \\` b`.c = 3", Comparison(SettingField("a ` b.c"), "=", ("3",))),
        ("NOT state = failed", Not(finished("failed"))),
        (
            "state=queued or state=running and not (state=failed or state=stopped)",
            Or(
                (
                    finished("queued"),
                    And((finished("running"), Not(Or((finished("failed"), finished("stopped")))))),
                )
            ),
        ),
        ("((state = finished))", finished()),
    ],
)
def test_a_filter_is_read(text: str, tree: Filter) -> None:
    assert parse_filter(text) == tree
    assert parse_filter(filter_text(tree)) == tree


@pytest.mark.parametrize(
    ("text", "wrong", "words"),
    [
        ("state == finished", "==", "did you mean =?"),
        ("neq.epsilon <> 1", "<>", "did you mean !=?"),
        ("state = finished && tag = x", "&&", "did you mean and?"),
        ("name like x", "like", "did you mean ~?"),
        ("state finished", "finished", "write one of =, !=, in"),
        ("state < finished", "<", "use one of =, !=, in"),
        (
            "state = runing",
            "runing",
            "queued, running, finished, stopped or failed, never runing: did you mean running?",
        ),
        ("held = maybe", "maybe", "held is true or false"),
        ("accuracy > high", "high", "A number must stand here"),
        ("optimizer.kind < sgd", "sgd", "texts are compared by"),
        ("metric.x = 1e999", "1e999", "A number must stand here"),
        ("metric.x ~ 1", "~", "use one of"),
        ("created > yesterday", "yesterday", "such as 2026-11-30"),
        ("created > 2026-13-01", "2026-13-01", "such as 2026-11-30"),
        ("created > 999999999w", "999999999w", "such as 2026-11-30"),
        ("created = 7d", "7d", "write created > 7d"),
        ("tag not in (a, b)", "not", "not (field in (a, b))"),
        ("tag in a", "a", "write in (a, b, c)"),
        ("tag in (a b)", "b", "a comma or )"),
        ("tag in ()", ")", "A value must stand here"),
        ("tag = and", "and", "A value must stand here"),
        ("tag = `a`", "`a`", "a text in quotes"),
        ("tag = 'a", "'a", "never closed"),
        ("`tag = a", "`tag = a", "never closed"),
        ("tag = a;", ";", "in quotes"),
        ("(tag = a", "(", "never closed"),
        ("tag = a)", ")", "closes nothing"),
        ("tag = a tag = b", "tag", "Expected and, or, or the end"),
        ("'tag' = a", "'tag'", "backquotes"),
        ("metric..last > 1", "metric..last", "names no field"),
        ("tag = a and", "", "A field must stand here"),
        ("tag =", "", "A value must stand here"),
        ("tag", "", "An operator must stand behind tag"),
        ("", "", "empty"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place_and_a_remedy(text: str, wrong: str, words: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    error = caught.value
    assert text[error.start : error.end] == wrong
    assert words in error.message
    assert not error.message.endswith(".")


def test_the_place_is_that_of_the_second_of_two() -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter("tag = a tag = b")
    assert (caught.value.start, caught.value.end) == (8, 11)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("not " * MOST_NESTED + "tag = a", "not " * (MOST_NESTED + 1) + "tag = a"),
        (
            "(" * MOST_NESTED + "tag = a" + ")" * MOST_NESTED,
            "(" * (MOST_NESTED + 1) + "tag = a" + ")" * (MOST_NESTED + 1),
        ),
        (" or ".join(["tag = a"] * MOST_COMPARISONS), " or ".join(["tag = a"] * (MOST_COMPARISONS + 1))),
        (f"tag in (a{',a' * (MOST_VALUES - 1)})", f"tag in (a{',a' * MOST_VALUES})"),
        ("tag = a".ljust(LONGEST_FILTER), "tag = a".ljust(LONGEST_FILTER + 1)),
    ],
)
def test_a_filter_has_bounds(good: str, bad: str) -> None:
    parse_filter(good)
    with pytest.raises(FilterError):
        parse_filter(bad)


@given(trees(fields()))
def test_every_filter_is_written_so_that_it_is_read_back(tree: Filter) -> None:
    text = filter_text(tree)
    assume(len(text) <= LONGEST_FILTER)
    assert parse_filter(text) == tree


@given(st.lists(st.builds(SortKey, fields(), st.booleans()), min_size=1, max_size=8))
def test_every_order_is_written_so_that_it_is_read_back(keys: list[SortKey]) -> None:
    text = ",".join("-" * key.descending + field_text(key.field) for key in keys)
    assert parse_sort(text) == tuple(keys)


WORDS = ["state", "tag", "metric.", ".best", "neq.epsilon", "and", "or", "not", "in", "(", ")", ",", "=", "<", "~", "!"]
WORDS += [
    " ",
    "`",
    '"',
    "'",
    "\\",
    "7d",
    "0.1",
    "1e999",
    "true",
    "created",
    "2026-02-30",
    "\n",
    "\x00",
    "ß",
    "\ud800",
    "🙂",
]


@pytest.mark.parametrize("seed", range(4))
def test_no_text_raises_anything_else_nor_names_a_place_outside(seed: int) -> None:
    """In all ten thousand texts: half of words of the language, half of any characters."""
    chosen = random.Random(seed)
    refused = 0
    for number in range(2_500):
        size = chosen.choice([1, 3, 10, 40, 200])
        if number % 2:
            text = "".join(chosen.choice(WORDS) for _ in range(size))[:LONGEST_FILTER]
        else:
            text = "".join(chr(chosen.randrange(0x80 if number % 4 else 0x11_0000)) for _ in range(size))
        for read in (parse_filter, parse_sort):
            try:
                read(text)
            except FilterError as error:
                refused += 1
                assert 0 <= error.start <= error.end <= len(text)
                assert error.message
    assert refused > 2_500


@pytest.mark.parametrize(
    "text", ["(" * 2_000, "not " * 500, "`" * 1_999, '"' * 1_999, "\\" * 2_000, "`a" * 999 + "\\", "=" * 2_000]
)
def test_the_longest_hostile_texts_are_refused(text: str) -> None:
    with pytest.raises(FilterError):
        parse_filter(text)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("created", [("created", False)]),
        ("-metric.val/accuracy.best, neq.epsilon", [("metric.val/accuracy.best", True), ("neq.epsilon", False)]),
        ("-`-odd, name`", [("`-odd, name`", True)]),
    ],
)
def test_an_order_is_read(text: str, keys: list[tuple[str, bool]]) -> None:
    assert [(field_text(key.field), key.descending) for key in parse_sort(text)] == keys


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", ""),
        ("a,", ""),
        ("a b", "b"),
        ("a,,b", ","),
        ("-", "-"),
        ("a=b", "="),
        (",".join("abcdefghi"), "i"),
        ("metric.", "metric."),
    ],
)
def test_an_order_that_cannot_be_read_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_sort(text)
    assert text[caught.value.start : caught.value.end] == wrong


def test_one_field_is_one() -> None:
    assert parse_field("neq.epsilon") == EPSILON
    for wrong in ("a,b", "-a"):
        with pytest.raises(FilterError):
            parse_field(wrong)


def test_a_number_is_the_float_that_json_reads() -> None:
    assert number_of("0.001") == number_of("1e-3") == 0.001
    assert number_of("-.5") == -0.5
    assert [number_of(text) for text in ("", ".", "1e", "0x10", "1_000", "nan", "inf", "1e999", "١")] == [None] * 9


def span(begin: str, **length: int) -> Span:
    moment = datetime.fromisoformat(begin)
    return Span(moment, moment + timedelta(**length))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-30", span("2026-11-30T00:00+00:00", days=1)),
        ("2026-11-30T10:20", span("2026-11-30T10:20+00:00", minutes=1)),
        ("2026-11-30 10:20:30+02:00", span("2026-11-30T08:20:30+00:00", seconds=1)),
        ("2026-11-30T10:20:30.5Z", span("2026-11-30T10:20:30.5+00:00", microseconds=1)),
        ("7d", span("2026-11-23T12:00+00:00")),
        ("90m", span("2026-11-30T10:30+00:00")),
        ("9999-12-31", None),
        ("2026-02-30", None),
        ("20261130", None),
    ],
)
def test_a_time_is_a_span(text: str, meant: Span | None) -> None:
    assert span_of(text, NOW) == meant


@pytest.mark.parametrize(
    ("name", "is_smaller"),
    [
        ("val/loss", True),
        ("train_loss", True),
        ("testError", True),
        ("err", True),
        ("val_rmse", True),
        ("perplexity", True),
        ("accuracy", False),
        ("power", False),
        ("answer", False),
        ("f1", False),
    ],
)
def test_the_best_of_a_loss_or_an_error_is_its_least(name: str, is_smaller: bool) -> None:
    assert smaller_is_better(name) is is_smaller


def test_a_filter_says_whether_it_asks_for_a_field() -> None:
    archived: Field = RunField("archived")
    assert mentions(parse_filter("a = 1 or not (b = 2 and archived = true)"), archived)
    assert not mentions(parse_filter("a = 1 or `archived` = true"), archived)
