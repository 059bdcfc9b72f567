import { RESET_STREAMS_REMEMBERED_MAX } from "./limits.ts";

/**
 * The streams that we reset most recently. Frames that the peer sent before it knew are late and ignored; on any other
 * closed stream they break the protocol (RFC 9113 section 5.1).
 */
export class ResetHistory {
  #ids: number[] | null = null;
  #next: number = 0;
  /** Highest number that was forgotten: up to here nothing can be told. */
  #forgottenMax: number = 0;

  /** Notes that we reset `id`. */
  add(id: number): void {
    this.#ids ??= [];
    const old = this.#ids[this.#next];
    if (old !== undefined && old > this.#forgottenMax) this.#forgottenMax = old;
    this.#ids[this.#next] = id;
    this.#next = (this.#next + 1) % RESET_STREAMS_REMEMBERED_MAX;
  }

  /** True when a frame on the closed stream `id` may have been sent before our reset arrived. */
  mayBeLate(id: number): boolean {
    return id <= this.#forgottenMax || (this.#ids?.includes(id) ?? false);
  }
}
