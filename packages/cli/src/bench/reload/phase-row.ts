/** What one client met in one phase; units are in the names. */
export interface PhaseRow {
  /** The phase. */
  readonly scenario: string;
  readonly peer: string;
  readonly client: string;
  readonly requests: number;
  readonly requests_per_second: number;
  readonly failed: number;
  /** In flight on workers at the moment when they were killed: so many may fail. */
  readonly failed_at_most: number;
  /** Not failed: the server had not looked at them, or the connection had just been closed between two requests. Null: unknown. */
  readonly sent_again: number | null;
  readonly p99_ms: number;
  /** The longest time without an answer; null: unknown. */
  readonly gap_ms: number | null;
  /** Files written, workers killed or proxies replaced. */
  readonly changes: number;
  /** From the change to the first answer, or handshake, that shows it: the median; null where nothing shows. */
  readonly seen_after_ms: number | null;
}
