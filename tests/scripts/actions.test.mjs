import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { act, remove, save } from "../../dashboard/scripts/runs-page/actions.js";

const run = (id) => ({ id, name: `run ${id}`, tags: [], notes: "", epochs_done: 3 });

/** What Dash's components hold, by their ids. */
let props;
/** Answers to what was asked of the server, by address, for a test to give. */
let answers;

beforeEach(() => {
  props = {};
  answers = {};
  const set = (id, values) => {
    props[id] = { ...props[id], ...values };
  };
  globalThis.window = { dash_clientside: { set_props: set, no_update: "no update" } };
  globalThis.document = { documentElement: { dataset: {} }, getElementById: (id) => ({ value: id }) };
  mock.method(globalThis, "fetch", (address) => new Promise((resolve) => (answers[address.split("/").at(-1)] = resolve)));
});

afterEach(() => mock.restoreAll());

const done = (body) => new Response(JSON.stringify(body));
const refused = (detail) => new Response(JSON.stringify({ detail }), { status: 409 });
const shown = (dialog) => ({ opened: props[dialog].opened, problem: props[`${dialog}-problem`].children });
const DIALOGS = [
  { dialog: "run-edit", name: "edit", button: "run-edit-save", press: () => save(1, []), failed: "Could not save “run a”" },
  { dialog: "run-delete", name: "remove", button: "run-delete-yes", press: () => remove(1), failed: "Could not delete “run a”" },
];

for (const { dialog, name, button, press, failed } of DIALOGS) {
  test(`${dialog}: an answer closes the dialog, or is said in it`, async () => {
    for (const [answer, after] of [
      [refused("It runs."), { opened: true, problem: "It runs." }],
      [done(run("a")), { opened: false, problem: "" }],
    ]) {
      act(name, run("a"));
      const pressed = press();
      assert.equal(props[button].loading, true);
      answers.a(answer);
      await pressed;
      assert.deepEqual(shown(dialog), after);
      assert.equal(props[button].loading, false);
    }
  });

  test(`${dialog}: a late answer about one run leaves the dialog of another alone`, async () => {
    for (const answer of [refused("It runs."), done(run("a"))]) {
      act(name, run("a"));
      const first = press();
      act(name, run("b"));
      assert.equal(props[button].loading, false, "the other run's dialog waits for nothing");
      const second = press();
      answers.a(answer);
      assert.equal(await first, "no update");
      assert.deepEqual(shown(dialog), { opened: true, problem: "" });
      assert.equal(props[button].loading, true);
      answers.b(done(run("b")));
      await second;
      assert.deepEqual(shown(dialog), { opened: false, problem: "" });
    }
    const [{ title, message }] = props.notices.sendNotifications;
    assert.deepEqual([title, message], [failed, "It runs."]);
  });
}
