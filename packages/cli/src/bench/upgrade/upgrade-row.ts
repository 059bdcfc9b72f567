/** One upgrade under load; units are in the names. */
export interface UpgradeRow {
  readonly scenario: string;
  /** 1 for the first of the run. */
  readonly upgrade: number;
  /** From the request until the next version was in charge: it is started, reads its configuration, gets ready. */
  readonly took_ms: number;
  /** The part of it in which sockets and connections moved. */
  readonly hand_over_ms: number;
  readonly moved: number;
  /** Connections that were busy and moved, or ended, after the hand-over. */
  readonly busy: number;
  /** Answered from the request for the upgrade until calm was measured again. */
  readonly requests: number;
  readonly failed: number;
  readonly closed: number;
  /** The longest that a request took before the upgrade, on the same machine under the same load. */
  readonly calm_longest_ms: number;
  /** The same during the upgrade. */
  readonly longest_ms: number;
}
