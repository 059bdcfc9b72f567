import { assert, type Random } from "@weft/kernel";

/**
 * Draws an index with a probability proportional to its weight, in O(1): Vose's alias method
 * (https://www.keithschwarz.com/darts-dice-coins/). Each of n equal cells is shared by at most two indexes:
 *
 *     weights 1 2 3      cell 0        cell 1        cell 2
 *                        |0 0 2 2|     |1 1 1 1|     |2 2 2 2|
 */
export class AliasTable {
  /** The share of a cell that belongs to the index of its own number. */
  readonly #shares: Float64Array;
  /** Who has the rest of the cell. */
  readonly #aliases: Uint32Array;

  /** One weight above 0 per index; at least one. O(n). */
  constructor(weights: readonly number[]) {
    const size = weights.length;
    assert(size > 0, "an alias table has an index to draw");
    this.#shares = new Float64Array(size);
    this.#aliases = new Uint32Array(size);
    let total = 0;
    for (const weight of weights) {
      assert(weight > 0, "a weight is above 0");
      total += weight;
    }
    this.#fill(weights, size / total);
  }

  /** An index by chance. */
  draw(random: Random): number {
    const cell = random.below(this.#shares.length);
    return random.next() < (this.#shares[cell] ?? 1) ? cell : (this.#aliases[cell] ?? cell);
  }

  /** Fills up every cell that is less than full from one that is more than full. */
  #fill(weights: readonly number[], scale: number): void {
    const shares = this.#shares;
    const small: number[] = [];
    const large: number[] = [];
    for (let index = 0; index < shares.length; index++) {
      const share = (weights[index] ?? 0) * scale;
      shares[index] = share;
      this.#aliases[index] = index;
      if (share < 1) small.push(index);
      else large.push(index);
    }
    for (;;) {
      const donor = large.at(-1);
      const taker = donor === undefined ? undefined : small.pop();
      if (donor === undefined || taker === undefined) break;
      this.#aliases[taker] = donor;
      const rest = (shares[donor] ?? 0) - (1 - (shares[taker] ?? 0));
      shares[donor] = rest;
      if (rest >= 1) continue;
      large.pop();
      small.push(donor);
    }
    // What is left over on either side is full but for rounding.
    for (const index of small) shares[index] = 1;
    for (const index of large) shares[index] = 1;
  }
}
