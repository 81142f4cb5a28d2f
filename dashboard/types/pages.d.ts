/** What the scripts call what the API answers, and what libraries leave on the page. */
import type { Run as ApiRun, RunConfig } from "./api";

export type {
  Change,
  Coverage,
  DataFound,
  DenseStep,
  Epoch,
  Fork,
  Health,
  Layer,
  LayerCounts,
  LogLine,
  Metric,
  MetricSeries,
  NeuronTimeline,
  Plan,
  Preset,
  Range,
  Resources,
  RunConfig,
  Start,
  StepFlops,
  StepTimes,
  Watch,
} from "./api";

/** A run that a worker trains, with the configuration that it was launched with, whole. */
export type LaunchedRun = Omit<ApiRun, "config" | "source"> & { source: "launched"; config: RunConfig };

/** A run that somebody's script records; its configuration is whatever the script told. */
export type ExternalRun = Omit<ApiRun, "config" | "source"> & { source: "external"; config: Record<string, unknown> };

/** A run as the API gives it. */
export type Run = LaunchedRun | ExternalRun;

/** A run of the table: a part of its configuration may be all that it has of it, and `values` are those that were asked for. */
export type ListedRun = Run & { values?: unknown[] | null };

/** A value that may not exist yet. */
export type Missing<T> = T | null | undefined;

/** The element of a name as `element` takes it: `dialog.question` is a dialog. */
export type ElementOf<Name extends string> = Name extends `${infer Tag}.${string}`
  ? ElementOf<Tag>
  : Name extends keyof HTMLElementTagNameMap
    ? HTMLElementTagNameMap[Name]
    : HTMLElement;

/** The event of a type: `keydown` is a KeyboardEvent. */
export type EventOf<Type extends string> = Type extends keyof WindowEventMap ? WindowEventMap[Type] : Event;

/** The elements of a page that its layout named with `data-part`, by these names. */
export type Parts = Record<string, HTMLElement>;

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
