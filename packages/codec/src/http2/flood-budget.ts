import type { Http2ErrorCode } from "./errors.ts";
import type { Http2Options } from "./options.ts";

// What is counted; each has its own limit in the options.
export const BUDGET_RESETS = 0;
export const BUDGET_PROVOKED_RESETS = 1;
export const BUDGET_SETTINGS = 2;
export const BUDGET_PINGS = 3;
export const BUDGET_EMPTY_FRAMES = 4;
export const BUDGET_PRIORITIES = 5;
export const BUDGET_WINDOW_UPDATES = 6;
export const BUDGET_CLOSED_STREAM_FRAMES = 7;
export const BUDGET_TABLE_SIZE_UPDATES = 8;

export type BudgetKind = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** What the session ends with when a budget is used up. */
export const BUDGET_ERRORS: Readonly<Record<BudgetKind, Http2ErrorCode>> = {
  [BUDGET_RESETS]: "HTTP2_RESET_FLOOD",
  [BUDGET_PROVOKED_RESETS]: "HTTP2_PROVOKED_RESET_FLOOD",
  [BUDGET_SETTINGS]: "HTTP2_SETTINGS_FLOOD",
  [BUDGET_PINGS]: "HTTP2_PING_FLOOD",
  [BUDGET_EMPTY_FRAMES]: "HTTP2_EMPTY_FRAME_FLOOD",
  [BUDGET_PRIORITIES]: "HTTP2_PRIORITY_FLOOD",
  [BUDGET_WINDOW_UPDATES]: "HTTP2_WINDOW_UPDATE_FLOOD",
  [BUDGET_CLOSED_STREAM_FRAMES]: "HTTP2_CLOSED_STREAM_FLOOD",
  [BUDGET_TABLE_SIZE_UPDATES]: "HTTP2_TABLE_SIZE_FLOOD",
};

function limitOf(options: Http2Options, kind: BudgetKind): number {
  switch (kind) {
    case BUDGET_RESETS:
      return options.resetsMax;
    case BUDGET_PROVOKED_RESETS:
      return options.provokedResetsMax;
    case BUDGET_SETTINGS:
      return options.settingsFramesMax;
    case BUDGET_PINGS:
      return options.pingsMax;
    case BUDGET_EMPTY_FRAMES:
      return options.emptyFramesMax;
    case BUDGET_PRIORITIES:
      return options.prioritiesMax;
    case BUDGET_WINDOW_UPDATES:
      return options.windowUpdatesMax;
    case BUDGET_CLOSED_STREAM_FRAMES:
      return options.closedStreamFramesMax;
    case BUDGET_TABLE_SIZE_UPDATES:
      return options.tableSizeUpdatesMax;
  }
}

/**
 * Counts what costs us work and brings the peer's requests no further. The clock is only asked when a count is used
 * up: if the window has passed by then, all counts start again. So a peer gets at most twice a limit in any window.
 */
export class FloodBudget {
  readonly #options: Http2Options;
  /** Used so far, by kind. */
  readonly #used: number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  #windowStartMs: number;

  constructor(options: Http2Options) {
    this.#options = options;
    this.#windowStartMs = Math.floor(options.nowMs());
  }

  /** Counts one; false when that is too many. */
  take(kind: BudgetKind): boolean {
    const used = (this.#used[kind] ?? 0) + 1;
    this.#used[kind] = used;
    if (used <= limitOf(this.#options, kind)) return true;
    const nowMs = Math.floor(this.#options.nowMs());
    if (nowMs - this.#windowStartMs < this.#options.budgetWindowMs) return false;
    this.#windowStartMs = nowMs;
    this.#used.fill(0);
    this.#used[kind] = 1;
    return true;
  }

  /** Honest work was done: `count` are given back. */
  give(kind: BudgetKind, count: number): void {
    this.#used[kind] = Math.max(0, (this.#used[kind] ?? 0) - count);
  }
}
