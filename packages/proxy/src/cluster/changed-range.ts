/** The part of a list that is not as it was: what stands before `from`, and behind the two ends, is the same. */
export interface ChangedRange {
  readonly from: number;
  /** End of the part in the list as it was. */
  readonly beforeTo: number;
  /** End of the part in the list as it is now. */
  readonly afterTo: number;
}

/** Where two lists differ. `isSame` compares by index: of the old list, and of the new one. */
export function findChangedRange(
  beforeLength: number,
  afterLength: number,
  isSame: (before: number, after: number) => boolean,
): ChangedRange {
  let from = 0;
  while (from < beforeLength && from < afterLength && isSame(from, from)) from++;
  let [beforeTo, afterTo] = [beforeLength, afterLength];
  while (beforeTo > from && afterTo > from && isSame(beforeTo - 1, afterTo - 1)) {
    beforeTo--;
    afterTo--;
  }
  return { from, beforeTo, afterTo };
}
