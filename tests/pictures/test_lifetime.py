"""neq.Scope and the small things: what a page opened ends with it, and text stays text."""

import io
import json
import shlex
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from playwright.sync_api import Page

from cli.launch import launch
from contract.config import RunConfig


def test_what_a_scope_opened_ends_with_it(bench: Page) -> None:
    told = bench.evaluate("""async () => {
      const log = [];
      const scope = new neq.Scope();
      const target = new EventTarget();
      scope.on(target, "x", () => log.push("heard"));
      scope.every(10, () => log.push("tick"));
      scope.keep({ close: () => log.push("closed") });
      const child = scope.child();
      child.finally(() => log.push("child"));
      const later = scope.once(() => log.push("drawn"));
      target.dispatchEvent(new Event("x"));
      later();
      scope.end();
      const after = log.length;
      target.dispatchEvent(new Event("x"));
      later();
      scope.finally(() => log.push("at once"));
      scope.end();
      await new Promise((resolve) => setTimeout(resolve, 60));
      return { log, after, aborted: scope.signal.aborted, child: child.ended };
    }""")
    assert told["log"] == ["heard", "child", "closed", "at once"]
    assert told["after"] == 3
    assert told["aborted"]
    assert told["child"]


def test_one_that_fails_while_ending_keeps_no_other_open(bench: Page) -> None:
    assert bench.evaluate("""() => {
      window.reportError = () => {};
      const scope = new neq.Scope();
      let closed = false;
      scope.finally(() => { closed = true; });
      scope.finally(() => { throw new Error("x"); });
      scope.end();
      return closed;
    }""")


def test_many_askings_draw_once_a_frame(bench: Page) -> None:
    assert (
        bench.evaluate("""async () => {
      let drawn = 0;
      const draw = new neq.Scope().once(() => (drawn += 1));
      for (let i = 0; i < 50; i += 1) draw();
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return drawn;
    }""")
        == 1
    )


def test_text_given_to_an_element_is_never_markup(bench: Page) -> None:
    made = bench.evaluate("""() => {
      const made = neq.element("p.a.b", { title: "<i>" }, "<img src=x onerror=alert(1)>", 7);
      return [made.className, made.title, made.children.length, made.textContent];
    }""")
    assert made == ["a b", "<i>", 0, "<img src=x onerror=alert(1)>7"]


def test_numbers_are_written_for_people(bench: Page) -> None:
    written = bench.evaluate("""() => {
      const { percent, number, setting, exact, duration, count } = neq.format;
      return [
        percent(0.12345), percent(null), number(0.000123), number(1234), number(-0.5), setting(0.0005), setting(1e-4),
        setting(0.1), exact(Math.fround(0.1)), exact(NaN), duration(0.05), duration(4.12), duration(125),
        duration(3725), duration(9.97), duration(59.7), count(10600),
      ];
    }""")
    assert written == [
        "12.3 %", "–", "1.23 · 10⁻⁴", "1,234", "−0.500", "5 · 10⁻⁴", "10⁻⁴",
        "0.1", "0.1", "–", "50 ms", "4.1 s", "2 min 05 s", "1 h 02 min", "10 s", "1 min 00 s",
        "10,600",
    ]  # fmt: skip


def test_estimates_are_no_finer_than_they_can_be_known(bench: Page) -> None:
    seconds = [0.2, 4.12, 59.4, 59.6, 129, 594, 596, 1012, 3725, None]
    assert bench.evaluate("(all) => all.map(neq.format.estimate)", seconds) == [
        "1 s", "4 s", "59 s", "1 min", "2 min 10 s", "9 min 50 s", "10 min", "17 min", "1 h 02 min", "–",
    ]  # fmt: skip


