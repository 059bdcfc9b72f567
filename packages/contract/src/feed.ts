/** A value that changes, and who wants to know. Whoever subscribes is told the present value at once. */
export interface Feed<T> {
  /** Calls `onChange` with the present value, if there is one, before it returns, and then at every change. */
  subscribe(onChange: (value: T) => void): Subscription;
}

/** Ends a subscription; calling it again does nothing. */
export interface Subscription {
  unsubscribe(): void;
}
