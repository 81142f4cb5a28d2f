/** What the scripts call what the API answers, and what libraries leave on the page. */
export type { Coverage, Epoch, Layer, LayerCounts, Run } from "./api";

/** A value that may not exist yet. */
export type Missing<T> = T | null | undefined;

declare global {
  /** Dash starts when one is made; it calls what main.js put into `dash_clientside` before. */
  const DashRenderer: new () => unknown;

  interface Window {
    React: any;
    dash_clientside: any;
    dash_ag_grid: any;
    dashAgGridFunctions?: Record<string, unknown>;
    dashAgGridComponentFunctions?: Record<string, unknown>;
    Plotly?: any;
  }
}