def test_an_exact_number_reads_back_as_the_same_float32(bench: Page) -> None:
    wrong = bench.evaluate("""() => {
      const bits = new DataView(new ArrayBuffer(4));
      const wrong = [];
      for (let i = 1; i < 20000; i += 1) {
        bits.setUint32(0, (i * 214013 + 2531011) >>> 0);
        const value = bits.getFloat32(0);
        if (!Number.isFinite(value)) continue;
        if (Math.fround(Number(neq.format.exact(value).replace("−", "-"))) !== value) wrong.push(value);
      }
      return wrong.slice(0, 3);
    }""")
    assert wrong == []


def test_the_first_epochs_of_a_long_run_are_no_thin_strip(bench: Page) -> None:
    wholes = bench.evaluate(
        "(pairs) => pairs.map((pair) => neq.wholeOf(...pair)[1] + 0.5)",
        [[0, 24], [3, 300], [60, 300], [149, 300], [160, 300], [300, 300], [5, 1]],
    )
    assert wholes == [12, 19, 75, 150, 300, 300, 5]


def test_a_float_array_is_read_from_its_file(bench: Page) -> None:
    file = io.BytesIO()
    values = np.array([[0.1, np.nan, -3e-8], [1, 2, 3]], dtype="<f4")
    np.save(file, values)
    read = bench.evaluate(
        """(bytes) => {
      const { shape, values } = neq.recorded.parseNpy(Uint8Array.from(bytes).buffer);
      return { shape, values: [...values].map((value) => (Number.isNaN(value) ? null : value)) };
    }""",
        list(file.getvalue()),
    )
    assert read["shape"] == [2, 3]
    assert read["values"] == [None if np.isnan(value) else float(value) for value in values.ravel()]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {
            "name": 'it\'s a $name; with "quotes"',
            "tags": ["one", "two words"],
            "notes": "first line\nsecond line",
            "data": {"kind": "cifar10", "augment": False},
            "model": {"kind": "resnet-cifar", "depth": 20},
            "optimizer": {"kind": "sgd", "learning_rate": 5e-7, "nesterov": True},
            "schedule": {"kind": "cosine"},
            "neq": {"select": {"kind": "none"}, "epsilon": 0},
        },
    ],
    ids=["the default", "all else"],
)
def test_the_copied_command_launches_the_same_run(bench: Page, given: dict[str, Any]) -> None:
    config = RunConfig.model_validate(given).model_dump(mode="json")
    command = shlex.split(bench.evaluate("(config) => neq.launchCommand(config)", config))
    assert command[:2] == ["neq", "launch"]
    result = CliRunner().invoke(launch, ["--dry-run", *command[2:]])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output) == config


def test_what_a_drawing_sets_off_is_drawn_in_the_same_frame_and_what_asks_for_itself_in_the_next(bench: Page) -> None:
    told = bench.evaluate(
        """async () => {
      const scope = new neq.Scope();
      const gone = new neq.Scope();
      const log = [];
      let frame = 0;
      const count = () => { frame += 1; requestAnimationFrame(count); };
      const note = (name) => log.push(`${name} ${frame}`);
      const third = scope.once(() => note("third"));
      const second = scope.once(() => { note("second"); third(); });
      const first = scope.once(() => { note("first"); second(); });
      let rounds = 0;
      const again = scope.once(() => { note("again"); if (++rounds < 3) again(); });
      const left = gone.once(() => note("left"));
      const heard = [];
      const hear = (event) => { heard.push(event.message); event.preventDefault(); };
      window.addEventListener("error", hear, { once: true });
      const broken = scope.once(() => { throw new Error("one drawing failed"); });
      count();
      broken(); first(); again(); left();
      gone.end();
      await new Promise((resolve) => setTimeout(resolve, 300));
      return { log, heard };
    }"""
    )
    frames: dict[str, list[int]] = {}
    for line in told["log"]:
        name, frame = line.split()
        frames.setdefault(name, []).append(int(frame))
    assert frames["first"] == frames["second"] == frames["third"]
    assert frames["again"] == [frames["first"][0] + step for step in range(3)]
    assert "left" not in frames
    assert len(told["heard"]) == 1 and "one drawing failed" in told["heard"][0]
