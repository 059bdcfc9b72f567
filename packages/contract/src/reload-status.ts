import type { ResourceProblem } from "./resources/resource.ts";

/** How a proxy took the versions of its configuration that it was offered. */
export interface ReloadStatus {
  /** False while the version that was offered last is refused, and an earlier one or none is in force. */
  readonly isCurrent: boolean;
  /** Versions that were taken. One that is offered again without a change does not count again, here and below. */
  readonly applied: number;
  readonly refused: number;
  /** When the last one was taken, in milliseconds since 1970; 0 for never. */
  readonly appliedAtMs: number;
  /** When the last one was refused, in milliseconds since 1970; 0 for never. */
  readonly refusedAtMs: number;
  /** Why the last one is refused; empty while `isCurrent`. */
  readonly problems: readonly ResourceProblem[];
}
