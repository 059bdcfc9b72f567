import { fail } from "./assert.ts";

/**
 * A fixed set of named numbers, counters and gauges alike, on one typed array: addressed by index on
 * the hot path, by name when read. Counts are exact up to 2^53.
 *
 * @example
 * const REQUESTS = 0, ERRORS = 1;
 * const block = createCounterBlock(["requests", "errors"]);
 * block.increment(REQUESTS);
 */
export class CounterBlock {
  /** The names, by index. */
  readonly names: readonly string[];
  readonly #values: Float64Array;

  constructor(names: readonly string[]) {
    this.names = names;
    this.#values = new Float64Array(names.length);
  }

  /** Adds 1. */
  increment(index: number): void {
    const value = this.#values[index];
    if (value === undefined) failIndex(index);
    this.#values[index] = value + 1;
  }

  /** Subtracts 1: for gauges. */
  decrement(index: number): void {
    const value = this.#values[index];
    if (value === undefined) failIndex(index);
    this.#values[index] = value - 1;
  }

  /** Adds `amount`, which may be negative for a gauge. */
  add(index: number, amount: number): void {
    const value = this.#values[index];
    if (value === undefined) failIndex(index);
    this.#values[index] = value + amount;
  }

  /** Replaces the value: for gauges. */
  set(index: number, value: number): void {
    if (this.#values[index] === undefined) failIndex(index);
    this.#values[index] = value;
  }

  get(index: number): number {
    const value = this.#values[index];
    if (value === undefined) failIndex(index);
    return value;
  }

  /** All values by index, as plain JSON. */
  snapshot(): number[] {
    return Array.from(this.#values);
  }

  /** Adds the snapshot of a block with the same names: for totals over workers. */
  merge(values: readonly number[]): void {
    if (values.length !== this.#values.length) failIndex(values.length);
    for (let index = 0; index < values.length; index++) this.add(index, values[index] ?? 0);
  }

  /** Sets every value to 0. */
  reset(): void {
    this.#values.fill(0);
  }
}

/** Creates a block with one number, 0, per name. */
export function createCounterBlock(names: readonly string[]): CounterBlock {
  return new CounterBlock(names);
}

function failIndex(index: number): never {
  fail("a counter block has a number at the index used", { index });
}
