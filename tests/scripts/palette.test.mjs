import assert from "node:assert/strict";
import { test } from "node:test";
import * as palette from "../../dashboard/scripts/plot/palette.js";

/** A page with these custom properties, whose canvas knows the colours of six hexadecimal digits. */
function page(tokens) {
  const pen = {
    clearRect() {},
    fillRect() {},
    getImageData: () => ({ data: Uint8ClampedArray.from([1, 3, 5].map((at) => Number.parseInt(pen.fillStyle.slice(at, at + 2), 16))) }),
  };
  const document = {
    createElement: () => ({ getContext: () => pen }),
    documentElement: { dataset: { mantineColorScheme: "light" } },
  };
  return { document, getComputedStyle: () => ({ getPropertyValue: (name) => tokens[name] ?? "" }) };
}

const TOKENS = {
  "--neq-updating": "#000000",
  "--neq-frozen": "#ffffff",
  "--neq-just-thawed": "#ff0000",
  "--neq-just-frozen": "#0000ff",
  "--neq-no-data": "#808080",
  "--neq-surface": "#ffffff",
  "--neq-density": "#102030",
  "--neq-less": "#c00000",
  "--neq-middle": "#f0f0f0",
  "--neq-more": "#0000c0",
  "--neq-calm": "#0000c0",
  "--neq-restless": "#c06000",
};
Object.assign(globalThis, page(TOKENS));

const channels = (pixel) => [pixel & 255, (pixel >>> 8) & 255, (pixel >>> 16) & 255, pixel >>> 24];
/** A channel of sRGB in linear light, by IEC 61966-2-1. */
const light = (byte) => (byte / 255 <= 0.04045 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4);

test("a pixel is opaque, red in the lowest byte", () => {
  assert.equal(palette.pack(0, 0, 0), 0xff000000);
  assert.equal(palette.pack(1, 1, 1), 0xffffffff);
  assert.deepEqual(channels(palette.pack(1, 0, 0)), [255, 0, 0, 255]);
  assert.deepEqual(channels(palette.pack(0, 0, 1)), [0, 0, 255, 255]);
});

test("every shade of grey comes back from linear light, to one in 255", () => {
  for (let byte = 0; byte < 256; byte += 1) {
    const [red, green, blue] = channels(palette.pack(light(byte), light(byte), light(byte)));
    assert.ok(Math.abs(red - byte) <= 1, `${byte} became ${red}`);
    assert.deepEqual([green, blue], [red, red]);
  }
});

test("a colour of the style sheet is read as linear light", () => {
  const [red, green, blue] = palette.linear("#ff8000");
  assert.equal(red, 1);
  assert.ok(Math.abs(green - 0.2158605) < 1e-6); // ((128/255 + 0.055) / 1.055) ** 2.4
  assert.equal(blue, 0);
});

test("states have the colours of their properties, in the order of their index", () => {
  assert.deepEqual([...palette.states().packed], [0xff000000, 0xffffffff, 0xff0000ff, 0xffff0000]);
  assert.equal(palette.states().classes, 4);
});

test("half frozen is half the light, not half the number", () => {
  const { packed } = palette.fractions();
  assert.equal(packed.length, 256);
  assert.equal(packed[0], 0xff000000);
  assert.equal(packed[255], 0xffffffff);
  // Half of the light is 188 of 255: 1.055 · 0.5^(1/2.4) − 0.055 = 0.7354.
  assert.ok(Math.abs(channels(packed[128])[0] - 188) <= 1);
});

test("the scale of levels grows lighter from step to step", () => {
  const luminance = (fraction) => {
    const [red, green, blue] = palette.scale(fraction);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  for (let step = 1; step < 127; step += 1) assert.ok(luminance(step / 126) > luminance((step - 1) / 126), String(step));
});

test("levels begin with the colour of no value", () => {
  for (const table of [palette.speeds(), palette.similarities(), palette.changes()]) {
    assert.equal(table.packed.length, 128);
    assert.deepEqual(channels(table.packed[0]), [128, 128, 128, 255]);
  }
});

test("a change of none is the middle, and both ends are their properties' colours", () => {
  const { packed } = palette.changes();
  const near = (pixel, colour) => channels(pixel).every((channel, place) => Math.abs(channel - [...colour, 255][place]) <= 2);
  assert.ok(near(packed[1], [0xc0, 0, 0]));
  assert.ok(near(packed[127], [0, 0, 0xc0]));
});

test("an empty bin has the colour of the ground", () => {
  const { packed } = palette.densities();
  assert.equal(packed[0], 0xffffffff);
  const [red, green, blue] = channels(packed[255]);
  assert.ok(Math.abs(red - 0x10) <= 2 && Math.abs(green - 0x20) <= 2 && Math.abs(blue - 0x30) <= 2);
});

test("a gradient runs through 33 colours, from first to last", () => {
  const css = palette.gradient(palette.fractions());
  const colours = css.match(/rgb\([^)]*\)/g);
  assert.equal(colours.length, 33);
  assert.equal(colours[0], "rgb(0, 0, 0)");
  assert.equal(colours[32], "rgb(255, 255, 255)");
});

test("a figure's properties become colours wherever they stand, and all else stays", () => {
  const figure = { font: { color: "var(--neq-frozen)" }, shapes: [{ line: "1px var(--neq-more)" }], width: 2, on: true, none: null };
  assert.deepEqual(palette.resolve(figure), {
    font: { color: "#ffffff" },
    shapes: [{ line: "1px #0000c0" }],
    width: 2,
    on: true,
    none: null,
  });
});

test("light and dark have each their own colours, asked for once", async () => {
  const tokens = { "--neq-frozen": "#111111" };
  const browser = page(tokens);
  Object.assign(globalThis, browser);
  const own = await import("../../dashboard/scripts/plot/palette.js?own"); // which has asked for nothing yet
  assert.equal(own.token("--neq-frozen"), "#111111");
  tokens["--neq-frozen"] = "#eeeeee";
  assert.equal(own.token("--neq-frozen"), "#111111");
  browser.document.documentElement.dataset.mantineColorScheme = "dark";
  assert.equal(own.token("--neq-frozen"), "#eeeeee");
});
