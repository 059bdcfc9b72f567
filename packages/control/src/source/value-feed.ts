import type { Feed, Subscription } from "@weft/contract";

/** A feed that keeps its latest value and tells it to whoever comes later. */
export class ValueFeed<T> implements Feed<T> {
  #value: { readonly current: T } | undefined;
  readonly #listeners: Set<{ readonly onChange: (value: T) => void }> = new Set();

  /** The present value, if there is one. */
  get value(): T | undefined {
    return this.#value?.current;
  }

  subscribe(onChange: (value: T) => void): Subscription {
    const listener = { onChange };
    this.#listeners.add(listener);
    if (this.#value !== undefined) onChange(this.#value.current);
    return { unsubscribe: () => void this.#listeners.delete(listener) };
  }

  /**
   * Tells everybody, in the order of their subscriptions, unless `value` is the very object told before. A subscriber
   * that throws does not keep the others from being told; the first error is thrown when all have been.
   */
  publish(value: T): void {
    if (this.#value !== undefined && Object.is(this.#value.current, value)) return;
    this.#value = { current: value };
    let failure: { readonly error: unknown } | undefined;
    // A copy: whoever subscribes meanwhile is told by `subscribe`.
    for (const listener of Array.from(this.#listeners)) {
      if (!this.#listeners.has(listener)) continue;
      try {
        listener.onChange(value);
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) throw failure.error;
  }
}
