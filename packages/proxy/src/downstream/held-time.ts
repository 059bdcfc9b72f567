/**
 * How long a client was kept from sending: because nothing is read from it, or because bytes of it wait for a host, which
 * fills its windows in the end. One request that is held up may hold up the others of its connection, so the time is the
 * connection's. What a request can make wait so is itself bounded by deadlines of its own.
 */
export class HeldTime {
  /** Reasons that hold at present. */
  #reasons: number = 0;
  #sinceMs: number = 0;
  #endedMs: number = 0;

  begin(nowMs: number): void {
    if (this.#reasons++ === 0) this.#sinceMs = nowMs;
  }

  end(nowMs: number): void {
    if (--this.#reasons === 0) this.#endedMs += nowMs - this.#sinceMs;
  }

  /** All of it until now. */
  totalMs(nowMs: number): number {
    return this.#endedMs + (this.#reasons > 0 ? nowMs - this.#sinceMs : 0);
  }
}
