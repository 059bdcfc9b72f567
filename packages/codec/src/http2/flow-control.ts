/**
 * What the peer may send us, on one stream or on the whole connection (RFC 9113 section 5.2).
 *
 *     limit = left + unconsumed + returned
 *
 *     left         the peer may still send so much
 *     unconsumed   received, not yet consumed by whoever takes the bodies
 *     returned     consumed, not yet announced: WINDOW_UPDATE goes out at half the limit
 *
 * Credit of the connection is returned as bodies are consumed, like that of streams: what one connection can make us
 * hold is its window. A stream that nobody consumes keeps its own window's share of it and no more; the connection's
 * window is several stream windows so that the others go on.
 */
export class ReceiveWindow {
  #limit: number;
  #left: number;
  #returned: number = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#left = limit;
  }

  /** Bytes arrived; false when the peer was not allowed to send so many. */
  take(byteCount: number): boolean {
    this.#left -= byteCount;
    return this.#left >= 0;
  }

  /** Bytes were consumed; returns the increment to announce now, 0 to wait for more. */
  give(byteCount: number): number {
    this.#returned += byteCount;
    if (this.#returned * 2 < this.#limit) return 0;
    const increment = this.#returned;
    this.#returned = 0;
    this.#left += increment;
    return increment;
  }
}
