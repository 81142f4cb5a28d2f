/*
 * What was published of the study that the compared runs belong to, in the axes that show the same quantities.
 */

import { study as askStudy } from "../api/runs.js";
import { counted } from "../ui/format.js";

/** @import { Study } from "../../types/api" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { RunFigure } from "./figures-of-runs.js" */
/** @import { Member } from "./members.js" */

/** @typedef {{x: number, y: number, label: string}} PublishedPoint */

const TAG = "study:";
const SCALED = "scaled";
/** A metric after the last epoch, as an axis names it: what is published is nothing else. */
const LAST = ".last";

/** The study that all of these runs are of; null: none, or several. @param {Member[]} members */
export function studyOf(members) {
  const all = members.map(({ record }) => record.tags.filter((tag) => tag.startsWith(TAG)).map((tag) => tag.slice(TAG.length)));
  const [name] = all[0] ?? [];
  return name && all.every((names) => names.length === 1 && names[0] === name) ? name : null;
}

/**
 * The published points that have both figures. @param {Study | null} study @param {string[] | null | undefined} axes keys of figures.
 * @returns {PublishedPoint[]}
 */
export function pointsOf(study, axes) {
  const [x, y] = (axes ?? []).map((key) => (key.endsWith(LAST) ? key.slice(0, -LAST.length) : ""));
  return (study?.published.points ?? [])
    .filter(({ metrics }) => metrics[x] !== undefined && metrics[y] !== undefined)
    .map(({ metrics, label }) => ({ x: metrics[x], y: metrics[y], label }));
}

/** The figures that published points have, both of which an axis may show. @param {Study | null} study @param {Map<string, RunFigure>} figures @returns {[string, string] | null} */
export function axesOf(study, figures) {
  const pair = /** @type {[string, string]} */ ([`frozen_fraction${LAST}`, `test_accuracy${LAST}`]);
  return pair.every((key) => figures.has(key)) && pointsOf(study, pair).length ? pair : null;
}

/**
 * What is said below the plot. @param {Study | null} study @param {PublishedPoint[]} points those that are drawn.
 * @param {Map<string, RunFigure>} figures @param {Member[]} members
 */
export function publishedWords(study, points, figures, members) {
  if (!study) return "";
  const { source, words } = study.published;
  const small = members.some(({ record }) => record.tags.includes(SCALED))
    ? " These runs are smaller than the paper's: compare how the figures move, not how high they are."
    : "";
  if (points.length) return `Open stars: ${counted(points.length, "published point")}, ${source}.${small}`;
  const pair = axesOf(study, figures);
  const where = pair ? ` Published points are shown for ${pair.map((key) => figures.get(key)?.name).join(" and ")}.` : "";
  return `Published of “${study.title}”: ${words} ${source}.${where}${small}`;
}

/** What is published of the runs that are compared; it comes a moment after them. */
export class Published {
  /** @param {{scope: Scope, onFound: () => void}} options */
  constructor({ scope, onFound }) {
    this.scope = scope;
    this.onFound = onFound;
    this.name = /** @type {string | null} */ (null);
    this.study = /** @type {Study | null} */ (null);
    /** @type {PublishedPoint[]} in the axes that were drawn last. */
    this.points = [];
  }

  /** @param {Member[]} members */
  async follow(members) {
    const name = studyOf(members);
    if (name === this.name) return;
    this.name = name;
    const found = name === null ? null : await askStudy(name).catch(() => null); // runs are compared without it
    if (this.scope.ended || this.name !== name) return;
    this.study = found;
    this.onFound();
  }

  /** @param {Map<string, RunFigure>} figures */
  axes(figures) {
    return axesOf(this.study, figures);
  }

  /** @param {string[] | null | undefined} axes keys of figures. */
  draw(axes) {
    this.points = pointsOf(this.study, axes);
  }

  /** @param {Map<string, RunFigure>} figures @param {Member[]} members */
  words(figures, members) {
    return publishedWords(this.study, this.points, figures, members);
  }

  /** For a figure that is saved. @returns {string[]} */
  get legend() {
    return this.study && this.points.length ? [`open stars: published, ${this.study.published.source}`] : [];
  }
}

/** Open stars. @param {PublishedPoint[]} points @param {RunFigure} across @param {RunFigure} upright */
export const starsOf = (points, across, upright) => ({
  mode: "markers",
  x: points.map(({ x }) => x),
  y: points.map(({ y }) => y),
  hovertext: points.map(
    ({ x, y, label }) => `<b>Published: ${label}</b><br>${across.name}: ${across.words(x)}<br>${upright.name}: ${upright.words(y)}`,
  ),
  hoverinfo: "text",
  cliponaxis: false,
  marker: { symbol: "star-open", size: 13, color: "var(--neq-text)", line: { width: 1.5 } },
});
