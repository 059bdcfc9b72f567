/** How long and how often things are measured. */
export interface BenchPlan {
  /** Every peer is measured once per round. */
  readonly rounds: number;
  /** Whole seconds: wrk knows no others. */
  readonly roundSeconds: number;
  /** Uncounted load before the first round, whole seconds: code gets compiled, pools get filled. */
  readonly warmUpSeconds: number;
  readonly idleConnections: number;
  readonly idleRounds: number;
  /** Between a change and a look at memory. */
  readonly settleMs: number;
  readonly streamBytes: number;
  /** What the slow reader takes. */
  readonly streamBytesPerSecond: number;
  /** The slow reader takes nothing at all for so long at first. */
  readonly streamStallMs: number;
}

const MEBIBYTE = 1_048_576;

/** About a quarter of an hour: figures to publish. */
export const FULL_PLAN: BenchPlan = {
  rounds: 5,
  roundSeconds: 3,
  warmUpSeconds: 3,
  idleConnections: 15_000,
  idleRounds: 3,
  settleMs: 2_000,
  streamBytes: 1024 * MEBIBYTE,
  streamBytesPerSecond: 100 * MEBIBYTE,
  streamStallMs: 1_000,
};

/** Less than five minutes: figures to look at while working. */
export const QUICK_PLAN: BenchPlan = {
  ...FULL_PLAN,
  rounds: 3,
  roundSeconds: 1,
  warmUpSeconds: 1,
  idleRounds: 1,
  settleMs: 500,
  streamBytesPerSecond: 400 * MEBIBYTE,
  streamStallMs: 500,
};
