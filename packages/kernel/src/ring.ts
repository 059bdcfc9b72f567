import { assertInteger } from "./assert.ts";
import { RING_CAPACITY_MAX } from "./limits.ts";

/**
 * A first-in first-out queue of fixed capacity: all memory is taken at the start, and a full ring
 * says so instead of growing. Slots that are emptied keep no reference.
 *
 * @example
 * const ring = new Ring<Task>(1024);
 * if (!ring.push(task)) return "overloaded";
 */
export class Ring<T> {
  /** How many items fit. */
  readonly capacity: number;
  readonly #items: (T | undefined)[];
  #head: number = 0;
  #length: number = 0;

  /** @throws WeftError KERNEL_INVALID_ARGUMENT when `capacity` is not within 1 to `RING_CAPACITY_MAX` */
  constructor(capacity: number) {
    assertInteger("capacity", capacity, 1, RING_CAPACITY_MAX);
    this.capacity = capacity;
    this.#items = new Array<T | undefined>(this.capacity).fill(undefined);
  }

  /** How many items are in. */
  get length(): number {
    return this.#length;
  }

  get isFull(): boolean {
    return this.#length === this.capacity;
  }

  /** Appends `item`; false, and nothing changes, when the ring is full. */
  push(item: T): boolean {
    if (this.#length === this.capacity) return false;
    this.#items[this.#slotOf(this.#length)] = item;
    this.#length++;
    return true;
  }

  /** Removes and returns the oldest item; undefined when there is none. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = this.#head + 1 === this.capacity ? 0 : this.#head + 1;
    this.#length--;
    return item;
  }

  /** The oldest item, which stays; undefined when there is none. */
  peek(): T | undefined {
    return this.#length === 0 ? undefined : this.#items[this.#head];
  }

  /** The item `index` places after the oldest one; undefined outside `[0, length)`. */
  at(index: number): T | undefined {
    return index >= 0 && index < this.#length ? this.#items[this.#slotOf(index)] : undefined;
  }

  /** Removes all items. */
  clear(): void {
    this.#items.fill(undefined);
    this.#head = 0;
    this.#length = 0;
  }

  #slotOf(index: number): number {
    const slot = this.#head + index;
    return slot < this.capacity ? slot : slot - this.capacity;
  }
}
