"use strict";
/*
 * neq.DataCard: what the run found in its data: classes and their images, sizes and values, files that were passed over.
 */
(() => {
  const { neq } = window;
  // Scripts load in the order of their names: neq.format comes after this one.
  const count = (value) => neq.format.count(value);
  const number = (value) => (Number.isInteger(value) ? count(value) : neq.format.number(value));
  /** Classes that are seen at once; the others open on demand. */
  const AT_ONCE = 20;
  const PARTS = { train: "Training", test: "Test", probe: "Probe" };

  class DataCard {
    /** @param {{scope: neq.Scope, host: HTMLElement, feed: neq.Feed}} options */
    constructor({ scope, host, feed }) {
      Object.assign(this, { scope, host, feed });
      this.#say("Loading…");
      feed.on("layers", () => this.#load());
      for (const kind of ["history", "run", "end"]) feed.on(kind, () => feed.layers.length || this.#say(waiting(feed)));
    }

    async #load() {
      try {
        const found = this.feed.started ? this.feed.started.data : await neq.rest.data(this.feed.id, this.scope.signal);
        if (!this.scope.ended) this.#draw(found || null);
      } catch (error) {
        if (!(error instanceof neq.ApiError)) throw error;
        if (!this.scope.ended) this.#say(error.message);
      }
    }

    #draw(found) {
      if (!found) return this.#say("This run was trained by a version that did not record what it found in its data.");
      const warnings = found.warnings.map((text) => neq.element("p.data-warning", {}, text));
      const notes = found.notes.map((text) => neq.element("p", {}, text));
      const more = found.more_classes ? [neq.element("p.muted", {}, moreWords(found.more_classes))] : [];
      return this.host.replaceChildren(...warnings, table(found), ...more, facts(found), ...passedOver(found.passed_over), ...notes);
    }

    #say(words) {
      this.host.replaceChildren(neq.element("p.picture-empty", {}, words));
    }
  }

  /** Why nothing is told yet. */
  function waiting(feed) {
    if (!feed.loaded) return "Loading…";
    if (feed.record.state === "queued") return neq.queuedYet(feed.record, "It has not looked through its data yet.");
    return feed.ended ? "The run ended before it had looked through its data." : "The run is looking through its data.";
  }

  /** Classes × parts; beyond the first the rows open on demand. */
  function table({ parts, classes, class_count: all }) {
    const name = ({ part }) => neq.element("th", { scope: "col" }, PARTS[part]);
    const head = neq.element("tr", {}, neq.element("th", { scope: "col" }, "Class"), ...parts.map(name));
    const totals = parts.map(({ images }) => neq.element("td", {}, count(images)));
    const first = neq.element("tr.data-total", {}, neq.element("th", { scope: "row" }, `All ${count(all)} classes`), ...totals);
    const whole = neq.element(
      "table.data-table",
      {},
      neq.element("thead", {}, head),
      neq.element("tbody", {}, first, ...classes.slice(0, AT_ONCE).map(row(parts))),
    );
    const scroll = neq.element("div.data-scroll", { tabindex: "0", role: "region", "aria-label": "Classes and their images" }, whole);
    if (classes.length <= AT_ONCE) return scroll;
    const rest = neq.element("tbody", {}, ...classes.slice(AT_ONCE).map(row(parts)));
    rest.hidden = true;
    whole.append(rest);
    const words = `Show ${neq.format.counted(classes.length - AT_ONCE, "more class", "more classes")}`;
    const opener = neq.element("button.button.button-small", { type: "button", "aria-expanded": "false" }, words);
    opener.addEventListener("click", () => {
      rest.hidden = !rest.hidden;
      opener.setAttribute("aria-expanded", String(!rest.hidden));
      neq.say(opener, rest.hidden ? words : "Show fewer classes");
    });
    return neq.element("div", {}, scroll, opener);
  }

  const row = (parts) => (each) => {
    const cells = parts.map(({ part }) => neq.element(each[part] ? "td" : "td.data-none", {}, count(each[part])));
    return neq.element("tr", {}, neq.element("th", { scope: "row" }, each.name), ...cells);
  };

  function moreWords({ count: others, train, test }) {
    return `${neq.format.counted(others, "more class", "more classes")}: ${range(train)} training and ${range(test)} test images each.`;
  }

  /** Where the parts come from, sizes, and values. */
  function facts({ parts, sizes, values }) {
    const rows = parts.map(({ part, source }) => [`${PARTS[part]} images`, source]);
    const read = parts.filter((part) => part.masks_read !== null);
    if (read.length)
      rows.push([
        "Classes counted in",
        read.map(({ part, masks_read: masks, images }) => `${of(masks, images)} ${PARTS[part].toLowerCase()} masks`).join(", "),
      ]);
    if (sizes) rows.push(["Size", `${range(sizes.width)} × ${range(sizes.height)} px${looked(sizes)}`]);
    if (values) rows.push(["Values", `${number(values.low)} to ${number(values.high)}, white is ${number(values.white)}${looked(values)}`]);
    const list = rows.flatMap(([name, value]) => [neq.element("dt", {}, name), neq.element("dd", {}, value)]);
    return neq.element("dl.data-facts", {}, ...list);
  }

  function passedOver(reasons) {
    if (!reasons.length) return [];
    const total = reasons.reduce((sum, each) => sum + each.count, 0);
    const item = ({ reason, count: files, examples }) =>
      neq.element(
        "li",
        {},
        `${count(files)} × ${reason} `,
        neq.element("span.muted", {}, examples.join(", ") + (files > examples.length ? ", …" : "")),
      );
    return [neq.element("h3", {}, `Passed over (${count(total)})`), neq.element("ul.data-passed", {}, ...reasons.map(item))];
  }

  const range = ([low, high]) => (low === high ? count(low) : `${count(low)}–${count(high)}`);
  const of = (some, all) => (some === all ? `all ${count(all)}` : `${count(some)} of ${count(all)}`);
  const looked = ({ looked_at: some, images }) => (some === images ? "" : ` (in ${of(some, images)} images)`);

  neq.DataCard = DataCard;
})();
