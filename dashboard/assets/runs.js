// The page of all runs: fills the table page by page, follows every change, and acts on rows.
(() => {
  "use strict";
  const { neq } = window;
  const PAGE = 100;
  const REFRESH_MS = 5_000; // ages and times left move on by themselves
  const MOST_COMPARED = 4;
  const TABLE = "runs-table";

  let known = new Map();
  let places = null; // of the queued runs among them; null: not worked out since one came or went
  let state = ""; // what the table is narrowed to, by a chip and by words
  let words = "";
  let chosen = [];
  let target = null; // the run that a dialog is about
  let visit = 0; // counts arrivals, so that late answers of a former one are dropped
  let grid = null;
  let keys = null;
  const busy = new Set();

  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const keep = () => window.dash_clientside.no_update;

  // ---------------------------------------------------------------- the table's rows

  function put(runs) {
    if (!grid || grid.isDestroyed()) return;
    const add = [];
    const update = [];
    let queueMoved = false;
    for (const run of runs) {
      const before = known.get(run.id);
      if (before && before.revision > run.revision) continue;
      queueMoved ||= before?.state !== run.state && [before?.state, run.state].includes("queued");
      (before ? update : add).push(run);
      known.set(run.id, run);
    }
    const changed = grid.applyTransaction({ add, update });
    if (changed?.update.length) grid.refreshCells({ rowNodes: changed.update, force: true });
    if (queueMoved) placeAnew();
    count();
  }

  function drop(id) {
    const run = known.get(id);
    if (!run || !grid || grid.isDestroyed()) return;
    known.delete(id);
    grid.applyTransaction({ remove: [run] });
    if (run.state === "queued") placeAnew();
    count();
  }

  /** A run came into the queue or left it: the others stand elsewhere, though they did not change. */
  function placeAnew() {
    places = null;
    const rowNodes = [];
    grid.forEachNode((node) => node.data.state === "queued" && rowNodes.push(node));
    grid.refreshCells({ rowNodes, columns: ["progress"], force: true });
  }

  function place(id) {
    places ??= neq.queuePlaces(known.values());
    return places.get(id);
  }

  function count() {
    const counts = {};
    for (const run of known.values()) counts[run.state] = (counts[run.state] || 0) + 1;
    for (const chip of chips()) {
      const wanted = chip.dataset.state;
      chip.querySelector(".runs-chip-count").textContent = wanted ? counts[wanted] || 0 : known.size;
    }
  }

  function showEmpty(empty) {
    const filled = document.getElementById("runs-filled");
    const nothing = document.getElementById("runs-empty");
    if (filled) filled.hidden = empty;
    if (nothing) nothing.hidden = !empty;
  }

  const say = (text) => {
    const place = document.getElementById("runs-loading");
    if (place) place.textContent = text;
  };

  /** Every run, page after page; afterwards the table holds just those that the server has. */
  async function loadAll(now) {
    const seen = new Set();
    let cursor = null;
    try {
      do {
        const page = await neq.api.runs(cursor, PAGE);
        if (now !== visit) return;
        for (const run of page.runs) seen.add(run.id);
        if (page.runs.length) showEmpty(false);
        put(page.runs);
        cursor = page.next;
        say(cursor ? `Loading: ${known.size} runs so far …` : "");
      } while (cursor);
    } catch (problem) {
      if (now === visit) say(`${problem.message} ${known.size ? "The table may be incomplete." : ""}`);
      return;
    }
    for (const id of [...known.keys()]) if (!seen.has(id) && !arrivedLive.has(id)) drop(id);
    arrivedLive.clear();
    grid.setGridOption("loading", false);
    showEmpty(known.size === 0);
  }

  const arrivedLive = new Set();

  function follow(now) {
    let lost = false;
    const onRun = (run) => {
      if (!known.has(run.id)) arrivedLive.add(run.id);
      showEmpty(false);
      put([run]);
    };
    const onDeleted = (id) => {
      drop(id);
      showEmpty(known.size === 0);
    };
    const watching = neq.live.subscribeRuns({ onRun, onDeleted });
    const forget = neq.live.onStatus((status) => {
      if (status === "live" && lost && now === visit) loadAll(now);
      lost = status === "lost" || status === "refused" || (lost && status !== "live");
    });
    return () => {
      watching.close();
      if (typeof forget === "function") forget();
    };
  }

  // Below this width the table leaves out what a run's own page tells as well.
  const NARROW_PX = 1000;
  const NARROW_WIDTHS = { state: 112, progress: 146, frozen: 84, accuracy: 98 };

  function fitColumns() {
    if (!grid || grid.isDestroyed()) return;
    const table = document.getElementById(TABLE);
    const narrow = table.clientWidth < NARROW_PX;
    if (table.classList.contains("runs-narrow") === narrow && table.dataset.fitted) return;
    table.dataset.fitted = "yes";
    table.classList.toggle("runs-narrow", narrow);
    const widths = Object.entries(NARROW_WIDTHS).map(([colId, width]) => ({
      colId,
      width: narrow ? width : grid.getColumnDef(colId).width,
    }));
    grid.applyColumnState({ state: [...widths, { colId: "setup", hide: narrow }, { colId: "age", hide: narrow }] });
  }

  async function begin() {
    const now = ++visit;
    known = new Map();
    places = null;
    arrivedLive.clear();
    chosen = [];
    grid = null;
    const api = await window.dash_ag_grid.getApiAsync(TABLE);
    if (now !== visit) return "runs-table";
    grid = api;
    grid.setGridOption("loading", true);
    neq.tableKeys.listen(document.getElementById(TABLE), (id) => known.get(id));
    document.querySelector(`#${TABLE} [role=grid]`).setAttribute("aria-label", "Runs");
    narrowDown(); // the reader may have chosen before the table was there to be narrowed
    const sizes = new ResizeObserver(fitColumns);
    sizes.observe(document.getElementById(TABLE));
    const unfollow = neq.live ? follow(now) : () => {};
    const timer = window.setInterval(() => {
      if (!grid.isDestroyed()) grid.refreshCells({ columns: ["progress", "age"], force: true });
    }, REFRESH_MS);
    const scope = new neq.Scope();
    keys = new neq.Keys(scope, [...neq.tableKeys.HELP, ...pageKeys()]);
    neq.onLeave(() => {
      scope.end();
      visit += 1;
      window.clearInterval(timer);
      sizes.disconnect();
      unfollow();
    });
    loadAll(now);
    return "runs-table";
  }

  const pageKeys = () => [
    { keys: ["/"], shown: "/", words: "search runs", act: () => document.getElementById("runs-search").focus() },
    { keys: ["?"], shown: "?", words: "this help", act: () => keys.help() },
  ];

  // ---------------------------------------------------------------- search, filter, choose

  const chips = () => [...document.querySelectorAll("#runs-states .runs-chip")];

  /** Shows the rows that the pressed chip and the words searched for leave, as soon as there is a table. */
  function narrowDown() {
    state = chips().find((chip) => chip.getAttribute("aria-pressed") === "true")?.dataset.state || "";
    if (!grid || grid.isDestroyed()) return;
    grid.setGridOption("quickFilterText", words);
    grid.onFilterChanged();
  }

  function search(text) {
    words = text || "";
    narrowDown();
    return "runs-search";
  }

  function filterBy(chip) {
    for (const other of chips()) other.setAttribute("aria-pressed", String(other === chip));
    narrowDown();
  }

  function choose(rows) {
    chosen = (rows || []).map((run) => run.id);
    const button = document.getElementById("runs-compare");
    const fits = chosen.length >= 2 && chosen.length <= MOST_COMPARED;
    button.textContent = chosen.length ? `Compare ${chosen.length}` : "Compare";
    button.title = fits ? "" : "Choose two to four runs by their boxes";
    button.classList.toggle("button-primary", fits);
    return !fits;
  }

  document.addEventListener("click", (event) => {
    const chip = event.target.closest?.("#runs-states .runs-chip");
    if (chip) filterBy(chip);
    if (event.target.id === "runs-keys") keys?.help();
    if (event.target.id === "runs-compare" && chosen.length >= 2) neq.go(`/compare?runs=${chosen.join(",")}`);
  });

  // ---------------------------------------------------------------- what may be done with a row

  /** Does one thing to one run, once at a time, and says what went wrong. */
  async function once(name, run, work) {
    const key = `${name} ${run.id}`;
    if (busy.has(key)) return null;
    busy.add(key);
    try {
      return await work();
    } catch (problem) {
      return problem;
    } finally {
      busy.delete(key);
    }
  }

  async function stop(run) {
    const answer = await once("stop", run, () => neq.api.stop(run.id));
    if (answer instanceof Error) neq.notice(answer.message, "bad", "It was not stopped");
    else if (answer?.id) put([answer]);
  }

  function openEdit(run) {
    target = run;
    set("run-edit-name", { value: run.name });
    set("run-edit-tags", { value: [...run.tags] });
    set("run-edit-notes", { value: run.notes || "" });
    set("run-edit-problem", { children: "" });
    set("run-edit", { opened: true });
  }

  function openDelete(run) {
    target = run;
    set("run-delete-words", {
      children: `“${run.name}” and everything recorded of it will be gone: ${neq.format.counted(run.epochs_done, "epoch")}. This cannot be undone.`,
    });
    set("run-delete-problem", { children: "" });
    set("run-delete", { opened: true });
  }

  function act(name, run) {
    const now = known.get(run.id) || run;
    if (name === "stop") stop(now);
    else if (name === "again") neq.go(`/new?from=${encodeURIComponent(now.id)}`);
    else if (name === "edit") openEdit(now);
    else if (name === "remove") openDelete(now);
  }

  function wordsOf(problem) {
    if (Array.isArray(problem.detail)) return problem.detail.map((error) => `${error.field}: ${error.message}`).join(". ");
    return problem.message;
  }

  /** What stands in the dialog: Dash hears of the last keys of a fast typist later than of the click. */
  const typed = () => ({
    name: document.getElementById("run-edit-name").value,
    notes: document.getElementById("run-edit-notes").value,
  });

  async function save(clicks, tags) {
    if (!clicks || !target) return keep();
    set("run-edit-save", { loading: true });
    const answer = await once("save", target, () => neq.api.describe(target.id, { ...typed(), tags }));
    if (answer instanceof Error) {
      set("run-edit-problem", { children: wordsOf(answer) });
    } else if (answer) {
      put([answer]);
      set("run-edit", { opened: false });
    }
    return false;
  }

  async function remove(clicks) {
    if (!clicks || !target) return keep();
    set("run-delete-yes", { loading: true });
    const gone = target;
    const answer = await once("remove", gone, () => neq.api.remove(gone.id));
    if (answer instanceof Error && answer.status !== 404) {
      set("run-delete-problem", { children: wordsOf(answer) });
    } else {
      drop(gone.id);
      showEmpty(known.size === 0);
      set("run-delete", { opened: false });
    }
    return false;
  }

  neq.runs = { act, place, state: () => state };
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.neq_runs = { begin, choose, search, save, remove, dismiss: () => false };
})();
