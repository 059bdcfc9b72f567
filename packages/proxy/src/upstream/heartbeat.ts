import type { HeartbeatConfig } from "@weft/contract";
import type { Random } from "@weft/kernel";
import { BACKLOG_BYTES_PER_SECOND, STROKES_PER_PERIOD_MIN } from "./limits.ts";

/**
 * Why a peer was asked for a sign of life: its period was up (`quiet`), its host has recent traffic and fell silent
 * (`traffic`), a request is unanswered (`request`) or failed (`failure`), another connection of the host is not answered
 * (`sibling`).
 */
export type BeatCause = "quiet" | "traffic" | "request" | "failure" | "sibling";

/**
 * What a look at a connection finds: nothing is due; bytes came, so nobody need be asked (`replaced`); an answer has
 * come; one is overdue (`missed`); a heartbeat is to be sent; the peer is dead.
 */
export type BeatVerdict = "wait" | "replaced" | "answered" | "missed" | "beat" | "dead";

/**
 * When one connection is asked for a sign of life: a schedule without timers or bytes. Its owner tells what is heard
 * and sent, and looks when it says.
 *
 *     calm --silent for a period, or suspected--> asked --any byte--> calm, period doubled (or back at the base)
 *                                                  |  ^
 *                                 timeoutMs silent +--+ up to missesMax times, then: dead
 *
 * One heartbeat is enough: TCP repeats what was lost, and whoever does not answer the first would not answer the third.
 */
export class Heartbeat {
  readonly #config: HeartbeatConfig;
  readonly #random: Random;
  /** The last sign of life, on the clock's scale. */
  #heardMs: number;
  /** Something was heard since the last heartbeat, suspicion or look. */
  #hasHeard: boolean = false;
  /** Without the jitter. */
  #periodMs: number;
  /** Silence that ends this period. */
  #silenceMs: number;
  /** When the heartbeat that waits for its answer was sent. */
  #sentMs: number = Number.NaN;
  #isOpen: boolean = false;
  /** A suspicion waits for its heartbeat. */
  #isDue: boolean = false;
  #misses: number = 0;
  /** When the next miss is counted. */
  #missAtMs: number = Number.NaN;
  #cause: BeatCause = "quiet";
  /** The last sign of life was more than the answer to a heartbeat. */
  #hasSpoken: boolean = false;

  /** The connection is up at `nowMs`, which is a sign of life. */
  constructor(config: HeartbeatConfig, random: Random, nowMs: number) {
    this.#config = config;
    this.#random = random;
    this.#heardMs = nowMs;
    this.#periodMs = Math.min(config.periodMs, longestPeriodMs(config));
    this.#silenceMs = this.#drawSilenceMs();
  }

  /** The last sign of life, on the clock's scale. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** What the period has been stretched to, without its jitter. */
  get periodMs(): number {
    return this.#periodMs;
  }

  /** A heartbeat waits for its answer. */
  get isOpen(): boolean {
    return this.#isOpen && !this.#hasHeard;
  }

  /** The heartbeat that waits has waited too long at least once. */
  get isMissed(): boolean {
    return this.#misses > 0 && !this.#hasHeard;
  }

  /** The last sign of life was more than the answer to a heartbeat. */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  /** Why the peer is, or was last, asked. */
  get cause(): BeatCause {
    return this.#cause;
  }

  /** When the heartbeat that waits was sent, on the clock's scale; NaN before the first. */
  get sentMs(): number {
    return this.#sentMs;
  }

