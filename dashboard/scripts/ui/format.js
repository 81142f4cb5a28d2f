/*
 * Numbers and times as a person reads them. What does not exist yet is an en dash.
 */

/** @import { Missing } from "../../types/pages" */

export const NOTHING = "–";
/** @type {Record<string, string>} */
const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

// Making one for each number takes longer than all else here.
const whole = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const moments = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** @param {number} exponent */
function raised(exponent) {
  return [...String(exponent)].map((sign) => RAISED[sign]).join("");
}

/** @param {[number | string, string][]} pairs */
function parts(pairs) {
  return pairs.map(([count, unit]) => `${count} ${unit}`).join(" ");
}

/**
 * The end of a name of more than so many signs: it tells more than the beginning.
 * @param {string} name @param {number} signs
 */
export const ending = (name, signs) => (name.length > signs ? `…${name.slice(1 - signs)}` : name);

/**
 * A long name in two, for a line that is cut between them: its end, where swept runs differ, from the beginning of a word on.
 * @param {string} name @param {number} signs of its end. @returns {[head: string, tail: string]} a short name has no tail.
 */
export function parted(name, signs) {
  if (name.length <= signs) return [name, ""];
  const end = name.slice(-signs);
  const word = end.search(/\s\S/);
  const tail = word >= 0 && word < signs / 2 ? end.slice(word) : end;
  return [name.slice(0, name.length - tail.length), tail];
}

/** A fraction in 0–1 as `12.3 %`. @param {Missing<number>} fraction */
export const percent = (fraction, digits = 1) =>
  fraction === null || fraction === undefined ? NOTHING : `${(fraction * 100).toFixed(digits)} %`;

/** A count as `10,600`. @param {Missing<number>} number */
export const count = (number) => (number === null || number === undefined ? NOTHING : whole.format(number));

/**
 * A count with its noun: `1 epoch`, `12 epochs`; the one home of plurals.
 * @param {number} number @param {string} noun
 */
export const counted = (number, noun, plural = `${noun}s`) => `${whole.format(number)} ${number === 1 ? noun : plural}`;

/** A place in a row: `1st`, `2nd`, `3rd`, `11th`. @param {number} number */
export function ordinal(number) {
  const teens = number % 100 > 10 && number % 100 < 14;
  return `${whole.format(number)}${(!teens && ["th", "st", "nd", "rd"][number % 10]) || "th"}`;
}

/**
 * A number with three digits that count, never fewer than its whole part has; tiny ones as `1.20 · 10⁻⁴`.
 * @param {Missing<number>} value
 */
export function number(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return NOTHING;
  const size = Math.abs(value);
  const shown = Math.abs(Number(value.toPrecision(digits))); // rounding may lead into the next power of ten
  if (size !== 0 && (shown < 1e-3 || size >= 1e6)) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${Number(mantissa) === 1 ? "" : `${mantissa.replace("-", "−")} · `}10${raised(Number(exponent))}`;
  }
  if (shown >= 1000) return whole.format(Math.round(value)).replace("-", "−");
  return value.toPrecision(digits).replace("-", "−");
}

/**
 * A mean and its standard deviation, `0.912 ± 0.004`: two digits of the deviation, and the mean as exact as that.
 * @param {number} mean @param {Missing<number>} std null: of one value alone.
 */
export function spread(mean, std) {
  if (std === null || std === undefined) return number(mean);
  const size = Math.max(Math.abs(mean), std);
  const decimals = 1 - Math.floor(Math.log10(std));
  if (std === 0 || size < 1e-3 || size >= 1e6 || decimals > 8) return `${number(mean)} ± ${std === 0 ? "0" : number(std, 2)}`;
  const shown = (/** @type {number} */ value) => value.toFixed(Math.max(0, decimals)).replace("-", "−");
  return `${shown(mean)} ± ${shown(std)}`;
}

/** Bytes as `2,048 MB` or `0.284 MB`: millions of them, in three digits where they are few. @param {number} bytes */
export function megabytes(bytes) {
  const millions = bytes / 1e6;
  return `${millions < 10 ? number(millions) : whole.format(Math.round(millions))} MB`;
}

/** A setting as it was chosen: `0.001`, `5 · 10⁻⁴`; no more digits than needed. @param {number} value */
export function setting(value) {
  if (value !== 0 && Math.abs(value) < 1e-3) {
    const [mantissa, exponent] = value.toExponential().split("e");
    return mantissa === "1" ? `10${raised(Number(exponent))}` : `${mantissa} · 10${raised(Number(exponent))}`;
  }
  return String(value);
}

/** A learning rate in three digits. @param {Missing<number>} value */
export const rate = (value) => (value === null || value === undefined ? NOTHING : setting(Number(value.toPrecision(3))));

/** What a float32 holds, in no more digits than tell it from its neighbours. @param {number} value */
export function shortest(value) {
  const digits = [6, 7, 8].find((each) => Math.fround(Number(value.toPrecision(each))) === value);
  return Number(value.toPrecision(digits ?? 9));
}

/** The same in words. @param {Missing<number>} value */
export const exact = (value) =>
  value === null || value === undefined || Number.isNaN(value) ? NOTHING : String(shortest(value)).replace("-", "−");

/** Seconds as `4.1 s`, `2 min 05 s`, `1 h 02 min`. @param {Missing<number>} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return NOTHING;
  if (seconds < 0.1) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  if (!hours)
    return parts([
      [minutes, "min"],
      [two(whole % 60), "s"],
    ]);
  return parts([
    [hours, "h"],
    [two(minutes), "min"],
  ]);
}

/**
 * Seconds that are only reckoned, no finer than they can be known: `45 s`, `2 min 10 s`, `17 min`, `1 h 02 min`.
 * @param {Missing<number>} seconds
 */
export function estimate(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return NOTHING;
  const to = [1, 10, 60].find((step, place) => Math.round(seconds / step) * step < [60, 600, Infinity][place]) ?? 60;
  const rounded = Math.max(1, Math.round(seconds / to) * to); // what runs has some left
  return duration(rounded)
    .replace(/ min 00 s$/, " min")
    .replace(/\.0 s$/, " s");
}

/** How long ago a moment was: `just now`, `3 min ago`, else its date. @param {Missing<string>} iso ISO 8601. */
export function ago(iso, now = Date.now()) {
  if (!iso) return NOTHING;
  const seconds = (now - Date.parse(iso)) / 1000;
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  return moment(iso);
}

/** A moment as `21 Nov 2026, 10:48`, in the reader's time zone. @param {string} moment ISO 8601. */
export const moment = (moment) => moments.format(new Date(moment));

/** A moment as `14:20`, on another day than now as `moment` has it. @param {Date} moment @param {Date} [now] */
export const timeOfDay = (moment, now = new Date()) => (moment.toDateString() === now.toDateString() ? clock : moments).format(moment);
