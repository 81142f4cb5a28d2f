"use strict";
/*
 * neq.Axes: Plotly axes that are looked at together with others.
 *
 * The base of neq.Picture (a canvas of cells under the axes) and neq.Chart (lines). It knows what part is seen, tells its
 * owner when the reader zooms, lets the owner move it without telling, and draws a hairline at an epoch.
 * (Scripts load in the order of their names: this one before its heirs.)
 */
(() => {
  const neq = (window.neq = window.neq || {});
  const CONFIG = {
    displaylogo: false, showSendToCloud: false, doubleClick: false, scrollZoom: false, responsive: false, showTips: false,
  };
  const CLICK_PIXELS = 4;
  const DOUBLE_CLICK_MS = 350;
  let loading = null;

  /** Plotly, loaded once a tab from our own server. */
  neq.plotly = (address) => {
    if (window.Plotly) return Promise.resolve(window.Plotly);
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => {
        loading = null;
        reject(new Error("The drawing library did not load; load the page again."));
      };
      document.head.append(script);
    });
    return loading;
  };

  function element(name, className) {
    return Object.assign(document.createElement(name), { className });
  }

  class Axes {
    /**
     * @param {object} options
     * @param {neq.Scope} options.scope the plot ends with it.
     * @param {HTMLElement} options.host an empty element whose size is the plot's.
     * @param {object} options.figure template from figures.py.
     * @param {string} options.name of the file when saved.
     * @param {(point: object|null) => void} [options.onHover] {column, row, clientX, clientY}; null: left.
     * @param {(point: object) => void} [options.onClick] the same.
     * @param {(range: {x: number[], y: number[]}) => void} [options.onRange] after the reader zoomed or panned.
     */
    constructor(options) {
      Object.assign(this, options);
      this.scope = options.scope.child();
      this.line = element("div", "plot-cursor");
      this.line.hidden = true;
      this.plot = element("div", "plot-axes");
      this.host.classList.add("plot");
      this.words = element("p", "plot-words");
      this.words.hidden = true;
      this.host.replaceChildren(this.line, this.plot, this.words);
      this.marks = { shapes: [], annotations: [] };
      this.clickedAt = 0;
    }

    /** Draws the axes. */
    async start(Plotly) {
      this.Plotly = Plotly;
      const { data, layout } = neq.palette.resolve(this.figure);
      this.full = { x: [...layout.xaxis.range], y: layout.yaxis.range && [...layout.yaxis.range] };
      const buttons = [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d"], [this.#resetButton(), this.#saveButton()]];
      await Plotly.newPlot(this.plot, data, layout, { ...CONFIG, modeBarButtons: buttons });
      this.scope.finally(() => Plotly.purge(this.plot));
      if (!this.scope.ended) this.#watch();
    }

    #watch() {
      const { scope, host } = this;
      this.told = this.#text();
      this.plot.on("plotly_relayout", () => this.#moved(true));
      this.plot.on("plotly_relayouting", () => this.#moved(false));
      scope.watchSize(host, scope.once(() => this.#fit()));
      scope.finally(neq.onScheme(() => this.recolour()));
      scope.on(host, "pointermove", (event) => !event.buttons && this.onHover?.(this.cellAt(event.clientX, event.clientY)));
      scope.on(host, "pointerleave", () => this.onHover?.(null));
      scope.on(host, "pointerdown", (event) => (this.pressed = event), { capture: true });
      scope.on(window, "pointerup", (event) => this.#release(event), { capture: true });
    }

    #fit() {
      if (!this.host.clientWidth) return;
      this.Plotly.Plots.resize(this.plot).then(() => !this.scope.ended && this.moved(), () => {});
    }

    /** For heirs: what is seen has changed, by whomever. */
    moved() {}

    // ------------------------------------------------------------ what is seen

    /** Values at the edges: {x: [left, right], y: [bottom, top]}, as Plotly orders them. */
    get range() {
      const { xaxis, yaxis } = this.plot._fullLayout;
      return { x: xaxis.range.map(Number), y: yaxis.range.map(Number) };
    }

    /** The drawing area in CSS pixels, within the host. */
    get area() {
      const { l, t, w, h } = this.plot._fullLayout._size;
      return { left: l, top: t, width: w, height: h };
    }

    /** Whether the reader looks at a part of that axis only. */
    zoomed(axis) {
      const [from, to] = this.range[axis];
      return Math.abs(from - this.full[axis][0]) + Math.abs(to - this.full[axis][1]) > 1e-6;
    }

    /** For heirs: the part of `range` that only the reader changes. */
    get chosen() {
      return this.range;
    }

    #text() {
      return JSON.stringify(this.chosen);
    }

    /** Plotly tells of a change later, and of ours too: only what is not known yet was the reader's. */
    #moved(settled) {
      const now = this.#text();
      this.moved();
      if (!settled || now === this.told) return;
      this.told = now;
      this.onRange?.(this.range);
    }

    /** Changes axes without telling `onRange`. */
    adjust(update) {
      this.Plotly.relayout(this.plot, update);
      this.told = this.#text();
      this.moved();
    }

    /** Sets what is seen, without telling `onRange`. Axes that are left out stay. */
    show(range) {
      const now = this.range;
      const update = {};
      for (const axis of ["x", "y"]) {
        const wanted = range[axis];
        if (wanted && (wanted[0] !== now[axis][0] || wanted[1] !== now[axis][1])) update[`${axis}axis.range`] = [...wanted];
      }
      if (Object.keys(update).length) this.adjust(update);
    }

    /** Gives an axis a new whole: who saw all of it still does; who is zoomed in stays where he is. */
    extend(axis, whole) {
      if (this.full[axis][0] === whole[0] && this.full[axis][1] === whole[1]) return;
      const update = this.zoomed(axis) ? {} : { [`${axis}axis.range`]: [...whole] };
      this.full[axis] = [...whole];
      update[`${axis}axis.minallowed`] = Math.min(...whole);
      update[`${axis}axis.maxallowed`] = Math.max(...whole);
      this.adjust(update);
    }

    /** Back to the whole of both axes, and tells. */
    showAll() {
      this.show(this.full);
      this.onRange?.(this.range);
    }

    // ------------------------------------------------------------ over the plot

    /** Lines and labels: Plotly shapes and annotations, with `var(--…)` colours. */
    mark(marks) {
      if (JSON.stringify(marks) === JSON.stringify(this.marks)) return;
      this.marks = marks;
      this.adjust(neq.palette.resolve(marks));
    }

    /** A hairline over one epoch; null takes it away. */
    point(column) {
      const [from, to] = this.range.x;
      const { left, top, width, height } = this.area;
      const share = (column - from) / (to - from);
      this.line.hidden = column === null || !(share >= 0 && share <= 1);
      if (this.line.hidden) return;
      Object.assign(this.line.style, { top: `${top}px`, height: `${height}px` });
      this.line.style.transform = `translateX(${Math.round(left + share * width)}px)`;
    }

    /** Words in the middle of the plot, for when there is nothing to draw; empty: none. */
    say(words) {
      neq.say(this.words, words);
      this.words.hidden = !words;
      const { left, top, width, height } = this.area;
      const place = { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` };
      Object.assign(this.words.style, place);
    }

    /** Takes the colours of axes and marks anew from the style sheet. */
    recolour() {
      const { layout } = neq.palette.resolve(this.figure);
      const update = { "font.color": layout.font.color, ...neq.palette.resolve(this.marks) };
      for (const axis of ["xaxis", "yaxis"]) {
        for (const ink of ["tickcolor", "linecolor", "gridcolor"]) {
          if (layout[axis][ink]) update[`${axis}.${ink}`] = layout[axis][ink];
        }
      }
      for (const ink of ["bgcolor", "color", "activecolor"]) update[`modebar.${ink}`] = layout.modebar[ink];
      if (layout.title) update["title.font.color"] = layout.title.font.color;
      if (layout.hoverlabel) Object.assign(update, { hoverlabel: layout.hoverlabel });
      this.adjust(update);
    }

    /** The cell under a point of the screen, or null: outside of the axes. */
    cellAt(clientX, clientY) {
      const box = this.host.getBoundingClientRect();
      const { left, top, width, height } = this.area;
      const across = (clientX - box.left - left) / width;
      const down = (clientY - box.top - top) / height;
      if (!(across >= 0 && across < 1 && down >= 0 && down < 1)) return null;
      const { x, y } = this.range;
      const column = Math.floor(x[0] + across * (x[1] - x[0]) + 0.5);
      const row = Math.floor(y[1] + down * (y[0] - y[1]) + 0.5);
      return { column, row, clientX, clientY };
    }

    /** Where a cell's centre lies on the screen. */
    placeOf(column, row) {
      const box = this.host.getBoundingClientRect();
      const { left, top, width, height } = this.area;
      const { x, y } = this.range;
      return {
        clientX: box.left + left + ((column - x[0]) / (x[1] - x[0])) * width,
        clientY: box.top + top + ((row - y[1]) / (y[0] - y[1])) * height,
      };
    }

    /** Plotly catches clicks for itself; a press that went nowhere is one, and two at once ask for all. */
    #release(event) {
      const start = this.pressed;
      this.pressed = null;
      if (!start || event.button !== 0 || start.target.closest(".modebar")) return;
      if (Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > CLICK_PIXELS) return;
      const cell = this.cellAt(event.clientX, event.clientY);
      if (!cell) return;
      const again = event.timeStamp - this.clickedAt < DOUBLE_CLICK_MS;
      this.clickedAt = again ? 0 : event.timeStamp;
      if (again) this.showAll();
      else this.onClick?.(cell);
    }

    // ------------------------------------------------------------ buttons

    #resetButton() {
      const icon = this.Plotly.Icons.home;
      return { name: "all", title: "Show all (double-click)", icon, click: () => this.showAll() };
    }

    #saveButton() {
      const icon = this.Plotly.Icons.camera;
      return { name: "save", title: "Save as PNG", icon, click: () => this.save() };
    }

    /** For heirs: what lies under the axes in a saved file, as Plotly layout images. */
    underlay() {
      return [];
    }

    /** Saves the plot as a PNG file, as it is seen, on the card's ground. */
    async save() {
      const { data, layout } = this.plot;
      const { clientWidth: width, clientHeight: height } = this.host;
      const ground = neq.palette.token("--neq-surface");
      const whole = { ...layout, images: this.underlay(), paper_bgcolor: ground, width, height };
      const file = { format: "png", scale: 2, width, height, filename: this.name };
      await this.Plotly.downloadImage({ data, layout: whole }, file);
    }
  }

  neq.Axes = Axes;
})();
