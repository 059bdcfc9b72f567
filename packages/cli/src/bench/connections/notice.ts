/** How long after something happened to hosts their connections were given up, in seconds; null where not all were. */
export interface NoticeTimes {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Counts how one data plane notices. The first `expected` connections that end are those that were open. */
export class NoticeCount {
  readonly #expected: number;
  readonly #closesBefore: number;
  /** By connection, in seconds. */
  readonly #times: number[] = [];

  constructor(expected: number, closesBefore: number) {
    this.#expected = expected;
    this.#closesBefore = closesBefore;
  }

  get isDone(): boolean {
    return this.#times.length >= this.#expected;
  }

  /** What was found so many seconds after it happened. */
  look(closes: number, seconds: number): void {
    const noticed = Math.min(this.#expected, closes - this.#closesBefore);
    while (this.#times.length < noticed) this.#times.push(seconds);
  }

  /** Null when some were not noticed, or none was open. */
  times(): NoticeTimes | null {
    if (!this.isDone || this.#expected === 0) return null;
    const at = (share: number): number => this.#times[Math.ceil(share * this.#times.length) - 1] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99), max: at(1) };
  }

  /** For a fault. */
  describe(): string {
    return `${this.#expected - this.#times.length} of ${this.#expected} connections were kept`;
  }
}
