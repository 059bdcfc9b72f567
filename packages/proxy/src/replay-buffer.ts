import type { Fields } from "@weft/contract";
import { REPLAY_BYTES_MAX } from "./limits.ts";

/** What `ReplayBuffer.replay` sends to. */
export interface ReplayTarget {
  sendData(bytes: Buffer, start: number, end: number, isEnd: boolean): boolean;
  sendTrailers(fields: Fields): void;
}

/**
 * The body of a request as far as it came, kept until an answer begins: for the time before there is a connection, and
 * for another try. Beyond `REPLAY_BYTES_MAX` it is given up, and with it the chance of another try, but never before
 * it was sent once.
 */
export class ReplayBuffer {
  #chunks: Buffer[] = [];
  #byteCount: number = 0;
  #trailers: Fields | null = null;
  #isComplete: boolean = true;

  /** False once a part was dropped: the request cannot be sent again. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  get isEmpty(): boolean {
    return this.#byteCount === 0 && this.#trailers === null;
  }

  /** Keeps a copy of `bytes[start, end)`. `isSent` says that it went out already: it may be dropped for size. */
  append(bytes: Buffer, start: number, end: number, isSent: boolean): void {
    if (!this.#isComplete) return;
    if (isSent && this.#byteCount + end - start > REPLAY_BYTES_MAX) {
      this.#drop();
      return;
    }
    this.#chunks.push(Buffer.from(bytes.subarray(start, end)));
    this.#byteCount += end - start;
  }

  setTrailers(fields: Fields): void {
    if (this.#isComplete) this.#trailers = fields;
  }

  /** Sends everything kept; `isEnd` says that the body is whole. False when the target is congested now. */
  replay(target: ReplayTarget, isEnd: boolean): boolean {
    let isOpen = true;
    const last = this.#chunks.length - 1;
    for (const [index, chunk] of this.#chunks.entries()) {
      isOpen = target.sendData(chunk, 0, chunk.length, isEnd && index === last && this.#trailers === null);
    }
    if (this.#trailers !== null) target.sendTrailers(this.#trailers);
    if (this.#byteCount > REPLAY_BYTES_MAX) this.#drop();
    return isOpen;
  }

  /** Gives up what was kept, and with it every further try. */
  #drop(): void {
    this.#isComplete = false;
    this.#chunks = [];
    this.#byteCount = 0;
    this.#trailers = null;
  }
}
