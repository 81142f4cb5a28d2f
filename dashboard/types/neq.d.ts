/**
 * The global that the classic scripts share until they are modules, and what libraries leave on the page. A part of `neq`
 * that is not described here is `any` to the others; within its own script it is checked like all else.
 */
import type * as api from "./api";

declare global {
  interface Window {
    neq: Record<string, any>;
    Plotly?: any;
    React: any;
    dash_clientside: any;
    dashAgGridFunctions?: Record<string, unknown>;
    dashAgGridComponentFunctions?: Record<string, unknown>;
  }

  namespace neq {
    type Run = api.Run;
    type Epoch = api.Epoch;
    type Layer = api.Layer;
    type LayerCounts = api.LayerCounts;
    type CoverageFound = api.Coverage;

    /** A value that may not exist yet. */
    type Missing<T> = T | null | undefined;

    /** How long something lasts, and all that ends with it: see scope.js. */
    interface Scope {
      readonly signal: AbortSignal;
      readonly ended: boolean;
      on(target: EventTarget, type: string, listener: (event: any) => void, options?: AddEventListenerOptions): void;
      every(ms: number, tick: () => void): void;
      finally(undo: () => void): void;
      keep<T extends { close(): void }>(closable: T): T;
      watchSize(element: Element, changed: () => void): void;
      child(): Scope;
      once(draw: () => void): () => void;
      end(): void;
    }

    /** What the pages know of a run: see feed.js. */
    interface Feed {
      readonly id: string;
      readonly scope: Scope;
      readonly done: number;
      readonly loaded: boolean;
      record: Run;
      layers: Layer[];
      epochs: Epoch[];
      on(kind: string, listener: (value: any) => void): Feed;
      tell(kind: string, value?: unknown): void;
      [part: string]: any;
    }

    /** A layer's history in one byte a neuron, epoch by epoch: see neuronhistory.js. */
    interface NeuronHistory {
      readonly neurons: number;
      readonly epochs: number;
      readonly bytes: Uint8Array;
      readonly known: ArrayLike<boolean | number>;
      level(epoch: number, neuron: number): number;
      fillStates(epoch: number, states: Uint8Array): boolean;
    }
  }
}
