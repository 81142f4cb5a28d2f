/*
 * The packed colours of the page's scales, as JSON. Arguments: the custom properties as JSON, and ε of every scale of |v|.
 */

const [tokens, ...epsilons] = process.argv.slice(2);
const properties = JSON.parse(tokens);
const pen = {
  clearRect() {},
  fillRect() {},
  getImageData: () => ({ data: [1, 3, 5].map((at) => Number.parseInt(pen.fillStyle.slice(at, at + 2), 16)) }),
};
globalThis.document = {
  createElement: () => ({ getContext: () => pen }),
  documentElement: { dataset: { mantineColorScheme: "light" } },
};
globalThis.getComputedStyle = () => ({ getPropertyValue: (name) => properties[name] });
const palette = await import("../../dashboard/scripts/plot/palette.js");
const speeds = epsilons.map((epsilon) => [...palette.speeds(Number(epsilon)).packed]);
const [similarities, fractions] = [palette.similarities(), palette.fractions()].map(({ packed }) => [...packed]);
console.log(JSON.stringify({ names: palette.STATES, speeds, similarities, fractions }));
