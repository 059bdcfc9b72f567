import { Histogram, systemClock } from "@weft/kernel";
import { FAILURES_KEPT_MAX } from "./limits.ts";

/** A request without a right answer. */
export interface Failure {
  readonly reason: string;
  /** Of the client; 0 where no connection could be opened. */
  readonly localPort: number;
}

/** What one client met in one phase. */
export class Tally {
  /** With an answer, right or wrong, or without: each counted once, however often it was sent. */
  requests: number = 0;
  failed: number = 0;
  /** Requests that the server had surely not looked at, or that met a connection which it had just closed: sent again. */
  sentAgain: number = 0;
  /** The first ones. */
  readonly failures: Failure[] = [];
  readonly #latency: Histogram = new Histogram();
  /** When each revision was first seen in an answer. */
  readonly #revisions = new Map<number, number>();
  /** When each certificate was first seen in a handshake. */
  readonly #rotations = new Map<number, number>();
  #lastAnswerMs: number = systemClock.nowMs();
  #gapMs: number = 0;

  get p99Ms(): number {
    return this.#latency.quantile(0.99) / 1_000;
  }

  /** The longest time without an answer. */
  get gapMs(): number {
    return this.#gapMs;
  }

  /** When an answer first said that this configuration routed it; undefined: not yet. */
  revisionSeenMs(revision: number): number | undefined {
    return this.#revisions.get(revision);
  }

  /** When this certificate was first shown; undefined: not yet. */
  rotationSeenMs(rotation: number): number | undefined {
    return this.#rotations.get(rotation);
  }

  answered(revision: number, sentMs: number): void {
    const nowMs = systemClock.nowMs();
    this.requests++;
    this.#latency.record((nowMs - sentMs) * 1_000);
    this.#gapMs = Math.max(this.#gapMs, nowMs - this.#lastAnswerMs);
    this.#lastAnswerMs = nowMs;
    if (!this.#revisions.has(revision)) this.#revisions.set(revision, nowMs);
  }

  opened(rotation: number): void {
    if (!this.#rotations.has(rotation)) this.#rotations.set(rotation, systemClock.nowMs());
  }

  fail(reason: string, localPort: number): void {
    this.requests++;
    this.failed++;
    if (this.failures.length < FAILURES_KEPT_MAX) this.failures.push({ reason, localPort });
  }

  /** A gap that has not ended counts, too. */
  end(): void {
    this.#gapMs = Math.max(this.#gapMs, systemClock.nowMs() - this.#lastAnswerMs);
  }
}
