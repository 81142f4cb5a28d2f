/*
 * The distributions' card: which values, of the open layer or of the whole network.
 */

import { say } from "../ui/dom.js";
import { Distribution, FIELDS, isField } from "./distribution.js";

/** @import { Parts } from "../../types/pages" */
/** @import { Feed } from "../run-data/feed.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { DistributionOptions, Field } from "./distribution.js" */

/** @typedef {{values?: string, of?: string}} View the address's words. */

export class ValuesCard {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {Parts} options.parts of the page: values-…, distribution-title.
   * @param {Feed} options.feed
   * @param {DistributionOptions} options.distribution
   * @param {View} options.view
   * @param {(changes: {values: string | null, of: string | null}) => void} options.onStep the reader chose: for the address.
   */
  constructor({ scope, parts, feed, distribution, view, onStep }) {
    this.parts = parts;
    this.feed = feed;
    this.onStep = onStep;
    this.distribution = new Distribution(distribution);
    /** @type {number | null} */
    this.layer = null;
    /** @type {Field} */
    this.field = "velocity";
    this.everywhere = false;
    for (const field of Object.keys(FIELDS).filter(isField)) scope.on(parts[`values-${field}`], "click", () => this.#choose({ field }));
    scope.on(parts["values-network"], "click", () => this.#choose({ everywhere: !this.everywhere }));
    this.look(view);
  }

  /** Shows what the address says. @param {View} view */
  look({ values, of }) {
    this.field = isField(values) ? values : "velocity";
    this.everywhere = of === "network";
    this.#draw();
  }

  /** Another layer is open. @param {number} layer */
  open(layer) {
    this.layer = layer;
    this.#draw();
  }

  /** @param {{field?: Field, everywhere?: boolean}} change */
  #choose({ field = this.field, everywhere = this.everywhere }) {
    this.field = field;
    this.everywhere = everywhere;
    this.#draw();
    this.onStep({ values: this.field === "velocity" ? null : this.field, of: this.everywhere ? "network" : null });
  }

  #draw() {
    const { parts, feed, field, everywhere, layer } = this;
    if (layer !== null) this.distribution.show(everywhere ? null : layer, field);
    const place = everywhere ? "the network" : (feed.layers[layer ?? -1]?.name ?? "a layer");
    say(parts["distribution-title"], `${FIELDS[field].name} of ${place}`);
    for (const each of Object.keys(FIELDS)) parts[`values-${each}`].setAttribute("aria-pressed", String(each === field));
    parts["values-network"].setAttribute("aria-pressed", String(everywhere));
  }
}
