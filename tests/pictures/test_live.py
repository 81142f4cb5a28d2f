"""neq.live: one socket a tab, each event once and in order, whatever happens to the line."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from tests.pictures.workbench import Line

FOLLOW = """([run, after, layers, key]) => {
  window.heard ??= {};
  const heard = (window.heard[key] = { seqs: [], runs: [], displays: [], errors: [] });
  heard.handle = neq.live.subscribe(run, {
    after, layers,
    onEvents: (events) => heard.seqs.push(...events.map((event) => event.seq)),
    onRun: (run) => heard.runs.push(run.state),
    onDisplay: ({ epoch, columns }) =>
      heard.displays.push([epoch, columns.map(({ layer, bytes }) => [layer, [...bytes]])]),
    onError: (message) => heard.errors.push(message),
  });
}"""

STATES = "() => { window.states = []; neq.live.onStatus((status) => window.states.push(status)); }"
COUNT = """() => {
  window.messages = 0;
  const Plain = WebSocket;
  window.WebSocket = class extends Plain {
    constructor(address) {
      super(address);
      this.addEventListener("message", () => { window.messages += 1; });
    }
  };
}"""


def follow(page: Page, run: str, after: int = 0, layers: Any = (), key: str = "a") -> None:
    page.evaluate(FOLLOW, [run, after, layers if isinstance(layers, str) else list(layers), key])


def heard(page: Page, what: str = "seqs", key: str = "a") -> list[Any]:
    found: list[Any] = page.evaluate("([key, what]) => window.heard[key][what]", [key, what])
    return found


def until(condition: Callable[[], bool], page: Page, seconds: float = 60) -> None:
    """Waits until it holds; patience for a busy machine, not a bound."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never held"
        page.wait_for_timeout(20)


def stand_still(page: Page) -> None:
    """From here on the page's time passes by `run_for` alone; installed, a clock of Playwright's still runs on."""
    page.clock.install(time=0)
    page.clock.pause_at(3_600)


def followed_by_hand(page: Page, line: Line) -> Callable[[int], None]:
    """Follows run r, layer 0, in standing time. What it returns waits until so many messages have come to the page."""
    stand_still(page)
    page.evaluate(COUNT)
    follow(page, "r", layers=[0])
    until(lambda: line.open == 1 and len(asked(line)) == 1, page)

    def come(messages: int) -> None:
        until(lambda: page.evaluate("() => window.messages") == messages, page)

    come(1)  # the server's hello
    return come


def asked(line: Line, kind: str = "subscribe") -> list[dict[str, Any]]:
    return [message for message in line.said if message["type"] == kind]


def test_after_a_lost_line_it_asks_from_the_last_event_and_repeats_none(bench: Page, line: Line) -> None:
    follow(bench, "r", after=2)
    until(lambda: len(asked(line)) == 1, bench)
    assert asked(line)[0] == {"type": "subscribe", "run": "r", "after": 2, "layers": []}
    line.tell_events("r", 3, 4, 7)
    until(lambda: len(heard(bench)) == 3, bench)
    line.cut()
    until(lambda: len(asked(line)) == 2, bench)
    assert asked(line)[1]["after"] == 7
    line.tell_events("r", 4, 7, 8)  # a server that sends too much
    line.tell_events("r", 8, 9)
    until(lambda: 9 in heard(bench), bench)
    assert heard(bench) == [3, 4, 7, 8, 9]


def test_it_tries_until_the_server_is_back_and_says_how_the_line_is(bench: Page, line: Line) -> None:
    bench.evaluate(STATES)
    follow(bench, "r")
    until(lambda: line.open == 1, bench)
    line.tell_events("r", 1)
    until(lambda: heard(bench) == [1], bench)
    line.refuses = True
    line.cut()
    until(lambda: bench.evaluate("() => window.states.at(-1)") == "lost", bench)
    bench.wait_for_timeout(900)
    line.refuses = False
    until(lambda: bench.evaluate("() => window.states.at(-1)") == "live", bench)
    assert bench.evaluate("() => window.states") == ["connecting", "live", "lost", "live"]
    until(lambda: asked(line)[-1]["after"] == 1, bench)  # it is asked once the line is live


def test_one_socket_serves_all_and_each_follower_gets_its_own(bench: Page, line: Line) -> None:
    follow(bench, "r", after=5, layers=[3], key="a")
    until(lambda: len(asked(line)) == 1, bench)
    follow(bench, "r", after=2, layers=[0], key="b")
    follow(bench, "s", key="c")
    until(lambda: len(asked(line)) == 3, bench)
    assert asked(line)[1] == {"type": "subscribe", "run": "r", "after": 2, "layers": [0, 3]}
    line.tell_events("r", 3, 4, 5, 6)
    line.tell_events("s", 1)
    line.tell_display("r", 9, {0: b"\x01\x02", 3: b"\x81"})
    until(lambda: heard(bench, "displays", "a") != [] and heard(bench, key="c") == [1], bench)
    assert heard(bench, key="a") == [6]
    assert heard(bench, key="b") == [3, 4, 5, 6]
    assert heard(bench, "displays", "a") == [[9, [[3, [0x81]]]]]
    assert heard(bench, "displays", "b") == [[9, [[0, [1, 2]]]]]
    assert line.connections == 1


def test_other_layers_are_asked_for_without_losing_the_place(bench: Page, line: Line) -> None:
    follow(bench, "r", layers=[0])
    until(lambda: line.open == 1 and len(asked(line)) == 1, bench)
    line.tell_events("r", 1, 2)
    until(lambda: heard(bench) == [1, 2], bench)
    bench.evaluate("() => window.heard.a.handle.update({ layers: [1, 4] })")
    until(lambda: len(asked(line)) == 2, bench)
    assert asked(line)[1] == {"type": "subscribe", "run": "r", "after": 2, "layers": [1, 4]}