  /** A sign of life. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs;
    this.#hasHeard = true;
    this.#hasSpoken = true;
  }

  /** Nothing can be heard, by our own doing (reading rests): what is silent until now proves nothing. */
  excuse(nowMs: number): void {
    this.heard(nowMs);
    this.#isDue = false;
    if (this.#isOpen) this.#close();
  }

  /** Something looks wrong: the period falls back. True when the peer is to be asked, that is, is not asked already. */
  suspect(cause: BeatCause): boolean {
    if (this.#config.mode !== "adaptive") return false;
    if (cause !== "traffic") this.snapBack();
    if (this.#isOpen || this.#isDue) return false;
    this.#cause = cause;
    this.#isDue = true;
    this.#hasHeard = false;
    return true;
  }

  /** Something failed: the period falls back to the base. */
  snapBack(): void {
    this.#periodMs = Math.min(this.#config.periodMs, this.#periodMs);
    this.#silenceMs = Math.min(this.#silenceMs, this.#periodMs);
  }

  /**
   * The heartbeat stands behind bytes that the peer was sent since it last said anything: it comes to it as soon as a
   * slow reader would. Until then waiting for the answer starts over.
   */
  allowFor(unheardBytes: number, nowMs: number): void {
    if (!this.#isOpen || unheardBytes < BACKLOG_BYTES_PER_SECOND / 8) return;
    const readMs = (unheardBytes / BACKLOG_BYTES_PER_SECOND) * 1000;
    if (nowMs - this.#sentMs < readMs) this.#missAtMs = nowMs + this.#config.timeoutMs;
  }

  /** What is to be done at `nowMs`. After "beat" the owner sends one and says so by `sent`. */
  look(nowMs: number): BeatVerdict {
    if (this.#isOpen) return this.#hasHeard ? this.#answered() : this.#lookForAnswer(nowMs);
    const hasHeard = this.#hasHeard;
    this.#hasHeard = false;
    if (this.#isDue) {
      this.#isDue = false;
      if (!hasHeard) return "beat";
    }
    if (nowMs < this.#dueMs) return hasHeard ? "replaced" : "wait";
    this.#cause = "quiet";
    return "beat";
  }

  /** The answer to the heartbeat is here; true when one was waited for. */
  settle(): boolean {
    return this.#isOpen && this.#answered() === "answered";
  }

  /** A heartbeat was sent. */
  sent(nowMs: number): void {
    this.#isOpen = true;
    this.#isDue = false;
    this.#hasHeard = false;
    this.#misses = 0;
    this.#sentMs = nowMs;
    this.#missAtMs = nowMs + this.#config.timeoutMs;
  }

  /** From `nowMs` to when `look` has something to find, unless something happens before. */
  waitMs(nowMs: number): number {
    if (this.#isOpen) return Math.max(0, this.#missAtMs - nowMs);
    return Math.max(0, this.#dueMs - nowMs);
  }

  /**
   * When this period's silence is enough. Connections beat on strokes of the clock that they share: a process that wakes for
   * many heartbeats does so at a fraction of the cost of waking for each. The longer the period the rarer the strokes, so
   * that about as many connections beat on each; being powers of two, those of long periods fall on those of short ones.
   */
  get #dueMs(): number {
    const dueMs = this.#heardMs + this.#silenceMs;
    const strokeMs = 1 << (31 - Math.clz32(1 | (this.#periodMs / STROKES_PER_PERIOD_MIN)));
    return dueMs - (dueMs % strokeMs);
  }

  #lookForAnswer(nowMs: number): BeatVerdict {
    const { timeoutMs, missesMax } = this.#config;
    if (nowMs < this.#missAtMs) return "wait";
    // Whoever looks so late was not there to hear: what has come meanwhile is still to be read.
    const isLate = nowMs - this.#missAtMs > timeoutMs / 2;
    this.#missAtMs = nowMs + timeoutMs;
    if (isLate) return "wait";
    this.#misses++;
    this.snapBack();
    return this.#misses < missesMax ? "missed" : "dead";
  }

  #answered(): BeatVerdict {
    const { mode } = this.#config;
    const isCalm = this.#cause === "quiet" && this.#misses === 0;
    if (mode === "adaptive" && isCalm) {
      this.#periodMs = Math.min(2 * this.#periodMs, longestPeriodMs(this.#config));
    }
    this.#hasSpoken = false;
    this.#close();
    return "answered";
  }

  #close(): void {
    this.#isOpen = false;
    this.#hasHeard = false;
    this.#misses = 0;
    this.#silenceMs = this.#drawSilenceMs();
  }

  /** Jitter shortens only: no silence is longer than the period. Whole, so that the object holds it in place. */
  #drawSilenceMs(): number {
    return (this.#periodMs * (1 - this.#config.jitter * this.#random.next())) | 0;
  }
}

/** No period outlasts the time in which the peer closes idle connections, less the time of an answer. */
export function longestPeriodMs(config: HeartbeatConfig): number {
  const { mode, periodMs, periodMsMax, peerIdleTimeoutMs, timeoutMs } = config;
  const wantedMs = mode === "adaptive" ? Math.max(periodMs, periodMsMax) : periodMs;
  return peerIdleTimeoutMs === 0 ? wantedMs : Math.min(wantedMs, Math.max(timeoutMs, peerIdleTimeoutMs - timeoutMs));
}
