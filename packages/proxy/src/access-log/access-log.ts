import type { AccessRecord } from "./access-record.ts";

/** Says which requests are logged, and logs them off the hot path. */
export interface AccessLog {
  /** False: nothing is ever logged; the request path need not ask further. */
  readonly isOn: boolean;
  /**
   * Whether a request that has ended is to be logged. Asks chance where a rule samples, so call it once per request,
   * before the record is made.
   */
  isWanted(status: number, durationMs: number, route: string): boolean;
  /** Takes a record for a later turn; drops and counts it when the log cannot keep up. */
  record(entry: AccessRecord): void;
  /** Opens the file anew, after log rotation has renamed it; what was recorded before goes to the old file. */
  reopen(): Promise<void>;
  /** Writes out what was recorded and closes the file. Later records are dropped. */
  close(): Promise<void>;
}
