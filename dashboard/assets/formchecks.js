// What is known of the run that the form describes, shown while it is typed: at once what the server knows, and a
// moment later what came of a dry pass on a worker.
(() => {
  "use strict";
  const { neq } = window;
  const TYPING_MS = 400;
  const SETTLED_MS = 900;
  const ASK_MS = 250;

  let round = 0; // of the newest question; answers to older ones are dropped
  let timer;
  let last = null; // {key, answer}: the newest answer, and the configuration that it is about
  let accepted = ""; // the warnings that somebody wants to launch with

  const key = (now) => JSON.stringify([now.fork, now.config]);
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  function ask(now, dryPass) {
    return now.fork ? neq.api.checkFork(now.fork.run, now.fork.epoch, now.config, dryPass) : neq.api.check(now.config, dryPass);
  }

  /** An answer of the same shape for what the server refuses to read at all. */
  function refusal(problem) {
    if (!(problem instanceof neq.api.Refused && problem.status === 422 && Array.isArray(problem.detail))) throw problem;
    return { state: "refused", errors: problem.detail, warnings: [] };
  }

  async function look(mine) {
    const now = neq.form.now();
    if (!now) return;
    try {
      const answer = await ask(now, false).catch(refusal);
      if (mine !== round) return;
      show(now, answer);
      if (answer.state !== "not_asked") return;
      await pause(SETTLED_MS);
      if (mine === round) await dryPass(now, mine);
    } catch {
      if (mine === round) say("", ""); // the server cannot be reached; launching says so
    }
  }

  async function dryPass(now, mine) {
    let answer = await ask(now, true).catch(refusal);
    while (mine === round && answer.state === "pending") {
      show(now, answer);
      await pause(ASK_MS);
      if (mine === round) answer = { ...(await neq.api.checkOf(answer.id)), warnings: answer.warnings };
    }
    if (mine === round) show(now, answer);
  }

  function changed() {
    clearTimeout(timer);
    round += 1;
    const mine = round;
    timer = setTimeout(() => look(mine), TYPING_MS);
  }

  // ---------------------------------------------------------------- showing

  const seconds = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
  const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(1)} GB`;

  function passed(answer) {
    const facts = [];
    if (answer.neurons) facts.push(`${neq.format.counted(answer.neurons, "neuron")} watched`);
    if (answer.parameters) facts.push(neq.format.counted(answer.parameters, "parameter"));
    if (answer.peak_memory_bytes) facts.push(`${gigabytes(answer.peak_memory_bytes)} of memory with 4 images`);
    if (answer.neq_memory_bytes) facts.push(`at most ${neq.format.megabytes(answer.neq_memory_bytes)} for freezing`);
    const where = answer.worker ? ` on ${answer.worker}` : "";
    return `Checked: one small batch was trained${where} in ${seconds(answer.seconds)}. ${facts.join(", ")}.`;
  }

  function words(answer) {
    switch (answer.state) {
      case "pending":
        return "Checking: a worker tries one small batch …";
      case "ok":
        return passed(answer);
      case "failed":
        return "The dry pass failed, and so would the run:";
      case "refused":
        return "It cannot be launched like this:";
      case "unknown":
        return `Not checked any further: ${answer.reason}`;
      default:
        return "";
    }
  }

  function show(now, answer) {
    last = { key: key(now), answer };
    neq.form.markQuietly(answer.errors, now.values);
    neq.form.warn(answer.warnings, now.values);
    say(words(answer), answer.state);
    const list = document.getElementById("form-check-list");
    if (list)
      list.replaceChildren(...answer.errors.map((each) => item(each, "error")), ...answer.warnings.map((each) => item(each, "warning")));
  }

  function say(text, state) {
    const place = document.getElementById("form-check");
    if (!place) return;
    if (place.textContent !== text) place.textContent = text; // read out once
    place.dataset.state = state;
    place.hidden = !text;
    if (!text) document.getElementById("form-check-list")?.replaceChildren();
  }

  /** A line of the list: where the field is shown, a button that leads there. */
  function item(finding, kind) {
    const line = document.createElement("li");
    const title = neq.form.titleOf(finding.field);
    line.className = `form-check-${kind}`;
    if (title) {
      const there = document.createElement("button");
      there.type = "button";
      there.className = "form-check-field";
      there.textContent = title;
      there.onclick = () => neq.form.goTo(finding.field);
      line.append(there, " ");
    }
    if (!title || kind === "warning") line.append(neq.form.sentence(finding.message)); // an error stands at its field
    return line;
  }

  // ---------------------------------------------------------------- before a launch

  /**
   * What keeps a launch back: `{errors}` of what the server knows, or `{ask}`, findings that nobody has accepted yet.
   * What a dry pass said counts where it is there; nothing is waited for.
   */
  async function before(now) {
    const seen = last && last.key === key(now) ? last.answer : await ask(now, false).catch(refusal);
    if (seen.state === "refused") return { errors: seen.errors };
    const doubts = [...seen.errors, ...seen.warnings];
    return doubts.length > 0 && accepted !== JSON.stringify(doubts) ? { ask: doubts } : {};
  }

  neq.formChecks = {
    begin() {
      last = null;
      accepted = "";
      changed();
    },
    changed,
    before,
    item,
    accept: (doubts) => (accepted = JSON.stringify(doubts)),
  };
})();
