/** The middle of the values, or the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) return Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** The value that `share` (0 to 1) of the sorted values do not exceed (nearest rank); NaN of none. */
export function percentile(sorted: Float64Array, share: number): number {
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil(share * sorted.length)));
  return sorted[rank - 1] ?? Number.NaN;
}

/** What two peers did in the rounds that both have: pairs of the same round, so that a busy machine disturbs both. */
export function pairRounds(
  ours: ReadonlyMap<number, number>,
  theirs: ReadonlyMap<number, number>,
): readonly (readonly [ours: number, theirs: number])[] {
  return [...ours].flatMap(([round, value]) => {
    const other = theirs.get(round);
    return other === undefined || other === 0 ? [] : [[value, other] as const];
  });
}

/** The median over rounds of ours / theirs; null where no round has both. */
export function medianRatio(ours: ReadonlyMap<number, number>, theirs: ReadonlyMap<number, number>): number | null {
  const pairs = pairRounds(ours, theirs);
  return pairs.length === 0 ? null : median(pairs.map(([value, other]) => value / other));
}
