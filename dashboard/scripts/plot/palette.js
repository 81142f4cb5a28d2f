/*
 * Colours. All come from the custom properties of theme.css; here they become numbers for pixels.
 *
 * Mixtures are averaged in linear light, as the eye averages fine dots; averaging the sRGB numbers would darken them.
 */

import { NeuronHistory } from "../run-data/neuron-history.js";

const LEVELS = 127;
const FRACTION_STEPS = 256;
const GAP = 0.14;

/** @typedef {[number, number, number]} Colour red, green and blue in linear light, or the three of OKLab. */

/** States of a cell, in the order of their colour index; `least`: what each weighs at least in the colour of many cells. */
export const STATES = [
  { name: "updating", token: "--neq-updating", least: 1 / 32 },
  { name: "frozen", token: "--neq-frozen", least: 1 / 32 },
  { name: "just thawed", token: "--neq-just-thawed", least: 1 / 2 },
  { name: "just frozen", token: "--neq-just-frozen", least: 1 / 8 },
];

/** @param {number} channel */
function toLinear(channel) {
  const fraction = channel / 255;
  return fraction <= 0.04045 ? fraction / 12.92 : ((fraction + 0.055) / 1.055) ** 2.4;
}

/** @param {number} light */
function toByte(light) {
  const fraction = light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
  return Math.max(0, Math.min(255, Math.round(fraction * 255)));
}

const BYTES = Uint8Array.from({ length: 4096 }, (_, index) => toByte(index / 4095));

/**
 * A pixel as ImageData's memory holds it on little-endian machines, from linear light.
 * @param {number} red @param {number} green @param {number} blue
 */
export function pack(red, green, blue) {
  const byte = (/** @type {number} */ light) => BYTES[(light * 4095 + 0.5) | 0];
  return (0xff000000 | (byte(blue) << 16) | (byte(green) << 8) | byte(red)) >>> 0;
}

/** @type {CanvasRenderingContext2D | null} that colours are read with; made when it is first needed. */
let pen = null;

function penOf() {
  pen ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (!pen) throw new Error("This browser does not support canvas.");
  return pen;
}

/** Any CSS colour as [red, green, blue] in linear light. @param {string} css @returns {Colour} */
export function linear(css) {
  const pen = penOf();
  pen.clearRect(0, 0, 1, 1);
  pen.fillStyle = "#000";
  pen.fillStyle = css;
  pen.fillRect(0, 0, 1, 1);
  const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
  return [toLinear(red), toLinear(green), toLinear(blue)];
}

/** Values of custom properties by light or dark. To ask for one makes the browser work out every pending style. */
const tokens = /** @type {Record<string, Record<string, string>>} */ ({});

/** Whether colours are asked for paper, which is light whatever the screen has. */
let paper = false;

/** What `make` answers where all its colours are those of the light theme; the page stays as it is. @template T @param {() => T} make */
export function onPaper(make) {
  paper = true;
  try {
    return make();
  } finally {
    paper = false;
  }
}

/** A custom property as the light theme has it. @param {string} name */
function lightValue(name) {
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
  const values = rules.map((rule) =>
    rule instanceof CSSStyleRule && rule.selectorText === ":root" ? rule.style.getPropertyValue(name) : "",
  );
  return values.findLast(Boolean) ?? "";
}

/** The present value of a custom property, such as `--neq-frozen`. @param {string} name */
export function token(name) {
  const scheme = paper ? "paper" : (document.documentElement.dataset.mantineColorScheme ?? "");
  tokens[scheme] ??= {};
  tokens[scheme][name] ||= (paper ? lightValue(name) : getComputedStyle(document.documentElement).getPropertyValue(name)).trim();
  return tokens[scheme][name];
}

/**
 * OKLab to linear sRGB (Björn Ottosson's matrices), clipped to what a screen can show.
 * @param {number} lightness @param {number} a @param {number} b @returns {Colour}
 */
