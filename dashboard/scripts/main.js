/*
 * What the pages start with. Dash calls the scripts by the names that are put on the window here, and starts last, so that
 * all of them are there.
 */

import * as live from "./api/live.js";
import * as comparePage from "./compare-page/page.js";
import * as formPage from "./form-page/page.js";
import * as runPage from "./run-page/page.js";
import * as runsActions from "./runs-page/actions.js";
import { CELLS, FUNCTIONS } from "./runs-page/cells.js";
import * as runsPage from "./runs-page/page.js";
import * as print from "./ui/print.js";
import * as shell from "./ui/shell.js";
import * as viewAddress from "./ui/view-address.js";

for (const part of [live, viewAddress, print, shell, runsPage, formPage]) part.start();

window.dash_clientside = Object.assign(window.dash_clientside || {}, {
  neq_shell: shell,
  neq_runs: { ...runsPage, ...runsActions },
  neq_form: formPage,
  neq_run: runPage,
  neq_compare: comparePage,
});
window.dashAgGridFunctions = Object.assign(window.dashAgGridFunctions || {}, FUNCTIONS);
window.dashAgGridComponentFunctions = Object.assign(window.dashAgGridComponentFunctions || {}, CELLS);

new DashRenderer();
document.documentElement.dataset.started = "";
