"use strict";
/*
 * neq.Published: what was published of the recipe that a run started from, beside what the run itself reached.
 */
(() => {
  const { neq } = window;
  const { percent, number, count } = neq.format;
  const ROWS = { dense: "Published: nothing frozen", neq: "Published: NEq", random: "Published: as many at random" };
  const METRICS = { accuracy: "Accuracy", miou: "mIoU" };
  const MOST_CHANGES = 8;
  const ABOUT_IT = new Set(["name", "tags", "notes", "recipe"]);

  /** The settings in which a run differs from its recipe, as [path, the run's, the recipe's]. */
  neq.changedFrom = (recipe, config) => {
    const own = new Map(neq.settings(config));
    return neq
      .settings(recipe)
      .filter(([path, value]) => !ABOUT_IT.has(path) && own.has(path) && JSON.stringify(own.get(path)) !== JSON.stringify(value))
      .map(([path, value]) => [path, own.get(path), value]);
  };

  class Published {
    /**
     * @param {{parts: Record<string, HTMLElement>, feed: neq.Feed, recipe: object|null}} options recipe: the preset that the
     *   run's description names, with what was published of it; null: it names none that is known.
     */
    constructor({ parts, feed, recipe }) {
      Object.assign(this, { parts, feed, recipe });
      this.parts["published-card"].hidden = !recipe;
      if (recipe) this.#sayDifferences();
    }

    /** Draws the run's row as of this epoch's numbers. */
    draw(epoch) {
      if (!this.recipe) return;
      const { metric, figures } = this.recipe.published;
      const head = ["", METRICS[metric], "Frozen at the end", "Paper's count"].map((words) => neq.element("th", { scope: "col" }, words));
      const rows = figures.map(({ kind, score, spread, frozen_share: frozen, backward_flops: flops }) =>
        row(ROWS[kind], scoreWords(score, spread), percent(frozen), flopWords(flops)),
      );
      const mine = row(this.#whichEpoch(epoch), percent(score(epoch, metric), 2), percent(epoch?.frozen_share), neq.format.NOTHING);
      mine.className = "published-own";
      const table = neq.element("table.published-table", {}, neq.element("thead", {}, neq.element("tr", {}, ...head)));
      table.append(neq.element("tbody", {}, ...rows, mine));
      this.parts.published.replaceChildren(table);
    }

    #whichEpoch(epoch) {
      const of = `of ${neq.format.counted(this.feed.record.epochs_planned, "epoch")}`;
      return epoch ? `This run after ${count(epoch.epoch + 1)} ${of}` : "This run: no epoch yet";
    }

    #sayDifferences() {
      const { published, whole } = this.recipe;
      const changed = neq.changedFrom(whole, this.feed.record.config);
      const told = changed.slice(0, MOST_CHANGES).map(([path, own, theirs]) => {
        const [group, name] = neq.settingName(path);
        return `${group} ${name} ${neq.settingWords(own)} (${neq.settingWords(theirs)})`;
      });
      const more = changed.length > MOST_CHANGES ? ` and ${changed.length - MOST_CHANGES} more` : "";
      const own = told.length ? `This run is not the recipe: ${told.join("; ")}${more}.` : "This run keeps to the recipe.";
      const words = [
        own,
        published.differs,
        `Source: ${published.source}. Paper's count: operations of the backward pass for one sample, mean over the run.`,
      ];
      this.parts["published-words"].replaceChildren(...words.filter(Boolean).map((text) => neq.element("p", {}, text)));
    }
  }

  function score(epoch, metric) {
    return metric === "accuracy" ? epoch?.test_accuracy : epoch?.scores?.[metric];
  }

  function scoreWords(value, spread) {
    if (value === null) return neq.format.NOTHING;
    return spread === null ? percent(value, 2) : `${(value * 100).toFixed(2)} ± ${(spread * 100).toFixed(2)} %`;
  }

  function flopWords(flops) {
    if (flops === null) return neq.format.NOTHING;
    return flops >= 1e9 ? `${number(flops / 1e9, 4)} G` : `${number(flops / 1e6, 4)} M`;
  }

  function row(name, ...cells) {
    return neq.element("tr", {}, neq.element("th", { scope: "row" }, name), ...cells.map((words) => neq.element("td", {}, words)));
  }

  neq.Published = Published;
})();
