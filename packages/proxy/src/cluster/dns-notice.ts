import { DNS_NOTICE_PERIOD_MS } from "./limits.ts";

/**
 * What of a name's troubles is worth a line in the log: that it began, that it goes on (now and then), that it is over.
 * A name that comes and goes is said no more often than one that stays away: two lines in `DNS_NOTICE_PERIOD_MS` at most.
 */
export class DnsNotice {
  /** When trouble was last said, on the clock's scale. */
  #saidAtMs: number = Number.NEGATIVE_INFINITY;
  /** Trouble was said and its end was not. */
  #isOpen: boolean = false;

  /** A question came to nothing, or to less than it should; true when that is to be said. */
  trouble(nowMs: number): boolean {
    if (nowMs - this.#saidAtMs < DNS_NOTICE_PERIOD_MS) return false;
    this.#saidAtMs = nowMs;
    this.#isOpen = true;
    return true;
  }

  /** All is well; true when that is to be said, because trouble was said last. */
  recovery(): boolean {
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    return wasOpen;
  }
}
