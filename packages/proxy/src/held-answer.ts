import { assert, TimerEntry, type TimerOwner, type TimerWheel } from "@weft/kernel";
import type { ResponseHead } from "@weft/contract";
import { HELD_ANSWER_BYTES_MAX, HELD_ANSWER_MS_MAX, HELD_ANSWERS_SPARE_MAX, STREAMING_METHODS_MAX } from "./limits.ts";

/** Bytes before each gRPC message: a flag and the length. */
const PREFIX_BYTES = 5;
/** First size of a buffer; most messages are smaller. */
const BUFFER_BYTES = 512;

/** What a worker knows of holding answers: shared by all of its requests. */
export class AnswerHolds {
  readonly wheel: TimerWheel;
  readonly #streamingMethods: Set<string> = new Set();
  readonly #spare: HeldAnswer[] = [];

  constructor(wheel: TimerWheel) {
    this.wheel = wheel;
  }

  /** Holds an answer that has begun; null where its method (the path names it) is known to stream. */
  hold(owner: HeldAnswerOwner, head: ResponseHead, path: string, nowMs: number): HeldAnswer | null {
    if (this.#streamingMethods.has(path)) return null;
    const held = this.#spare.pop() ?? new HeldAnswer(this);
    held.begin(owner, head, path, nowMs);
    return held;
  }

  /** @internal An answer of the method had more than one message. */
  noteStreaming(path: string): void {
    if (this.#streamingMethods.size < STREAMING_METHODS_MAX) this.#streamingMethods.add(path);
  }

  /** @internal */
  takeBack(held: HeldAnswer): void {
    if (this.#spare.length < HELD_ANSWERS_SPARE_MAX) this.#spare.push(held);
  }
}

/** Who holds an answer. */
export interface HeldAnswerOwner {
  /** The trailers are not here in time: the answer is to be passed on. */
  onHoldOver(): void;
}

/**
 * The beginning of a gRPC answer, held until its trailers are here, so that an answer that breaks off before can be
 * thrown away for another try: gRPC sends 200 first and says how the call went last. A call with one answer does not
 * notice, since the trailers are all that it waits for. Calls that stream cannot be told from them by their head, so an
 * answer is passed on when a second message begins, when it is larger than `HELD_ANSWER_BYTES_MAX`, and in any case
 * after `HELD_ANSWER_MS_MAX`; and a method that has ever answered with two messages is not held again.
 *
 * Objects and their buffers are used again: who holds one gives it back with `end`, once.
 */
export class HeldAnswer implements TimerOwner {
  readonly #holds: AnswerHolds;
  readonly #timer: TimerEntry;
  #owner: HeldAnswerOwner | null = null;
  #head: ResponseHead | null = null;
  #path: string = "";
  #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #heldBytes: number = 0;
  /** Bytes of the answer so far, held or passed on. */
  #byteCount: number = 0;
  /** Bytes of the first message without its prefix, as far as the prefix is here. */
  #messageBytes: number = 0;
  #isHolding: boolean = false;
  #isStream: boolean = false;

  constructor(holds: AnswerHolds) {
    this.#holds = holds;
    this.#timer = new TimerEntry(this);
  }

  /** @internal */
  begin(owner: HeldAnswerOwner, head: ResponseHead, path: string, nowMs: number): void {
    this.#owner = owner;
    this.#head = head;
    this.#path = path;
    this.#heldBytes = 0;
    this.#byteCount = 0;
    this.#messageBytes = 0;
    this.#isHolding = true;
    this.#isStream = false;
    this.#holds.wheel.schedule(this.#timer, HELD_ANSWER_MS_MAX, nowMs);
  }

  get head(): ResponseHead {
    assert(this.#head !== null, "an answer that is held has a head");
    return this.#head;
  }

  /** What is held of the body: the first `heldBytes` bytes. */
  get bytes(): Buffer {
    return this.#buffer;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** False once the answer was passed on, and only its messages are counted. */
  get isHolding(): boolean {
    return this.#isHolding;
  }

  /** True once a second message has begun. */
  get isStream(): boolean {
    return this.#isStream;
  }

  /**
   * Keeps a copy of `bytes[start, end)`. False where the answer cannot be held any longer: what is held is to be passed
   * on, and these bytes after it.
   */
  keep(bytes: Buffer, start: number, end: number): boolean {
    const from = this.#byteCount;
    this.#byteCount += end - start;
    for (let place = from; place < PREFIX_BYTES && place < this.#byteCount; place++) {
      if (place > 0) this.#messageBytes = this.#messageBytes * 256 + (bytes[start + place - from] ?? 0);
    }
    const expected = PREFIX_BYTES + this.#messageBytes;
    if (this.#byteCount > expected) {
      this.#isStream = true;
      this.#holds.noteStreaming(this.#path);
      return false;
    }
    if (!this.#isHolding || expected > HELD_ANSWER_BYTES_MAX) return false;
    if (expected > this.#buffer.length) this.#grow(expected);
    bytes.copy(this.#buffer, from, start, end);
    this.#heldBytes = this.#byteCount;
    return true;
  }

  /** The answer is passed on now. */
  release(): void {
    this.#isHolding = false;
    this.#holds.wheel.cancel(this.#timer);
  }

  /** Nobody needs this any more. */
  end(): void {
    this.release();
    this.#owner = null;
    this.#head = null;
    this.#holds.takeBack(this);
  }

  onTimer(): void {
    this.#owner?.onHoldOver();
  }

  #grow(byteCount: number): void {
    const buffer = Buffer.allocUnsafeSlow(Math.max(byteCount, 2 * this.#buffer.length));
    this.#buffer.copy(buffer, 0, 0, this.#heldBytes);
    this.#buffer = buffer;
  }
}
