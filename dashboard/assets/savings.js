"use strict";
/*
 * neq.SavingsCard: what a batch takes, part by part and epoch by epoch, beside what could be saved; and why, layer by layer.
 */
(() => {
  const neq = (window.neq = window.neq || {});
  const { number, percent, count } = neq.format;
  const ASK_MS = 150;
  const FOLLOW_MS = 3000; // nobody reads a table that changes every second

  const ms = (value) => `${number(value)} ms`;
  const STACK = [
    { part: "forward", name: "forward", colour: "var(--neq-series-1)" },
    { part: "backward", name: "backward", colour: "var(--neq-series-2)" },
    { part: "optimizer", name: "optimizer", colour: "var(--neq-series-3)" },
    { part: "probe", name: "measuring φ", colour: "var(--neq-series-4)" },
  ];

  class SavingsCard {
    /**
     * @param {object} options
     * @param {neq.Scope} options.scope
     * @param {Record<string, HTMLElement>} options.parts of the page.
     * @param {object} options.figures templates `step_ms` and `step_share`.
     * @param {neq.Feed} options.feed
     * @param {(epoch: number|null) => void} options.onPoint
     * @param {(epoch: number) => void} options.onChoose
     */
    constructor({ scope, parts, figures, feed, onPoint, onChoose }) {
      Object.assign(this, { scope, parts, feed, epoch: -1, asked: 0, askedAt: -Infinity, shown: null });
      const chart = (key) =>
        new neq.Chart({
          scope, host: parts[key], figure: figures[key], name: `${feed.record.name} ${key}`,
          onHover: (cell) => onPoint(cell && cell.column), onClick: (cell) => onChoose(cell.column),
        });
      this.charts = ["step_ms", "step_share"].map(chart);
      this.draw = scope.once(() => this.#draw());
      for (const kind of ["run", "history", "epoch"]) feed.on(kind, () => this.draw());
      this.inSight = false;
      const observer = new IntersectionObserver(([seen]) => {
        this.inSight = seen.isIntersecting;
        this.#askSoon();
      });
      observer.observe(parts.plans);
      scope.finally(() => observer.disconnect());
      scope.finally(() => clearTimeout(this.asked));
      this.draw();
    }

    start(Plotly) {
      return Promise.all(this.charts.map((chart) => chart.start(Plotly)));
    }

    join(together) {
      for (const chart of this.charts) together.add(chart);
    }

    /** The page's epoch cursor, -1 while no epoch is finished; whether it follows the newest, or the reader moved it. */
    setCursor(epoch, following) {
      Object.assign(this, { epoch, following });
      this.draw();
      this.#askSoon();
    }

    // ------------------------------------------------------------ measured and counted

    #draw() {
      const { feed, parts } = this;
      const { main, more } = neq.savings.words(feed, this.epoch);
      neq.say(parts["savings-words"], main);
      neq.say(parts["savings-more"], more);
      parts["savings-more"].hidden = !more;
      const timed = feed.epochs.filter((epoch) => epoch?.step_ms);
      const none = neq.nothingYet(feed) || (timed.length ? "" : "The steps of this run were not timed.");
      for (const chart of this.charts) chart.say(none);
      const dense = neq.savings.baseline(feed.epochs);
      this.charts[0].draw(stacked(timed, dense));
      this.charts[1].draw(shares(timed, dense));
      for (const chart of this.charts) this.#describe(chart);
    }

    #describe(chart) {
      const values = chart.valuesAt(this.epoch).map(([name, words]) => `${name} ${words}`);
      const told = values.length ? `At epoch ${this.epoch}: ${values.join("; ")}.` : "Nothing was measured there.";
      chart.describe(`${chart.figure.layout.title.text} over the epochs. ${told}`);
    }

    // ------------------------------------------------------------ plans

    /** Asks for the plans of the cursor's epoch once it rests, or now and then of the newest; only where they are seen. */
    #askSoon() {
      clearTimeout(this.asked);
      if (!this.inSight || this.epoch === this.shown) return;
      if (this.epoch < 0) return this.#say(neq.nothingYet(this.feed) || "Loading…");
      const wait = this.following ? this.askedAt + FOLLOW_MS - performance.now() : ASK_MS;
      this.asked = setTimeout(() => this.#ask(this.epoch), Math.max(0, wait));
      return undefined;
    }

    async #ask(epoch) {
      this.askedAt = performance.now();
      try {
        const { layers } = await neq.rest.plans(this.feed.id, epoch, this.scope.signal);
        if (this.scope.ended || epoch !== this.epoch) return;
        this.shown = epoch;
        if (!layers.length) return this.#say(`The layers' plans were not recorded in epoch ${epoch}.`);
        neq.say(this.parts["plans-title"], `Layers in epoch ${epoch}: ${neq.savings.planWords(layers)}`);
        const text = JSON.stringify(layers);
        if (text !== this.told) this.parts.plans.replaceChildren(table(layers));
        this.told = text;
      } catch (error) {
        if (error.name !== "AbortError") this.#say(error.message);
      }
      return undefined;
    }

    #say(words) {
      if (words === this.told) return;
      this.told = words;
      neq.say(this.parts["plans-title"], "Layers and their plans");
      this.parts.plans.replaceChildren(neq.element("p.picture-empty", {}, words));
    }
  }

  /** One band on the other, and the dense step as a line. */
  function stacked(timed, dense) {
    const x = timed.map(({ epoch }) => epoch);
    let below = x.map(() => 0);
    const bands = STACK.map(({ part, ...line }) => {
      const own = timed.map(({ step_ms }) => step_ms[part]);
      const y = own.map((value, place) => below[place] + value);
      const band = { ...line, x, y, below, words: (_, epoch) => ms(own[x.indexOf(epoch)]) };
      below = y;
      return band;
    });
    const line = { name: "dense step", x, y: x.map(() => dense?.step), colour: "var(--neq-text)", dash: "dash", width: 1.2, words: ms };
    return dense ? [...bands, line] : bands;
  }

  /** Shares of the dense step: what was measured, what was counted, and the least. */
  function shares(timed, dense) {
    const line = (name, colour, of, more = {}) => ({
      name, colour, x: timed.map(({ epoch }) => epoch), y: timed.map(of), words: (share) => percent(share), ...more,
    });
    const { step, counted } = neq.savings;
    const byCount = (key) => ({ flops }) => (flops ? counted(flops)[key] : null);
    const counts = [
      line("least possible", "var(--neq-muted)", byCount("stepLeast"), { dash: "dash", width: 1.2 }),
      line("counted", "var(--neq-series-3)", byCount("step"), { dash: "dot" }),
    ];
    if (!dense) return counts;
    return [
      ...counts,
      line("with φ", "var(--neq-series-4)", ({ step_ms }) => (step(step_ms) + step_ms.probe) / dense.step, { width: 1.2 }),
      line("measured", "var(--neq-series-1)", ({ step_ms }) => step(step_ms) / dense.step),
    ];
  }

  function table(layers) {
    const heads = ["Layer", "Moving", "Plan", "Rows computed", "Those / all rows", "Why"];
    const head = neq.element("tr", {}, ...heads.map((words) => neq.element("th", { scope: "col" }, words)));
    return neq.element("table.plans-table", {}, neq.element("thead", {}, head), neq.element("tbody", {}, ...layers.map(row)));
  }

  function row({ name, type, neurons, active, kind, computed, dense_ms, rows_ms, reason }) {
    const measured = dense_ms === null ? neq.format.NOTHING : `${ms(rows_ms)} / ${ms(dense_ms)}`;
    const cell = (words) => neq.element("td", {}, words);
    return neq.element(
      "tr", {}, neq.element("th", { scope: "row" }, name, " ", neq.element("span.muted", {}, type)),
      cell(`${count(active)} of ${count(neurons)}`), neq.element("td", {}, neq.element("span.plan", { "data-kind": kind }, kind)),
      cell(count(computed)), cell(measured), cell(reason),
    );
  }

  neq.SavingsCard = SavingsCard;
})();
