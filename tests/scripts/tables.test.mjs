import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeTex, texNumber, texSpread } from "../../dashboard/scripts/ui/latex.js";
import { csvTable, latexTable } from "../../dashboard/scripts/ui/table-files.js";

test("texts are LaTeX in which nothing is a command", () => {
  assert.equal(
    escapeTex("50 % & a_b #1 {x} $5 \\input{/etc/passwd} ~^"),
    "50 \\% \\& a\\_b \\#1 \\{x\\} \\$5 \\textbackslash{}input\\{/etc/passwd\\} \\textasciitilde{}\\textasciicircum{}",
  );
  assert.equal(escapeTex("5 · 10⁻³ – |φ| ≤ ε…"), "5 $\\cdot $ 10$^{-3}$ -- $|\\varphi |$ $\\le $ $\\varepsilon $\\ldots{}");
  assert.equal(escapeTex("$φ$"), "\\$$\\varphi $\\$");
  assert.equal(escapeTex("one\ntwo\r\n\u0007three"), "one two three");
  assert.equal(escapeTex("a --lr ?`x"), "a -{}-lr ?{}`x");
  assert.equal(escapeTex("βΩ «a\u0301»"), "$\\beta \\Omega $ $\\ll $á$\\gg $");
});

test("numbers and their spreads have the digits that count", () => {
  assert.deepEqual(
    [0, 12, 0.91234, 1234567, 1.2e-5, Infinity].map((value) => texNumber(value)),
    [...["$0$", "$12$", "$0.9123$", "$1.235 \\times 10^{6}$", "$1.200 \\times 10^{-5}$", "$\\infty$"]],
  );
  assert.equal(texSpread({ mean: 0.912345, std: 0.00321, n: 3 }), "$0.9123 \\pm 0.0032$");
  assert.equal(texSpread({ mean: 123.456, std: 12.3, n: 3 }), "$123 \\pm 12$");
  assert.equal(texSpread({ mean: 1.5e-5, std: 2e-6, n: 3 }), "$(1.50 \\pm 0.20) \\times 10^{-5}$");
  assert.equal(texSpread({ mean: 0.5, std: null, n: 1 }), "$0.5$");
  assert.equal(texSpread({ mean: 0.5, std: 0, n: 2 }), "$0.5000 \\pm 0.0000$");
  assert.equal(texSpread({ mean: 30, std: 0, n: 3 }), "$30 \\pm 0$");
});

const TABLE = {
  title: "Runs of ε & μ",
  columns: [{ name: "run_1" }, { name: "Accuracy", unit: "fraction" }, { name: "Loss" }],
  rows: [
    ["=cmd, one", { words: "91.2 %", value: 0.91234 }, { mean: 0.5, std: 0.126, n: 3 }],
    ["[4pt] & b", { words: "–", value: null }, null],
  ],
};

test("a table is CSV with values, and means in three columns", () => {
  assert.equal(
    csvTable(TABLE),
    'run_1,Accuracy (fraction),Loss mean,Loss std,Loss n\r\n"\'=cmd, one",0.91234,0.5,0.126,3\r\n[4pt] & b,,,,\r\n',
  );
});

test("signs that pdfLaTeX cannot set are named before the table, and no others", () => {
  const named = (/** @type {string} */ name) => latexTable({ title: "é", columns: [{ name }], rows: [["Łódź αβ ½ “x”"]] });
  assert.match(named("中文 中 🎉"), /^% Needs XeLaTeX or LuaLaTeX, and a font that has 中文🎉$/m);
  assert.doesNotMatch(named("plain"), /XeLaTeX/);
});

test("a table is a tabular of booktabs with words, numbers at the right and a caption to take over", () => {
  const lines = latexTable(TABLE).split("\n");
  assert.deepEqual(lines, [
    "% Needs \\usepackage{booktabs}; inside of a table environment:",
    "% \\caption{Runs of $\\varepsilon $ \\& $\\mu $.}",
    "\\begin{tabular}{lrr}",
    "  \\toprule",
    "  run\\_1 & Accuracy & Loss \\\\",
    "  \\midrule",
    "  =cmd, one & 91.2 \\% & $0.50 \\pm 0.13$ \\\\",
    "  {}[4pt] \\& b & -- & -- \\\\",
    "  \\bottomrule",
    "\\end{tabular}",
    "",
  ]);
});