def test_who_left_hears_nothing_more_and_the_last_one_closes_the_socket(bench: Page, line: Line) -> None:
    follow(bench, "r", key="a")
    follow(bench, "r", key="b")
    until(lambda: line.open == 1 and len(asked(line)) >= 1, bench)
    bench.evaluate("() => window.heard.a.handle.close()")
    line.tell_events("r", 1)
    until(lambda: heard(bench, key="b") == [1], bench)
    assert heard(bench, key="a") == []
    bench.evaluate("() => window.heard.b.handle.close()")
    until(lambda: asked(line, "unsubscribe") == [{"type": "unsubscribe", "run": "r"}], bench)
    until(lambda: line.open == 0, bench)
    bench.wait_for_timeout(1500)
    assert line.connections == 1


def test_a_follower_that_raises_harms_no_other(bench: Page, line: Line) -> None:
    bench.evaluate("""() => {
      window.addEventListener("error", (event) => { event.preventDefault(); window.raised = event.message; });
      neq.live.subscribe("r", { onEvents: () => { throw new Error("mine"); } });
    }""")
    bench.evaluate("() => { window.reportError = (error) => { window.raised = error.message; }; }")
    follow(bench, "r")
    until(lambda: line.open == 1 and asked(line) != [], bench)
    line.tell_events("r", 1)
    until(lambda: heard(bench) == [1], bench)
    assert bench.evaluate("() => window.raised") == "mine"


def test_a_refusal_reaches_the_run_it_is_about(bench: Page, line: Line) -> None:
    follow(bench, "r", key="a")
    follow(bench, "s", key="b")
    until(lambda: line.open == 1 and len(asked(line)) == 2, bench)
    line.tell("error", message="There is no run r.", run="r")
    line.tell("run", run={"id": "s", "state": "running"})
    until(lambda: heard(bench, "runs", "b") == ["running"], bench)
    assert heard(bench, "errors", "a") == ["There is no run r."]
    assert heard(bench, "errors", "b") == []


def test_an_epochs_messages_are_told_together_with_the_record_behind_them(bench: Page, line: Line) -> None:
    come = followed_by_hand(bench, line)
    line.tell_events("r", 1)
    line.tell_display("r", 0, {0: b"\x01"})
    come(3)
    assert (heard(bench), heard(bench, "displays"), heard(bench, "runs")) == ([], [], [])
    line.tell("run", run={"id": "r", "state": "running"})
    come(4)
    assert (heard(bench), heard(bench, "displays"), heard(bench, "runs")) == ([1], [[0, [[0, [1]]]]], ["running"])
    line.tell_display("r", 0, {0: b"\x02"})  # no events before it: nothing is waited for
    come(5)
    assert len(heard(bench, "displays")) == 2


def test_events_without_a_record_behind_them_do_not_wait_long(bench: Page, line: Line) -> None:
    come = followed_by_hand(bench, line)
    line.tell_events("r", 1)
    line.tell_events("r", 2)
    come(3)
    bench.clock.run_for(24)
    assert heard(bench) == []
    bench.clock.run_for(1)
    assert heard(bench) == [1, 2]


def test_what_waited_when_the_line_was_lost_comes_once(bench: Page, line: Line) -> None:
    come = followed_by_hand(bench, line)
    line.tell_events("r", 1)
    come(2)
    bench.evaluate(STATES)
    line.cut()
    until(lambda: line.open == 0, bench)
    until(lambda: bench.evaluate("() => window.states.at(-1)") == "lost", bench)
    bench.clock.run_for(1_000)
    until(lambda: len(asked(line)) == 2, bench)
    assert asked(line)[1]["after"] == 0
    line.tell_events("r", 1, 2)
    come(4)
    bench.clock.run_for(25)
    assert heard(bench) == [1, 2]


def test_a_silent_line_is_given_up_and_a_pinged_one_is_not(bench: Page, line: Line) -> None:
    stand_still(bench)
    follow(bench, "r")
    until(lambda: line.open == 1 and len(asked(line)) == 1, bench)
    bench.clock.run_for(20_000)
    line.tell("ping")
    line.tell_events("r", 1)
    line.tell("run", run={"id": "r", "state": "running"})
    until(lambda: heard(bench) == [1], bench)
    bench.clock.run_for(20_000)
    assert line.connections == 1
    bench.clock.run_for(6_000)
    bench.clock.run_for(1_000)
    until(lambda: line.connections == 2, bench)
    until(lambda: asked(line)[-1]["after"] == 1, bench)


def test_a_tab_that_is_seen_again_does_not_wait_for_its_turn(bench: Page, line: Line) -> None:
    stand_still(bench)
    follow(bench, "r")
    until(lambda: line.open == 1, bench)
    line.cut()
    until(lambda: line.open == 0, bench)
    bench.wait_for_timeout(100)
    assert line.connections == 1, "the clock stands still, so the retry has not come"
    bench.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    until(lambda: line.connections == 2, bench)


def test_the_newest_runs_are_heard_of_by_who_asked(bench: Page, line: Line) -> None:
    bench.evaluate("""() => {
      window.runs = [];
      window.watching = neq.live.subscribeRuns({
        onRun: (run) => window.runs.push(run.id), onDeleted: (id) => window.runs.push(`-${id}`),
      });
    }""")
    until(lambda: asked(line, "subscribe_runs") != [], bench)
    line.tell("run", run={"id": "x", "state": "queued"})
    line.tell("run_deleted", run="x")
    until(lambda: bench.evaluate("() => window.runs") == ["x", "-x"], bench)
    bench.evaluate("() => window.watching.close()")
    until(lambda: asked(line, "unsubscribe_runs") != [], bench)
