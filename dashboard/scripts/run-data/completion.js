/*
 * What may come next in a filter that is being typed (docs/filters.md).
 */

/** @typedef {"field" | "operator" | "value" | "list" | "next" | "join"} Expected list: the parenthesis behind `in`; next: a comma or the end of the list. */
/** @typedef {{expected: Expected, start: number, typed: string, field: string}} Place `typed` begins at `start`, in UTF-16 units, and is what a completion replaces; `field` is the one that a value is for. */
/** @typedef {{field: string, kind: string, values: string[]}} KnownField as `GET /fields` lists it. */
/** @typedef {{text: string, note: string}} Option */

const TOKEN = /\s+|((?:[\p{L}\p{N}_./:+-]|`(?:[^`\\]|\\.)*`?)+)|("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)|([=!<>~]+)|([(),])|./gsu;
const BARE = /^[\p{L}\p{N}_./:+-]+$/u;
const KEYWORDS = ["and", "or", "not", "in", "true", "false"];
const MOST = 12;

/** Operators by the kind of a field (OPERATORS in contract/filters/fields.py). @type {Record<string, string[]>} */
const OPERATORS = {
  choice: ["=", "!=", "in"],
  flag: ["=", "!=", "in"],
  number: ["=", "!=", "<", "<=", ">", ">=", "in"],
  metric: ["=", "!=", "<", "<=", ">", ">=", "in"],
  time: ["=", "!=", "<", "<=", ">", ">=", "in"],
  text: ["=", "!=", "~", "in"],
  tags: ["=", "!=", "~", "in"],
  setting: ["=", "!=", "<", "<=", ">", ">=", "~", "in"],
};
/** @type {Record<string, string>} */
const MEANINGS = { "~": "contains", in: "one of" };
const LOGGED = "of the epochs, else as logged";
/** Of the run's own fields that need one. @type {Record<string, string>} */
const NOTES = { accuracy: LOGGED, best_accuracy: LOGGED, test_loss: LOGGED, best_test_loss: LOGGED };
const TIMES = ["1h", "24h", "7d", "30d"];
/** @type {Record<Expected, string[]>} */
const SIGNS = { field: ["not", "("], operator: [], value: [], list: ["("], next: [",", ")"], join: ["and", "or"] };

/** What is expected behind a token. @param {Expected} expected @param {string} word in small letters. @param {string} sign @param {boolean} listed @returns {Expected} */
function behind(expected, word, sign, listed) {
  if (expected === "field") return sign === "(" || word === "not" ? "field" : "operator";
  if (expected === "operator") return word === "in" ? "list" : "value";
  if (expected === "list") return "value";
  if (expected === "value") return listed ? "next" : "join";
  if (expected === "next") return sign === "," ? "value" : "join";
  return sign === ")" ? "join" : "field";
}

/** Where a cursor stands in a filter. @param {string} text @param {number} cursor in UTF-16 units. @returns {Place} */
export function placeAt(text, cursor) {
  let expected = /** @type {Expected} */ ("field");
  let field = "";
  let listed = false;
  for (const { 0: token, 1: word, 2: quote, 3: operator, 4: sign, index } of text.slice(0, cursor).matchAll(TOKEN)) {
    if (!token.trim()) continue;
    const atCursor = index + token.length === cursor && (word || quote || operator);
    if (atCursor) return { expected, start: index, typed: token, field };
    if (expected === "field" && word && word.toLowerCase() !== "not") field = word;
    const next = behind(expected, (word ?? "").toLowerCase(), sign ?? "", listed);
    if (expected === "list") listed = true;
    if (expected === "next" && next === "join") listed = false;
    expected = next;
  }
  return { expected, start: cursor, typed: "", field };
}

/** A value as it must be written. @param {string} value */
export const written = (value) =>
  BARE.test(value) && !KEYWORDS.includes(value.toLowerCase()) ? value : `"${value.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;

/** Those that go on as it was typed, the ones that begin so first. @param {Option[]} options @param {string} typed */
function matching(options, typed) {
  const wanted = typed.replace(/^["'`]/, "").toLowerCase();
  const place = (/** @type {Option} */ { text }) =>
    text
      .replace(/^["'`]/, "")
      .toLowerCase()
      .indexOf(wanted);
  const found = options.filter((option) => place(option) >= 0 && option.text !== typed);
  return found.sort((a, b) => Number(place(a) > 0) - Number(place(b) > 0)).slice(0, MOST);
}

/** The kind of a field. @param {string} field @param {KnownField[]} known */
export function kindOf(field, known) {
  const own = known.find((each) => each.field === field);
  return own?.kind ?? (field.startsWith("metric.") ? "metric" : "setting");
}

/** @param {KnownField} field @param {string} typed @returns {Option[]} */
function fieldOptions({ field, kind }, typed) {
  if (kind !== "metric") return [{ text: field, note: kind === "setting" ? kind : (NOTES[field] ?? "run") }];
  const figures = ["", ".best", ".min", ".max"].map((figure) => ({ text: field + figure, note: "metric" }));
  return typed.startsWith(field) ? [...figures, { text: `${field}.at.0`, note: "at an epoch" }] : figures;
}

/**
 * What can be put at a place.
 * @param {Place} place @param {KnownField[]} known @param {{value: string, runs: number}[]} frequent values of the place's field.
 * @returns {Option[]}
 */
export function optionsAt({ expected, typed, field }, known, frequent) {
  const signs = SIGNS[expected].map((text) => ({ text, note: "" }));
  const kind = kindOf(field, known);
  if (expected === "field") return matching([...known.flatMap((each) => fieldOptions(each, typed)), ...signs], typed);
  if (expected === "operator") {
    return matching(
      OPERATORS[kind].map((text) => ({ text, note: MEANINGS[text] ?? "" })),
      typed,
    );
  }
  if (expected !== "value") return matching(signs, typed);
  const limited = known.find((each) => each.field === field)?.values ?? [];
  if (limited.length)
    return matching(
      limited.map((text) => ({ text, note: "" })),
      typed,
    );
  if (kind === "time")
    return matching(
      TIMES.map((text) => ({ text, note: "ago" })),
      typed,
    );
  return matching(
    frequent.map(({ value, runs }) => ({
      text: kind === "flag" || value === "true" || value === "false" ? value : written(value),
      note: runs === 1 ? "1 run" : `${runs} runs`,
    })),
    typed,
  );
}

/** A filter with an option taken, and where the cursor then stands. @param {string} text @param {number} cursor @param {Place} place @param {Option} option @returns {[text: string, cursor: number]} */
export function taken(text, cursor, { start }, { text: put }) {
  const rest = text.slice(cursor);
  const space = put === "(" || /^\s/.test(rest) ? "" : " ";
  return [text.slice(0, start) + put + space + rest, start + put.length + (space || /^\s/.test(rest) ? 1 : 0)];
}

/** A text before, within and behind what is wrong with it; places count code points. @param {string} text @param {number} start @param {number} end @returns {[string, string, string]} */
export function partsAround(text, start, end) {
  const points = [...text];
  const [from, to] = [Math.min(start, points.length), Math.max(end, start)];
  return [points.slice(0, from).join(""), points.slice(from, to).join(""), points.slice(to).join("")];
}
