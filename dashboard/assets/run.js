"use strict";
/*
 * The page of one run: joins what is known of it (neq.Feed) to its head, pictures, configuration and log.
 */
(() => {
  const neq = (window.neq = window.neq || {});
  let present = null;

  class RunPage {
    /**
     * @param {HTMLElement} root the page's frame, drawn by pages/run.py.
     * @param {{run: object, layer: number|null, figures: object, plotly: string}} data
     */
    constructor(root, data) {
      this.scope = new neq.Scope();
      this.parts = neq.parts(root);
      this.data = data;
      this.feed = new neq.Feed(this.scope, data.run);
      this.index = data.layer;
      this.mode = neq.query().colour === "v" ? "speed" : "state";
      this.head = new neq.RunHead(this.scope, this.parts, this.feed);
      this.log = new neq.LogView({ scope: this.scope, host: this.parts.log, follow: this.parts.follow, feed: this.feed });
      neq.help(this.scope, root);
      neq.drawConfig(this.parts.config, data.run.config);
      this.#buildPictures();
      this.#listen();
      this.#wireControls();
      this.#start();
    }

    #buildPictures() {
      const { scope, parts, feed, data } = this;
      const { figures } = data;
      const { name } = data.run;
      const onPoint = (epoch) => this.together.point(epoch);
      this.together = new neq.Together();
      this.overview = new neq.Overview({
        scope, host: parts.overview, figure: figures.overview, feed, onPoint, onOpen: (layer) => this.open(layer),
      });
      this.heatmap = new neq.Heatmap({
        scope, host: parts.neurons, figure: figures.neurons, name: `${name} neurons`, mode: this.mode,
        note: parts["neurons-note"], onPoint: (cell) => onPoint(cell && cell.column),
      });
      this.velocities = new neq.VelocityHistogram({
        scope, host: parts.velocities, figure: figures.velocities, name: `${name} velocities`,
        epsilon: data.run.config.neq.epsilon, onPoint,
      });
      this.curves = new neq.Curves({ scope, hosts: parts, figures, name, onPoint });
    }

    async #start() {
      const { overview, heatmap, velocities, curves, together } = this;
      const history = this.feed.start();
      const Plotly = await neq.plotly(this.data.plotly);
      if (this.scope.ended) return;
      await Promise.all([overview, heatmap, velocities, curves].map((picture) => picture.start(Plotly)));
      if (this.scope.ended) return;
      for (const { picture } of [overview, heatmap, velocities]) together.add(picture);
      curves.join(together);
      this.drawn = true;
      this.#drawHistory();
      await history;
    }

    // ------------------------------------------------------------ what the run says

    #listen() {
      const { feed, head } = this;
      feed.on("run", () => this.#runChanged());
      feed.on("progress", () => head.draw());
      feed.on("log", () => this.log.draw());
      feed.on("layers", () => this.#layersKnown());
      feed.on("history", () => this.#drawHistory());
      feed.on("epoch", (epoch) => this.#epochCame(epoch));
      feed.on("cells", () => this.#layerChanged());
      feed.on("column", ({ layer, epoch }) => this.drawn && layer === this.index && this.heatmap.append(epoch));
      feed.on("end", () => this.#runChanged());
      feed.on("trouble", (message) => {
        head.trouble = message;
        head.draw();
      });
      feed.on("deleted", () => {
        neq.notice("This run was deleted.", "bad");
        neq.go("/");
      });
      this.drawSoon = this.scope.once(() => this.#drawCurves());
    }

    #runChanged() {
      this.head.draw();
      this.#explainEmpty();
    }

    #layersKnown() {
      const { layers } = this.feed;
      this.index = Math.max(0, Math.min(this.index ?? neq.widest(layers), layers.length - 1));
      const option = ({ index, name, type, neurons }) =>
        neq.element("option", { value: index }, `${index} · ${name} (${type}, ${neq.format.count(neurons)})`);
      this.parts.layer.replaceChildren(...layers.map(option));
      this.parts["layer-controls"].hidden = false;
      if (this.drawn) this.overview.draw();
      this.open(this.index);
    }

    #drawHistory() {
      if (!this.drawn) return;
      this.together.extend(neq.wholeOf(this.feed.done, this.feed.planned));
      this.overview.draw();
      this.#layerChanged();
      this.#drawCurves();
      this.#runChanged();
    }

    #epochCame(epoch) {
      this.head.draw();
      this.#explainEmpty();
      if (!this.drawn) return;
      this.together.extend(neq.wholeOf(this.feed.done, this.feed.planned));
      this.overview.append(epoch);
      this.velocities.append(epoch);
      this.drawSoon();
    }

    #drawCurves() {
      if (!this.drawn) return;
      const drops = this.feed.drops();
      this.curves.drawOne(this.feed);
      this.overview.markDrops(drops);
      this.heatmap.picture.mark(neq.marks.drops(drops));
      this.velocities.markDrops(drops);
    }

    // ------------------------------------------------------------ the open layer

    /** Opens a layer, and remembers it in the address. */
    open(index) {
      if (!this.feed.layers[index]) return;
      this.index = index;
      this.parts.layer.value = index;
      this.parts["layer-back"].disabled = index === 0;
      this.parts["layer-on"].disabled = index === this.feed.layers.length - 1;
      neq.say(this.parts["velocities-title"], `Velocities of ${this.feed.layers[index].name}`);
      neq.remember({ layer: index });
      this.feed.watch([index]);
      if (this.drawn) this.overview.select(index);
      this.#layerChanged();
    }

    #layerChanged() {
      if (!this.drawn) return;
      const layer = this.feed.open.get(this.index) || null;
      this.overview.select(this.index);
      if (this.heatmap.layer !== layer) {
        this.heatmap.show(layer);
        this.velocities.show(layer);
      } else {
        this.heatmap.picture.redraw();
        this.heatmap.describe();
        this.velocities.picture.redraw();
      }
      this.#explainEmpty();
    }

    /** An empty picture says why. */
    #explainEmpty() {
      if (!this.drawn) return;
      const layer = this.feed.open.get(this.index);
      const { done, loaded } = this.feed;
      const nothing = done || !loaded ? "" : this.#nothingYet();
      const early = done === 1 && "Velocity compares two changes: the first one comes with the end of epoch 1.";
      this.overview.picture.say(nothing);
      this.heatmap.picture.say(layer?.problem || nothing);
      this.velocities.picture.say(layer?.problem || (loaded && early) || nothing);
    }

    #nothingYet() {
      const { state } = this.feed.record;
      if (state === "queued") return "The run has not started.";
      if (state === "running") return "The first column comes with the end of epoch 0.";
      return "The run ended before its first epoch was over.";
    }

    // ------------------------------------------------------------ controls

    #wireControls() {
      const { scope, parts } = this;
      scope.on(parts.layer, "change", () => this.open(Number(parts.layer.value)));
      scope.on(parts["layer-back"], "click", () => this.open(this.index - 1));
      scope.on(parts["layer-on"], "click", () => this.open(this.index + 1));
      scope.on(document, "keydown", (event) => this.#key(event));
      new neq.ColourSwitch(scope, parts, this.data.run.config.neq.epsilon, this.mode, (mode) => this.#colourBy(mode));
      const { config } = this.data.run;
      scope.on(parts["copy-json"], "click", () => neq.copy(parts["copy-json"], JSON.stringify(config, null, 2)));
      scope.on(parts["copy-command"], "click", () => neq.copy(parts["copy-command"], neq.launchCommand(config)));
    }

    #colourBy(mode) {
      this.mode = mode;
      neq.remember({ colour: mode === "speed" ? "v" : null });
      this.heatmap.colourBy(mode);
    }

    #key(event) {
      if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
      if (event.ctrlKey || event.metaKey || event.altKey || event.key.toLowerCase() !== "l") return;
      this.open(this.index + (event.shiftKey ? -1 : 1));
    }
  }

  /** State or |v|: the switch, and the legend that belongs to it. */
  class ColourSwitch {
    /** @param {(mode: "state"|"speed") => void} changed */
    constructor(scope, parts, epsilon, mode, changed) {
      Object.assign(this, { parts, epsilon });
      const choose = (chosen) => {
        this.#show(chosen);
        changed(chosen);
      };
      scope.on(parts["mode-state"], "click", () => choose("state"));
      scope.on(parts["mode-speed"], "click", () => choose("speed"));
      this.#show(mode);
    }

    #show(mode) {
      const { parts } = this;
      for (const name of ["state", "speed"]) parts[`mode-${name}`].setAttribute("aria-pressed", String(name === mode));
      parts["legend-states"].hidden = mode !== "state";
      parts["legend-speed"].hidden = mode !== "speed";
      if (mode === "speed") this.#drawScale();
    }

    #drawScale() {
      const stops = Array.from({ length: 17 }, (_, step) => neq.palette.scaleCss(step / 16)).join(", ");
      const tick = (place, words, kind = "") =>
        neq.element(`span.scale-tick${kind}`, { style: `left: ${(place * 100).toFixed(1)}%` }, words);
      const ticks = [-6, -4, -2, 0].map((decade) => tick((decade + 6) / 6, decade ? neq.format.setting(10 ** decade) : "1"));
      const mark = this.epsilon > 0 ? [tick(neq.NeuronHistory.place(this.epsilon), `ε = ${neq.format.setting(this.epsilon)}`, ".scale-epsilon")] : [];
      const bar = neq.element("div.scale-bar", { style: `background: linear-gradient(90deg, ${stops})` }, ...mark, ...ticks);
      const none = [neq.element("span.swatch.swatch-none"), "no velocity yet"];
      this.parts["legend-speed"].replaceChildren(
        neq.element("span.scale-name", {}, "|v|"), bar, neq.element("span.legend-item", {}, ...none),
      );
    }
  }
  neq.ColourSwitch = ColourSwitch;

  /** Called by Dash when the layout of a run is there; the former page's scripts end first. */
  async function mount(data) {
    if (!data) return null;
    present?.scope.end();
    const root = await neq.whenThere("run-page");
    const page = new RunPage(root, data);
    present = page;
    neq.onLeave(() => page.scope.end());
    return data.run.id;
  }

  neq.run = { present: () => present };
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.neq_run = { mount };
})();
