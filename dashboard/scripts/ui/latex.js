/*
 * Texts and numbers as LaTeX takes them, without other packages than those that come with it.
 */

/** @typedef {{mean: number, std: number | null, n: number}} Spread of several runs; without `std` there was one. */

/** @type {Record<string, string>} */
const SIGNS = {
  "\\": "\\textbackslash{}",
  ...Object.fromEntries([..."&%$#_{}"].map((sign) => [sign, `\\${sign}`])),
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  '"': "''",
  "\u00a0": "~",
  "–": "--",
  "—": "---",
  "…": "\\ldots{}",
  "“": "``",
  "”": "''",
  "‘": "`",
  "’": "'",
};
/** Greek letters that LaTeX has, in the alphabet's order; the others look as Latin ones do. */
const GREEK =
  "α alpha β beta γ gamma δ delta ε varepsilon ζ zeta η eta θ theta ι iota κ kappa λ lambda μ mu ν nu ξ xi π pi ρ rho " +
  "ς varsigma σ sigma τ tau υ upsilon φ varphi χ chi ψ psi ω omega " +
  "Γ Gamma Δ Delta Θ Theta Λ Lambda Ξ Xi Π Pi Σ Sigma Υ Upsilon Φ Phi Ψ Psi Ω Omega";
/** Signs that only mathematics has. @type {Record<string, string>} */
const MATHS = {
  ...Object.fromEntries([...GREEK.matchAll(/(\S+) (\S+)/gu)].map(([, sign, name]) => [sign, `\\${name}`])),
  ...{ "−": "-", "×": "\\times", "±": "\\pm", "·": "\\cdot", "«": "\\ll", "»": "\\gg" },
  ...{ "≤": "\\le", "≥": "\\ge", "<": "<", ">": ">", "|": "|", "≈": "\\approx", "→": "\\to", "∞": "\\infty" },
};
/** What pdfLaTeX sets as it is without another package: ASCII, Latin letters with their accents, a few signs. */
const KNOWN = /[ -~\u00a1-\u017f€™\ufb00-\ufb04]/u;
const RAISED = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹";
const PLAIN = "-0123456789";

/** Signs beside each other that TeX would set as another one. */
const LIGATURES = new Set(["--", "?`", "!`", "``", "''"]);
const TOKENS = new RegExp(`[${RAISED}]+|[${Object.keys(MATHS).join("")}]|[^]`, "gu");

/** What stands for a sign, or for several that are raised, within mathematics; null: it is text. @param {string} token */
function mathsOf(token) {
  if (RAISED.includes(token[0])) return `^{${[...token].map((sign) => PLAIN[RAISED.indexOf(sign)]).join("")}}`;
  return Object.hasOwn(MATHS, token) ? MATHS[token] : null;
}

/** A text with all that LaTeX would take for a command as it reads. @param {string} text */
export function escapeTex(text) {
  const plain = text
    .normalize()
    .replace(/\s*[\n\r\t]\s*/g, " ")
    .replace(/\p{Cc}/gu, "");
  let [written, within, before] = ["", false, ""];
  for (const token of plain.match(TOKENS) ?? []) {
    const maths = mathsOf(token);
    if (within !== (maths !== null)) written += "$";
    within = maths !== null;
    if (LIGATURES.has(before + token)) written += "{}";
    before = token;
    written += maths ?? (Object.hasOwn(SIGNS, token) ? SIGNS[token] : token);
    if (maths && /^\\[a-z]+$/i.test(maths)) written += " "; // ends the command's name
  }
  return within ? `${written}$` : written;
}

/** The signs of a file that XeLaTeX and LuaLaTeX alone can set, each once. @param {string} tex */
export const beyondPdfTex = (tex) => [...new Set(tex)].filter((sign) => sign !== "\n" && !KNOWN.test(sign)).join("");

/** A number in so many digits that count, inside of mathematics. @param {number} value @param {number} digits */
function plainNumber(value, digits) {
  if (Number.isNaN(value)) return "\\mathrm{NaN}";
  if (!Number.isFinite(value)) return value < 0 ? "-\\infty" : "\\infty";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e6) return String(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${mantissa} \\times 10^{${Number(exponent)}}`;
  }
  return String(Number(value.toPrecision(digits)));
}

/** @param {number} value */
export const texNumber = (value, digits = 4) => `$${plainNumber(value, digits)}$`;

/** Mean ± standard deviation: that in two digits, the mean to the same place. @param {Spread} spread */
export function texSpread({ mean, std }) {
  if (std === null || !Number.isFinite(std) || !Number.isFinite(mean)) return texNumber(mean);
  const largest = Math.max(Math.abs(mean), std);
  const power = largest !== 0 && (largest < 1e-3 || largest >= 1e6) ? Math.floor(Math.log10(largest)) : 0;
  const [centre, around] = [mean / 10 ** power, std / 10 ** power];
  const exact = Number.isInteger(centre) ? 0 : 4; // places of what does not differ: of whole numbers, such as epochs, none
  const places = around > 0 ? Math.min(12, Math.max(0, 1 - Math.floor(Math.log10(around)))) : exact;
  const both = `${centre.toFixed(places)} \\pm ${around.toFixed(places)}`;
  return power ? `$(${both}) \\times 10^{${power}}$` : `$${both}$`;
}
