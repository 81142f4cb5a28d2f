/*
 * Filters of runs, as the server's language has them (docs/filters.md).
 */

/** A text as a filter's value. @param {string} text */
export const quoted = (text) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

/** A control has a tag that begins so; the id of its run follows. */
export const CONTROL = "control:";

/** @param {string} group its name. */
export const ofGroup = (group) => `group = ${quoted(group)}`;

/** @param {string[]} ids of runs. */
export const ofIds = (ids) => `id in (${ids.join(",")})`;

/** The controls of a run, and the run itself. @param {string} id */
export const ofControls = (id) => `tag = ${quoted(`${CONTROL}${id}`)} or id = ${quoted(id)}`;

/** All controls, of whatever run. */
export const ALL_CONTROLS = `tag ~ ${quoted(CONTROL)}`;

/** The table of the runs that a filter leaves. @param {string} where */
export const tableAddress = (where) => `/?${new URLSearchParams({ where }).toString()}`;

/** The run's own fields (RUN_FIELDS in contract/filters/fields.py). */
export const RUN_FIELDS = [
  ...["state", "tag", "group", "source", "name", "id", "notes", "created", "epochs", "accuracy", "best_accuracy"],
  ...["test_loss", "best_test_loss", "frozen", "archived", "priority", "held", "device"],
];
const KEYWORDS = ["and", "or", "not", "in"];
const BARE = /^[\w./:+-]+$/;

/** A setting as a field: in backquotes where it must be (`field_text` in contract/filters/writing.py). @param {string} path */
export function settingField(path) {
  const taken = RUN_FIELDS.includes(path) || /^(metric\.|-)/.test(path) || KEYWORDS.includes(path.toLowerCase());
  if (!taken && BARE.test(path)) return path;
  const escapes = /** @type {Record<string, string>} */ ({ "\n": "\\n", "\t": "\\t", "\r": "\\r" });
  return `\`${path.replace(/[\\`\n\t\r]/g, (sign) => escapes[sign] ?? `\\${sign}`)}\``;
}

/**
 * What a field names, its backquotes taken off: a setting's path, a metric with its figure (`at.9`: at epoch 9), or one of the
 * run's own.
 * @param {string} field @returns {{kind: "run" | "setting" | "metric", name: string, figure: string}}
 */
export function readField(field) {
  if (RUN_FIELDS.includes(field)) return { kind: "run", name: field, figure: "" };
  const plain = (/** @type {string} */ text) =>
    text.replace(/`((?:[^`\\]|\\.)*)`/gs, (_, inner) =>
      inner.replace(/\\(.)/gs, (/** @type {string} */ _all, /** @type {string} */ sign) => ({ n: "\n", t: "\t", r: "\r" })[sign] ?? sign),
    );
  if (!field.startsWith("metric.")) return { kind: "setting", name: plain(field), figure: "" };
  const [, name, figure = "last"] = /^metric\.(.*?)(?:\.(last|min|max|best|at\.\d{1,8}))?$/s.exec(field) ?? ["", field];
  return { kind: "metric", name: plain(name), figure };
}
