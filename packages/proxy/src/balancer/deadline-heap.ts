import { assert, type Random } from "@weft/kernel";
import { VIRTUAL_TIME_MAX } from "./limits.ts";

/**
 * Earliest deadline first over fixed items with weights: an item's turns are 1/weight of virtual time apart, so turns
 * come in proportion to weights, interleaved, and an item's count never strays more than one turn from its share.
 * A binary heap on typed arrays: O(log n) per turn, no allocation.
 *
 *     virtual time  0        1        2        3
 *     weight 3      a  a  a  a  a  a  a  a  a
 *     weight 1        b        b        b
 */
export class DeadlineHeap {
  /** Item by heap slot; slot 0 is next. */
  readonly #heap: Uint32Array;
  /** Virtual time of an item's next turn, by item. */
  readonly #deadlines: Float64Array;
  /** Virtual time between two turns, by item. */
  readonly #strides: Float64Array;

  /** Items are the indexes of `weights`, each above 0. Phases come by chance: proxies that start together differ. */
  constructor(weights: readonly number[], random: Random) {
    const size = weights.length;
    this.#heap = new Uint32Array(size);
    this.#deadlines = new Float64Array(size);
    this.#strides = new Float64Array(size);
    for (let item = 0; item < size; item++) {
      const weight = weights[item] ?? 0;
      assert(weight > 0, "a weight is above 0");
      this.#heap[item] = item;
      this.#strides[item] = 1 / weight;
      this.#deadlines[item] = random.next() / weight;
    }
    for (let slot = (size >>> 1) - 1; slot >= 0; slot--) this.#siftDown(slot);
  }

  /** The item in heap slot `slot`. Slot 0 is the next by deadline; the slots after it follow roughly in turn. */
  itemAt(slot: number): number {
    const item = this.#heap[slot];
    assert(item !== undefined, "a heap slot in use is read");
    return item;
  }

  /** The item in `slot` has had its turn. */
  advance(slot: number): void {
    const item = this.itemAt(slot);
    const deadline = (this.#deadlines[item] ?? 0) + (this.#strides[item] ?? 0);
    this.#deadlines[item] = deadline;
    this.#siftDown(slot);
    if (deadline > VIRTUAL_TIME_MAX) this.#rebase();
  }

  /** Starts virtual time over: all deadlines move alike, their order stays. */
  #rebase(): void {
    const startAt = this.#deadlines[this.itemAt(0)] ?? 0;
    for (let item = 0; item < this.#deadlines.length; item++) {
      this.#deadlines[item] = (this.#deadlines[item] ?? 0) - startAt;
    }
  }

  #siftDown(from: number): void {
    const heap = this.#heap;
    const deadlines = this.#deadlines;
    const size = heap.length;
    const item = heap[from] ?? 0;
    const deadline = deadlines[item] ?? 0;
    let slot = from;
    for (;;) {
      let child = 2 * slot + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size && (deadlines[heap[right] ?? 0] ?? 0) < (deadlines[heap[child] ?? 0] ?? 0)) child = right;
      const childItem = heap[child] ?? 0;
      if ((deadlines[childItem] ?? 0) >= deadline) break;
      heap[slot] = childItem;
      slot = child;
    }
    heap[slot] = item;
  }
}
