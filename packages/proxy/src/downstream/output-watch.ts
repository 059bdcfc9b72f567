/** The figures of a transport that show whether its peer takes what it gets. */
export interface WatchedOutput {
  readonly output: { readonly pendingBytes: number };
  readonly sentBytes: number;
  readonly takenBytes: number;
}

/**
 * Looks now and then whether a client takes the bytes that wait for it: of what waited at one look, all or a minimum
 * must be gone by the next. What the system has taken counts as taken; what it holds for the client is not ours to see.
 */
export class OutputWatch {
  readonly #transport: WatchedOutput;
  #lookedAtMs: number;
  /** What had been taken then, and what waited. */
  #takenBytes: number;
  #waitingBytes: number;

  constructor(transport: WatchedOutput, nowMs: number) {
    this.#transport = transport;
    this.#lookedAtMs = nowMs;
    this.#takenBytes = transport.takenBytes;
    this.#waitingBytes = waitingBytes(transport);
  }

  /** When it looked last, on the clock's scale. */
  get lookedAtMs(): number {
    return this.#lookedAtMs;
  }

  /** True when the client took neither all that waited at the last look nor `bytesMin` bytes. */
  look(nowMs: number, bytesMin: number): boolean {
    const { takenBytes } = this.#transport;
    const isStalled = takenBytes - this.#takenBytes < Math.min(this.#waitingBytes, bytesMin);
    this.#lookedAtMs = nowMs;
    this.#waitingBytes = waitingBytes(this.#transport);
    this.#takenBytes = takenBytes;
    return isStalled;
  }
}

function waitingBytes({ output, sentBytes, takenBytes }: WatchedOutput): number {
  return output.pendingBytes + sentBytes - takenBytes;
}
