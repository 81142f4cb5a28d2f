/**
 * What goes over the live socket, `/api/v1/live`: OpenAPI describes no sockets. The server's own words are in
 * server/live/viewer.py, server/live/tail.py and contract/events.py; a test holds these against them, field by field.
 */
import type { Coverage, DataFound, Epoch, EpochProgressed, Layer, LayerCounts } from "./api";
import type { Run } from "./pages";

// ------------------------------------------------------------ what a browser says

/** Follow a run from a cursor; again for the same run, it replaces cursor and layers. */
export interface Subscribe {
  type: "subscribe";
  run: string;
  /** Number of the newest event that is known; 0: all are wanted. */
  after?: number;
  /** Those whose display bytes are wanted after each epoch. */
  layers?: "all" | number[];
}

export interface Unsubscribe {
  type: "unsubscribe";
  run: string;
}

/** Hear of every run that appears, changes or goes. */
export interface SubscribeRuns {
  type: "subscribe_runs";
}

export interface UnsubscribeRuns {
  type: "unsubscribe_runs";
}

export type FromBrowser = Subscribe | Unsubscribe | SubscribeRuns | UnsubscribeRuns;

// ------------------------------------------------------------ what the server says

export type FromServer =
  | { type: "hello"; version: string }
  | { type: "ping" }
  | { type: "run"; run: Run }
  | { type: "events"; run: string; events: NumberedEvent[]; last_seq: number }
  | { type: "run_deleted"; run: string }
  | { type: "error"; message: string; run?: string };

/** The header of a binary message: behind it a byte for each neuron of these layers, one layer after the other. */
export interface DisplayHeader {
  run: string;
  epoch: number;
  seq: number;
  /** Index and number of neurons of each layer. */
  layers: [number, number][];
}

// ------------------------------------------------------------ what a run tells

export interface NumberedEvent {
  seq: number;
  /** ISO 8601, in UTC. */
  at: string;
  event: RunEvent;
}

export type RunEvent =
  | RunStarted
  | WatchStarted
  | MetricsLogged
  | RunContinued
  | RunRequeued
  | EpochProgressed
  | EpochFinished
  | Logged
  | RunFinished
  | RunStopped
  | RunFailed;

/** Training begins. A launched run tells all of it; an external one its layers with each watch. */
export interface RunStarted {
  kind: "run_started";
  layers: Layer[];
  neurons: number;
  parameters: number;
  device: string;
  epochs: number | null;
  batches_per_epoch: number | null;
  train_samples: number | null;
  test_samples: number | null;
  probe_samples: number | null;
  first_freezing_epoch: number | null;
  task: "classification" | "segmentation";
  data: DataFound | null;
  versions: Record<string, string>;
  commit: string | null;
  warnings: string[];
  coverage: Coverage | null;
  command: string | null;
  script: string | null;
  host: string | null;
  pid: number | null;
}

/** An external run watches a network from now on; its layers stand behind those of the watches before it. */
export interface WatchStarted {
  kind: "watch_started";
  name: string | null;
  first: number;
  layers: Layer[];
  neurons: number;
  parameters: number;
  epsilon: number;
  mu: number;
  options: Record<string, unknown>;
  probe_samples: number | null;
  first_freezing_epoch: number | null;
  freeze: boolean;
  coverage: Coverage | null;
}

/** A run logged points of metrics; here only how many, the points themselves are asked for. */
export interface MetricsLogged {
  kind: "metrics_logged";
  series: { name: string; points: number }[];
}

/** A run that was cut off, stopped, or forked from another stands again. */
export interface RunContinued {
  kind: "run_continued";
  epoch: number;
  device: string;
  versions: Record<string, string>;
  commit: string | null;
}

/** The run goes back to the queue, to continue after its newest epoch. */
export interface RunRequeued {
  kind: "run_requeued";
  reason: string;
  epochs: number;
  interruptions: number;
  heard_at: string | null;
}

/** As the API has an epoch, but always with its layers, and numbered from outside. */
export type EpochFinished = Omit<Epoch, "seq" | "at" | "layers"> & { layers: LayerCounts };

export interface Logged {
  kind: "logged";
  level: "info" | "warning" | "error";
  text: string;
}

/** All epochs are trained, or as many as there was time for. */
export interface RunFinished {
  kind: "run_finished";
  epochs: number;
  /** Why it ended before its last planned epoch; null if it did not. */
  reason: string | null;
  test_accuracy: number | null;
  frozen_fraction: number | null;
  seconds: number;
}

/** Somebody asked for the run to stop, and it did. */
export interface RunStopped {
  kind: "run_stopped";
  epochs: number;
  reason: string;
}

/** The run could not go on. */
export interface RunFailed {
  kind: "run_failed";
  reason: string;
  remedy: string | null;
  details: string;
}
