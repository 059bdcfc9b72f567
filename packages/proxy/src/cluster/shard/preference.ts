import { mixUint32 } from "@weft/kernel";

/** Above the slot in an entry: 2^21 slots and 32 bits of preference make one exact number. */
const SLOT_COUNT = 2_097_152;
const UINT32_COUNT = 4_294_967_296;

/** Steps per doubling, and what makes every logarithm positive: 2^26 times 58 doublings fit in 32 bits. */
const STEPS_PER_DOUBLING = 67_108_864;
const DOUBLINGS_BELOW_ONE = 53;

/**
 * How much a client likes a host, as a uint32; less is better. Follows from the two hashes alone, so that every process
 * knows what every client likes. With weights (0 where all are alike and count for nothing) a host is liked most by a share of clients that is as its weight, and no
 * host's preference depends on another's (weighted rendezvous hashing: -ln(u) / weight).
 */
export function preferenceOf(clientHash: number, hostHash: number, weight: number): number {
  const hash = mixUint32(clientHash ^ hostHash);
  if (weight === 0) return hash;
  const exponential = -Math.log1p(-(hash + 0.5) / UINT32_COUNT) / weight;
  return Math.floor((Math.log2(exponential) + DOUBLINGS_BELOW_ONE) * STEPS_PER_DOUBLING);
}

/** A host in a list of preferences: entries sort by preference. */
export function encodeEntry(preference: number, slot: number): number {
  return preference * SLOT_COUNT + slot;
}

/** The preference of an entry. */
export function preferenceIn(entry: number): number {
  return Math.floor(entry / SLOT_COUNT);
}

/** The slot of an entry. */
export function slotIn(entry: number): number {
  // Exact, and many times faster than the remainder of a number that is not small.
  return entry - Math.floor(entry / SLOT_COUNT) * SLOT_COUNT;
}

/**
 * Sorts entries, best first. Slots are a matter of this process, so where two preferences are equal (one pair in 2,000
 * lists of 2,000 hosts) the host's key decides.
 */
export function sortEntries(entries: Float64Array, keyOf: (slot: number) => string): void {
  entries.sort();
  for (let index = 1; index < entries.length; index++) {
    const entry = entries[index] ?? 0;
    let place = index;
    for (; place > 0; place--) {
      const before = entries[place - 1] ?? 0;
      if (preferenceIn(before) !== preferenceIn(entry) || keyOf(slotIn(before)) < keyOf(slotIn(entry))) break;
      entries[place] = before;
    }
    entries[place] = entry;
  }
}
