/*
 * The pictures of a run's page, and what joins them: they share their epochs.
 */

import { modeOf } from "../plot/colour-modes.js";
import { Together } from "../plot/line-chart.js";
import { orders } from "../plot/orders.js";
import { edgesOf, whole } from "../ui/view-address.js";
import { Controls } from "./controls.js";
import { Curves } from "./curves.js";
import { LayerCard } from "./layer-card.js";
import { lookOf, MetricsCard } from "./metrics-card.js";
import { Overview } from "./overview.js";
import { modeOf as overviewModeOf } from "./overview-modes.js";
import { SavingsCard } from "./savings-card.js";
import { Multiples } from "./small-multiples.js";
import { ValuesCard } from "./values-card.js";

/** @import { Parts, Run } from "../../types/pages" */
/** @import { Figure } from "../plot/area.js" */
/** @import { Cursor } from "../plot/epoch-cursor.js" */
/** @import { Feed } from "../run-data/feed.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Address, Changes } from "../ui/view-address.js" */
/** @import { View } from "./layer-card.js" */

/** @typedef {Record<string, string>} Query the address's words. */

/**
 * @typedef {object} Surroundings what the pictures stand in.
 * @property {Scope} scope
 * @property {Parts} parts
 * @property {Feed} feed
 * @property {Cursor} cursor
 * @property {Address} address
 * @property {{run: Run, figures: Record<string, Figure>}} data
 * @property {Query} query
 * @property {(layer: number) => void} onOpen the reader chose a layer.
 * @property {(range: number[]) => void} onEpochs the reader zoomed to these epochs.
 * @property {() => void} onData more is known of the distribution.
 */

/** What the address says of the layer's card. @param {Query} query @returns {View} */
export function viewOf(query) {
  return {
    mode: modeOf(query.colour),
    order: Object.hasOwn(orders, query.order ?? "") ? query.order : "index",
    pair: query.pair === "1",
    neuron: whole(query.neuron),
    rows: edgesOf(query.rows),
  };
}

/** @param {Surroundings} around */
export function buildPictures(around) {
  const { scope, parts, feed, cursor, address, data, query, onOpen } = around;
  const { figures, run } = data;
  const together = new Together();
  const onPoint = (/** @type {number | null} */ epoch) => together.point(epoch);
  const onChoose = (/** @type {number} */ epoch) => cursor.move(epoch);
  const overview = new Overview({
    scope,
    host: parts.overview,
    figure: figures.overview,
    feed,
    onPoint,
    onOpen,
    legend: parts["overview-legend"],
    mode: overviewModeOf(query.overview),
  });
  const card = layerCard(around, together);
  const values = valuesCard(around, { onPoint, onChoose });
  const curves = new Curves({ scope, hosts: parts, figures, name: run.name, onPoint, onChoose });
  new Controls({ scope, parts, feed });
  const savings = new SavingsCard({ scope, parts, figures, feed, onPoint, onChoose });
  const multiples = new Multiples({ scope, parts, feed, onOpen });
  const onStep = (/** @type {Changes} */ changes) => address.step(changes);
  const metrics = new MetricsCard({
    scope,
    parts,
    sources: [{ feed, name: "value", colour: "var(--neq-series-1)" }],
    listed: () => feed.metrics.own,
    title: run.name,
    figures,
    look: lookOf(query),
    onStep,
  });
  for (const picture of [overview.picture, values.distribution.picture, ...card.pictures]) together.add(picture);
  for (const joined of [curves, savings]) joined.join(together);
  together.onShow = around.onEpochs;
  return { together, overview, card, values, curves, savings, multiples, metrics };
}

/** @param {Surroundings} around @param {Together} together */
function layerCard({ scope, parts, feed, cursor, address, data, query }, together) {
  return new LayerCard({
    scope,
    parts,
    figures: data.figures,
    feed,
    together,
    cursor,
    view: viewOf(query),
    onStep: (changes) => address.step(changes),
    onSettle: (changes) => address.settle(changes),
  });
}

/**
 * @param {Surroundings} around
 * @param {{onPoint: (epoch: number | null) => void, onChoose: (epoch: number) => void}} told
 */
function valuesCard({ scope, parts, feed, address, data, query, onData }, { onPoint, onChoose }) {
  const { figures, run } = data;
  return new ValuesCard({
    scope,
    parts,
    feed,
    view: query,
    onStep: (changes) => address.step(changes),
    distribution: {
      scope,
      host: parts.distribution,
      side: parts["distribution-bars"],
      figures,
      feed,
      name: `${run.name} values`,
      onPoint,
      onChoose,
      onData,
    },
  });
}
