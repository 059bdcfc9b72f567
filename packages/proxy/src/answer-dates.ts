import { ResponseHead } from "@weft/contract";
import type { Clock } from "@weft/kernel";

/**
 * Gives answers the Date that they lack: our own as RFC 9110 section 6.6.1 asks of whoever makes an answer, forwarded
 * ones as it asks of whoever passes one on. One text per second, and one head per head and second, so that encoders
 * find what they kept; an answer that has its Date costs one look.
 */
export class AnswerDates {
  readonly #clock: Clock;
  #second: number = Number.NaN;
  #text: string = "";

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `head` with a Date; as it is where it has one, is no final answer, or is not HTTP's. */
  dated(head: ResponseHead): ResponseHead {
    if (head.hasDate || head.status < 200 || head.frame !== null) return head;
    const text = this.#now();
    const known = head.dated;
    if (known !== null && known.fields[known.fields.length - 1] === text) return known;
    const dated = new ResponseHead(head.status, [...head.fields, "date", text], head.contentLength);
    head.dated = dated;
    return dated;
  }

  /** The present second as an HTTP date (RFC 9110 section 5.6.7). */
  #now(): string {
    const second = Math.floor(this.#clock.wallMs() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(second * 1000).toUTCString();
    }
    return this.#text;
  }
}