function fromOklab(lightness, a, b) {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const within = (/** @type {number} */ light) => Math.max(0, Math.min(1, light));
  return [
    within(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    within(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    within(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** Linear sRGB to OKLab. @param {Colour} colour @returns {Colour} */
function toOklab([red, green, blue]) {
  const l = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const m = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const s = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/**
 * From deep blue through grey to light yellow: lightness rises evenly, and blue–yellow survives red–green blindness.
 * @param {number} fraction
 */
export function scale(fraction) {
  return fromOklab(0.24 + 0.7 * fraction, -0.02 + 0.01 * fraction, -0.11 + 0.23 * fraction);
}

/**
 * A table of colours: linear light for mixing, packed pixels for single cells; `classes`: how many, if they are kinds.
 * @param {Colour[]} colours
 */
function table(colours, classes = 0) {
  const light = new Float32Array(colours.length * 3);
  for (const [index, colour] of colours.entries()) light.set(colour, index * 3);
  return { light, packed: Uint32Array.from(colours, (colour) => pack(...colour)), classes };
}

/** A colour on the way from one to another. @param {Colour} from @param {Colour} to @param {number} fraction @returns {Colour} */
function mixed(from, to, fraction) {
  const at = (/** @type {0 | 1 | 2} */ channel) => from[channel] + (to[channel] - from[channel]) * fraction;
  return [at(0), at(1), at(2)];
}

/** @param {Colour} from @param {Colour} to @param {number} steps */
function between(from, to, steps) {
  return Array.from({ length: steps }, (_, step) => {
    const fraction = step / (steps - 1);
    return mixed(from, to, fraction);
  });
}

/** From one colour to another in even steps for the eye. @param {string} from @param {string} to @param {number} steps */
function even(from, to, steps) {
  const [start, stop] = [from, to].map((name) => toOklab(linear(token(name))));
  return between(start, stop, steps).map((colour) => fromOklab(...colour));
}

/**
 * Two sides of a middle, each in even steps for the eye; at the middle itself a step that is seen.
 *
 * @param {string} below @param {string} above tokens of the two ends.
 * @param {number} fraction of all colours that lies below the middle, 0–1.
 * @param {number} steps
 */
function twoSided(below, above, fraction, steps) {
  const [low, middle, high] = [below, "--neq-middle", above].map((name) => toOklab(linear(token(name))));
  const colour = (/** @type {number} */ step) => {
    const place = step / (steps - 1) - fraction;
    const side = place < 0 ? low : high;
    const far = GAP + (1 - GAP) * (place < 0 ? -place / fraction : place / (1 - fraction || 1));
    return fromOklab(...mixed(middle, side, far));
  };
  return Array.from({ length: steps }, (_, step) => colour(step));
}

/** Colours of levels, of which the mean means something; the first is that of no value. @param {Colour[]} colours */
const levels = (colours) => ({ ...table([linear(token("--neq-no-data")), ...colours]), levels: true });

/** Four colours: updating, frozen, just thawed, just frozen. */
export const states = () => kinds(STATES);

/** A colour for each kind of cell. @param {{token: string, least: number}[]} all */
export const kinds = (all) => ({
  ...table(
    all.map(({ token: name }) => linear(token(name))),
    all.length,
  ),
  least: all.map(({ least }) => least),
});

/** 128 colours: no velocity yet, then |v|: blue below ε, paler towards it, orange above; without ε, dark to light. */
export function speeds(epsilon = 0) {
  if (!(epsilon > 0)) return levels(Array.from({ length: LEVELS }, (_, level) => scale(level / (LEVELS - 1))));
  return levels(twoSided("--neq-calm", "--neq-restless", NeuronHistory.place(epsilon), LEVELS));
}

/** 128 colours: no φ, then 1 − φ from small (unchanged, dark) to large (light). */
export const similarities = () => levels(Array.from({ length: LEVELS }, (_, level) => scale(level / (LEVELS - 1))));

/** 128 colours: not known, then from fewer frozen, dark and blue, over grey to more, light and yellow: in grey too the sign is seen. */
export const differences = () => levels(even("--neq-fewer-frozen", "--neq-more-frozen", LEVELS));

/** 128 colours: no Δφ, then from less alike, over no change, to more alike. */
export const changes = () => levels(twoSided("--neq-less", "--neq-more", 0.5, LEVELS));

/** 256 colours from no neuron thawed to all. */
export const thaws = () => table(even("--neq-surface", "--neq-just-thawed", FRACTION_STEPS));

/** 256 colours: not recorded, then from no such neuron, which is the ground itself, to all. @param {string} all its token. */
export const rareOrNone = (all) => table([linear(token("--neq-no-data")), ...even("--neq-surface", all, FRACTION_STEPS - 1)]);

/** 256 colours: not known, then from no agreement to full, in even steps for the eye. */
export const agreements = () =>
  table([linear(token("--neq-no-data")), ...even("--neq-no-agreement", "--neq-agreement", FRACTION_STEPS - 1)]);

/** @param {number} steps */
const frozenShades = (steps) => between(linear(token("--neq-updating")), linear(token("--neq-frozen")), steps);

/** 256 colours from all updating to all frozen. */
export const fractions = () => table(frozenShades(FRACTION_STEPS));

/** 256 colours: not recorded, then from all updating to all frozen. */
export const fractionsOrNone = () => table([linear(token("--neq-no-data")), ...frozenShades(FRACTION_STEPS - 1)]);

/** 256 colours from an empty bin, which is the ground itself, to a full one, in even steps for the eye. */
export const densities = () => table(even("--neq-surface", "--neq-density", FRACTION_STEPS));

const STOPS = 33;

/** Evenly chosen colours, `first` to the last of a table. @param {{packed: Uint32Array}} table */
export function stops({ packed }, first = 0) {
  const css = (/** @type {number} */ pixel) => `rgb(${pixel & 255}, ${(pixel >> 8) & 255}, ${(pixel >> 16) & 255})`;
  return Array.from({ length: STOPS }, (_, step) => css(packed[first + Math.round((step / (STOPS - 1)) * (packed.length - 1 - first))]));
}

/** A CSS gradient through colours `first` to the last of a table. @param {{packed: Uint32Array}} table */
export const gradient = (table, first = 0) => `linear-gradient(90deg, ${stops(table, first).join(", ")})`;

/**
 * A copy of a figure in which every `var(--name)` is that property's present value, for Plotly knows no CSS.
 * @param {any} value @returns {any}
 */
export function resolve(value) {
  if (typeof value === "string") return value.replace(/var\((--[\w-]+)\)/g, (_, name) => token(name));
  if (Array.isArray(value)) return value.map(resolve);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item)]));
}
