"""The one way into a page's modules, for tests and benchmarks of what no reader sees: pixels' places, caches, cursors.

What a reader sees (text, `aria-…`, `data-…`, pixels) is looked at as a reader does. The pages know nothing of this: it
imports the modules that the page runs, which are the same objects, under a global `neq`.
"""

import json

NAMESPACES = {
    "run": "run-page/page.js",
    "compare": "compare-page/page.js",
    "live": "api/live.js",
    "recorded": "api/recorded.js",
    "palette": "plot/palette.js",
    "raster": "plot/raster.js",
    "format": "ui/format.js",
    "form": "form-page/values.js",
}
"""Modules by the name under which all that they export stands."""

NAMES = (
    "compare-page/members.js",
    "plot/cell-canvas.js",
    "plot/colour-modes.js",
    "plot/axes.js",
    "plot/heatmap.js",
    "plot/line-chart.js",
    "run-data/groups.js",
    "run-data/neuron-history.js",
    "run-data/thumbnail-feed.js",
    "run-data/warnings.js",
    "run-data/settings.js",
    "ui/dom.js",
    "ui/page-scope.js",
    "ui/shell.js",
)
"""Modules whose exports stand there under their own names."""

_SCRIPT = """(() => {
  const none = { present: () => null };
  const nothing = { run: none, compare: none };
  window.neq = nothing;
  const start = async (all) => {
    const entry = document.querySelector("script#_dash-renderer")?.src;
    if (!entry) return;
    const needed = new Set([...document.querySelectorAll("link[rel=modulepreload]")].map((link) => link.href));
    const address = (name) => new URL(name, entry).href;
    const wanted = (name) => all || needed.size === 0 || needed.has(address(name));
    const load = (name) => import(address(name));
    const named = Object.entries(NAMESPACES).filter(([, file]) => wanted(file));
    const spaces = await Promise.all(named.map(async ([name, file]) => [name, await load(file)]));
    const exports = await Promise.all(NAMES.filter(wanted).map(load));
    window.neq = Object.assign({ ...nothing, ready: true }, ...exports, Object.fromEntries(spaces));
  };
  addEventListener("DOMContentLoaded", () => start(false));
  // A page has the modules that it needs; once the reader goes on to another, all are there.
  for (const way of ["popstate", "_dashprivate_pushstate"]) addEventListener(way, () => start(true));
})();"""

HOOK = _SCRIPT.replace("NAMESPACES", json.dumps(NAMESPACES)).replace("NAMES", json.dumps(NAMES))
"""To be run before a page's own scripts (Playwright's `add_init_script`)."""
