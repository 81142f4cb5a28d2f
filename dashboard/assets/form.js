// The launch form in the browser: keeps what is typed, swaps variants, launches, and puts the server's messages in place.
// It knows no field by name; the plan (dashboard/form/plan.py) says what there is.
(() => {
  "use strict";
  const { neq } = window;
  const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

  let known = null; // plan, initial, defaults, presets, titles, draft
  let held = {}; // values by path, as last collected
  let marked = new Map(); // id of an input with a message -> what the input held then
  let launching = false;

  // ---------------------------------------------------------------- values to configuration

  /** A number where the text is one; else the text itself, for the server to say what is wrong with it. */
  function number(text) {
    const trimmed = String(text).trim();
    if (!NUMBER.test(trimmed)) return trimmed;
    const value = Number(trimmed);
    const exact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
    return exact || !/^[+-]?\d+$/.test(trimmed) ? (Number.isFinite(value) ? value : trimmed) : trimmed;
  }

  function fromJson(text) {
    try {
      return JSON.parse(text);
    } catch {
      return text; // no JSON: taken as it was typed
    }
  }

  function untyped(part, value) {
    const text = value === null || value === undefined ? "" : value;
    if (part.nullable && String(text).trim() === "") return null;
    switch (part.widget) {
      case "integer":
      case "number":
        return number(text);
      case "integers":
      case "numbers":
        return String(text)
          .split(/[\s,;]+/)
          .filter(Boolean)
          .map(number);
      case "switch":
        return Boolean(value);
      case "words":
        return value || [];
      case "options":
        return text in part.options ? part.options[text] : text;
      case "json":
        return String(text).trim() === "" ? null : fromJson(text);
      default:
        return String(text);
    }
  }

  const variantOf = (choice, values) => choice.variants.find((variant) => variant.key === values[choice.path]) || { parts: [] };

  /** The configuration that the form's values say, by the plan. */
  function toConfig(plan, values) {
    const config = {};
    for (const part of plan) {
      if (part.is === "constant") config[part.name] = part.value;
      else if (part.is === "group") config[part.name] = toConfig(part.parts, values);
      else if (part.is === "field") config[part.name] = untyped(part, values[part.path]);
      else
        config[part.name] = {
          [part.discriminator]: values[part.path],
          ...toConfig(variantOf(part, values).parts, values),
        };
    }
    return config;
  }

  /** Every input that takes part, in the order of the page: those of the chosen variants only. */
  function inForce(plan, values) {
    return plan.flatMap((part) => {
      if (part.is === "field") return [part];
      if (part.is === "group") return inForce(part.parts, values);
      if (part.is === "choice") return [part, ...inForce(variantOf(part, values).parts, values)];
      return [];
    });
  }

  /** The input that a message about this field of the configuration belongs to; undefined: to the whole form. */
  function placeOf(field, plan, values) {
    let best;
    let length = -1;
    for (const part of inForce(plan, values)) {
      const names = part.is === "choice" ? [part.field, `${part.field}.${part.discriminator}`] : [part.field];
      for (const name of names) {
        const fits = field === name || (part.is === "field" && field.startsWith(`${name}.`));
        if (fits && name.length > length) [best, length] = [part, name.length];
      }
    }
    return best;
  }

  // ---------------------------------------------------------------- the page's inputs

  const idOf = (part) => ({ form: part.widget === "switch" ? "checked" : "value", path: part.path });
  const elementOf = (part) => document.getElementById(JSON.stringify(idOf(part)));
  const set = (id, props) => window.dash_clientside.set_props(id, props);

  /** Values by path, from the lists that Dash hands to a callback with wildcard ids. */
  function valuesOf(lists) {
    const values = {};
    for (const entry of lists.flat()) {
      if (entry?.id?.path) values[entry.id.path] = entry.value;
    }
    return values;
  }

  function showVariants(values) {
    const visit = (plan) => {
      for (const part of plan) {
        if (part.is === "group") visit(part.parts);
        if (part.is !== "choice") continue;
        for (const variant of part.variants) {
          const element = document.getElementById(JSON.stringify({ form: "variant", path: variant.path }));
          const hidden = variant.key !== values[part.path];
          if (element && element.hidden !== hidden) set({ form: "variant", path: variant.path }, { hidden });
          visit(variant.parts);
        }
      }
    };
    visit(known.plan);
  }

  function unmarkChanged(values) {
    for (const [id, was] of marked) {
      if (JSON.stringify(values[id.path]) === was) continue;
      set(id, { error: null });
      marked.delete(id);
    }
  }

  function unmarkAll() {
    for (const id of marked.keys()) set(id, { error: null });
    marked = new Map();
    sayOnTop([]);
  }

  function sayOnTop(messages) {
    const alert = document.getElementById("form-alert");
    alert.replaceChildren(
      ...messages.map((message) => {
        const line = document.createElement("p");
        line.textContent = message;
        return line;
      }),
    );
    alert.hidden = messages.length === 0;
    if (messages.length) alert.scrollIntoView({ block: "center", behavior: "smooth" });
  }

  // ---------------------------------------------------------------- the server's answer

  const sentence = (message) => message.charAt(0).toUpperCase() + message.slice(1);

  /** The message as it stands at an input; of a list, with the entry that it is about. */
  function wording(error, part) {
    const entry = error.field.slice(part.field.length + 1);
    const nth = part.is === "field" && /^\d+$/.test(entry) ? `Entry ${Number(entry) + 1}: ` : "";
    return nth + sentence(error.message);
  }

  function markErrors(errors, values) {
    const whole = [];
    const byPart = new Map();
    for (const error of errors) {
      const part = placeOf(error.field, known.plan, values);
      if (part) byPart.set(part, [...(byPart.get(part) || []), wording(error, part)]);
      else whole.push(error.field ? `${error.field}: ${error.message}` : sentence(error.message));
    }
    for (const [part, messages] of byPart) {
      marked.set(idOf(part), JSON.stringify(values[part.path]));
      set(idOf(part), { error: [...new Set(messages)].join(". ") });
    }
    sayOnTop(whole);
    const first = inForce(known.plan, values).find((part) => byPart.has(part));
    if (first) bringToReader(elementOf(first));
  }

  // ---------------------------------------------------------------- what is known while it is typed

  /** Marks exactly these errors, and leaves focus and scroll where they are. */
  function markQuietly(errors, values) {
    const byPart = new Map();
    for (const error of errors) {
      const part = error.field ? placeOf(error.field, known.plan, values) : undefined;
      if (part) byPart.set(part, [...(byPart.get(part) || []), wording(error, part)]);
    }
    const keys = new Set([...byPart.keys()].map((part) => JSON.stringify(idOf(part))));
    for (const id of [...marked.keys()]) {
      marked.delete(id);
      if (!keys.has(JSON.stringify(id))) set(id, { error: null });
    }
    for (const [part, messages] of byPart) {
      marked.set(idOf(part), JSON.stringify(values[part.path]));
      set(idOf(part), { error: [...new Set(messages)].join(". ") });
    }
  }

  /** Says these warnings, and no others, below their inputs. */
  function warn(warnings, values) {
    const byPath = new Map();
    for (const warning of warnings) {
      const part = warning.field ? placeOf(warning.field, known.plan, values) : undefined;
      if (part) byPath.set(part.path, [...(byPath.get(part.path) || []), sentence(warning.message)]);
    }
    for (const place of document.querySelectorAll("#run-form .form-warning")) {
      const messages = byPath.get(JSON.parse(place.id).path) || [];
      place.textContent = messages.join(". ");
      place.hidden = messages.length === 0;
    }
  }

  const titleOf = (field) => (field ? placeOf(field, known.plan, held)?.title : undefined);

  function goTo(field) {
    const part = placeOf(field, known.plan, held);
    if (part) bringToReader(elementOf(part));
  }

  /** What the form says now: its values, and the configuration (or the fork's) that comes of them. */
  function now() {
    if (!known || !document.getElementById("run-form")) return null;
    return { values: held, config: toConfig(known.plan, held), fork: known.fork };
  }

  /** Asks once whether to launch in spite of what is doubtful. */
  function askFirst(doubts) {
    const alert = document.getElementById("form-alert");
    const question = document.createElement("p");
    const list = document.createElement("ul");
    const anyway = document.createElement("button");
    question.textContent = "Before it is launched:";
    list.className = "form-check-list";
    list.append(...doubts.map((each) => neq.formChecks.item(each, "warning")));
    anyway.type = "button";
    anyway.className = "button";
    anyway.textContent = "Launch anyway";
    anyway.onclick = () => {
      neq.formChecks.accept(doubts);
      document.getElementById("form-launch").click();
    };
    alert.replaceChildren(question, list, anyway);
    alert.classList.add("form-doubt");
    alert.hidden = false;
    alert.scrollIntoView({ block: "center" });
    anyway.focus({ preventScroll: true });
  }

  function bringToReader(element) {
    if (!element) return;
    const folded = element.closest("details");
    if (folded) folded.open = true;
    element.scrollIntoView({ block: "center" });
    element.focus({ preventScroll: true });
  }

  function showProblem(problem, values) {
    if (problem instanceof neq.api.Refused && problem.status === 422 && Array.isArray(problem.detail)) {
      markErrors(problem.detail, values);
    } else if (problem instanceof neq.api.Unreachable) {
      sayOnTop(["The server cannot be reached, so nothing was launched. What you typed is kept: try again when it is back."]);
    } else {
      sayOnTop([`The run was not launched. ${problem.message}`]);
    }
  }

  // ---------------------------------------------------------------- what will run

  function line(term, words, before) {
    const row = document.createElement("div");
    const name = document.createElement("dt");
    const value = document.createElement("dd");
    name.textContent = term;
    value.textContent = words;
    if (before !== undefined) {
      const was = document.createElement("span");
      was.className = "muted";
      was.textContent = ` instead of ${before}`;
      value.append(was);
    }
    row.append(name, value);
    return row;
  }

  function shown(part, value) {
    if (part.widget === "switch") return value ? "on" : "off";
    const text = Array.isArray(value) ? value.join(", ") : String(value ?? "");
    if (text === "") return "none";
    const short = text.length > 80 ? `${text.slice(0, 79)}…` : text;
    return part.unit ? `${short} ${part.unit}` : short;
  }

  function list(lines) {
    const made = document.createElement("dl");
    made.append(...lines);
    return made;
  }

  /** What the settings are compared with: the run they were taken from, else the defaults. */
  function differences(count) {
    if (known.base) return count ? `Changed from ${known.base}` : `As in ${known.base}`;
    return count ? "Changed from the defaults" : "Everything else: default";
  }

  function summarise(values) {
    const target = document.getElementById("form-summary");
    if (!target) return;
    const parts = inForce(known.plan, values);
    const chosen = parts
      .filter((part) => part.is === "choice")
      .map((part) => line(part.title, variantOf(part, values).title || String(values[part.path])));
    const same = (a, b) => JSON.stringify(a ?? "") === JSON.stringify(b ?? "");
    const changed = parts
      .filter((part) => part.is === "field" && !same(values[part.path], known.defaults[part.path]))
      .map((part) => line(part.title, shown(part, values[part.path]), shown(part, known.defaults[part.path])));
    const heading = document.createElement("h3");
    heading.textContent = differences(changed.length);
    target.replaceChildren(list(chosen), heading, list(changed));
  }

  async function sayWorkers() {
    const place = await neq.whenThere("form-workers");
    try {
      const alive = (await neq.api.health()).workers.filter((worker) => worker.alive);
      const words = [...new Set(alive.map((worker) => worker.device).filter(Boolean))].join(", ");
      const count = neq.format.counted(alive.length, "worker");
      place.textContent = alive.length
        ? `${count} online${words ? ` (${words})` : ""}.`
        : "No worker is running: the run will wait in the queue until one starts.";
      place.classList.toggle("form-workers-none", alive.length === 0);
      place.hidden = false;
    } catch {
      place.hidden = true; // not known
    }
  }

  // ---------------------------------------------------------------- keeping what is typed

  function draft() {
    try {
      return JSON.parse(window.sessionStorage.getItem(known.draft));
    } catch {
      return null; // unreadable, or forbidden
    }
  }

  function keepDraft(values) {
    try {
      const same = JSON.stringify(values) === JSON.stringify(known.initial);
      if (same) window.sessionStorage.removeItem(known.draft);
      else window.sessionStorage.setItem(known.draft, JSON.stringify(values));
    } catch {
      // Storage is full or forbidden: only a reload would lose what is typed.
    }
  }

  // Dash tells of a keystroke a moment later; a reload in between would lose it.
  document.addEventListener("input", (event) => {
    const input = event.target;
    if (!known || !input.closest("#run-form") || !input.id.startsWith('{"form":')) return;
    const { form, path } = JSON.parse(input.id);
    if (form === "checked") held = { ...held, [path]: input.checked };
    else if (input.getAttribute("aria-haspopup") === "listbox")
      return; // a search among options is no value yet
    else if (typeof held[path] === "string") held = { ...held, [path]: input.value };
    keepDraft(held);
  });

  // ---------------------------------------------------------------- a description that is pasted

  let pasted = 0;

  // The server reads it, by the schema. A space more or less lets the same text be read again after a change of the form.
  document.addEventListener("click", (event) => {
    if (event.target.id !== "form-paste-use") return;
    pasted += 1;
    set("form-pasted", { data: document.getElementById("form-paste").value + " ".repeat(pasted % 2) });
  });

  // ---------------------------------------------------------------- arrow keys on numbers

  const LADDER = [1, 2, 5];

  /** The next rung up or down of 1, 2, 5, 10, 20, 50 …: steps that suit a rate. */
  function rung(value, up) {
    if (!(value > 0)) return up ? 1e-6 : 0;
    const decade = Math.floor(Math.log10(value) + 1e-9);
    const rungs = [decade - 1, decade, decade + 1].flatMap((ten) => LADDER.map((part) => Number(`${part}e${ten}`)));
    return up ? rungs.find((x) => x > value * 1.000001) : rungs.findLast((x) => x < value * 0.999999);
  }

  function stepped(text, step, up) {
    const value = number(text);
    if (typeof value !== "number") return null;
    if (step === "log") return rung(value, up);
    const size = Number(step);
    return Number((value + (up ? size : -size)).toPrecision(12));
  }

  document.addEventListener("keydown", (event) => {
    const input = event.target;
    const step = input.dataset && input.closest("[data-step]")?.dataset.step;
    if (!step || !input.id || !(event.key === "ArrowUp" || event.key === "ArrowDown")) return;
    const next = stepped(input.value, step, event.key === "ArrowUp");
    if (next === null || next === undefined) return;
    event.preventDefault();
    set(JSON.parse(input.id), { value: String(next).replace("e+", "e") });
  });

  // ---------------------------------------------------------------- what Dash calls

  const keep = () => window.dash_clientside.no_update;
  const lists = () => window.dash_clientside.callback_context;

  function begin(plan) {
    if (!plan) return keep();
    known = plan;
    held = plan.initial;
    marked = new Map();
    launching = false;
    summarise(held);
    sayWorkers();
    neq.formChecks.begin();
    const kept = draft();
    return kept ? { ...plan.initial, ...kept } : keep();
  }

  function fill(values) {
    return lists().outputs_list.map((outputs) =>
      outputs.map((output) => {
        const path = output.id.path;
        return values && path in values ? values[path] : keep();
      }),
    );
  }

  function collect() {
    if (!known) return keep();
    held = valuesOf(lists().inputs_list);
    showVariants(held);
    unmarkChanged(held);
    summarise(held);
    keepDraft(held);
    neq.formChecks.changed();
    return keep();
  }

  function refill(values, words) {
    const before = { ...held };
    unmarkAll();
    const alert = document.getElementById("form-alert");
    const undo = document.createElement("button");
    const text = document.createElement("span");
    text.textContent = words;
    undo.type = "button";
    undo.className = "link-button";
    undo.textContent = "Undo";
    undo.onclick = () => {
      sayOnTop([]);
      alert.classList.remove("form-note");
      set("form-fill", { data: before });
    };
    alert.replaceChildren(text, undo);
    alert.classList.add("form-note");
    alert.hidden = false;
    return { ...values };
  }

  function preset() {
    const cause = lists().triggered_id;
    const clicked = lists().triggered.some((trigger) => trigger.value);
    if (!clicked || !cause) return keep();
    return refill(known.presets[cause.path], `Filled with “${known.titles[cause.path]}”.`);
  }

  function restart(clicks) {
    return clicks ? refill(known.initial, "Everything is as it was at first.") : keep();
  }

  async function launch(clicks) {
    if (!clicks || launching) return keep();
    launching = true;
    const values = valuesOf(lists().states_list);
    set("form-launch", { loading: true });
    document.getElementById("form-alert").classList.remove("form-note", "form-doubt");
    unmarkAll();
    try {
      const config = toConfig(known.plan, values);
      const heldBack = await neq.formChecks.before({ values, config, fork: known.fork });
      if (heldBack.errors) return markErrors(heldBack.errors, values) ?? false;
      if (heldBack.ask) return askFirst(heldBack.ask) ?? false;
      const run = await (known.fork ? neq.api.fork(known.fork.run, known.fork.epoch, config) : neq.api.launch(config));
      window.sessionStorage.removeItem(known.draft);
      neq.go(run.url);
    } catch (problem) {
      showProblem(problem, values);
    } finally {
      launching = false;
    }
    return false;
  }

  neq.form = { toConfig, placeOf, inForce, stepped, now, markQuietly, warn, titleOf, goTo, sentence };
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.neq_form = { begin, fill, collect, preset, restart, launch };
})();
