import { SUGGESTION_CHARS_MAX, SUGGESTION_EDITS_MAX } from "../limits.ts";

/**
 * The candidate that `text` was probably meant to be, or undefined when none is near: fewest edits (insert, delete,
 * replace, swap of neighbours; case is free), at most a third of the length.
 */
export function suggest(text: string, candidates: readonly string[]): string | undefined {
  if (text.length > SUGGESTION_CHARS_MAX) return undefined;
  let best: string | undefined;
  let bestEdits = Math.min(SUGGESTION_EDITS_MAX, Math.max(1, Math.floor(text.length / 3))) + 1;
  for (const candidate of candidates) {
    if (candidate.length > SUGGESTION_CHARS_MAX) continue;
    const edits = editDistance(text.toLowerCase(), candidate.toLowerCase());
    if (edits < bestEdits) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best;
}

/** Optimal string alignment distance. */
function editDistance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[row - 1] === right[column - 1];
      let edits = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        edits = Math.min(edits, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(edits);
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length] ?? 0;
}
