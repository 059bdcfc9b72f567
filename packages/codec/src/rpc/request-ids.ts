import { ID_SLOTS_MIN, LATE_ANSWERS_MAX } from "./limits.ts";

/** What waits for an answer under an id of ours. */
export interface Awaited {
  /** The id on the wire; 0 before it has one. Only the table writes it. */
  id: number;
  /** Given up: its id stays taken until the answer comes. */
  isGivenUp: boolean;
}

/**
 * The ids of the requests that we sent on one connection. Ids count up from 1 and begin again after `idMax`; 0 and ids in
 * use are skipped, so that an answer can never meet a request that it does not belong to. A slot is found by the low bits
 * of an id: ids that count up spread over the slots by themselves, and one whose slot is taken is skipped too.
 *
 *     slot:     0    1    2    3    4    5    6    7
 *     request:  -    9    2    -    12   13   -    -       next: 14, then 15, 16, 19, ...
 */
export class RequestIds<Request extends Awaited> {
  readonly #idMax: number;
  #slots: (Request | null)[] | null = null;
  #length: number = 0;
  #last: number;
  /** Ids of requests that were given up, the oldest first; null until there is one. */
  #givenUp: number[] | null = null;
  #givenUpAt: number = 0;

  /** `idMax` is 2^n - 1; `last` the id used last, for tests of the wrap. */
  constructor(idMax: number, last: number = 0) {
    this.#idMax = idMax;
    this.#last = last;
  }

  /** Requests that have an id, given up or not. */
  get length(): number {
    return this.#length;
  }

  /** Gives a request the next free id. */
  add(request: Request): void {
    let slots = this.#slots;
    // At most half full: a free slot is near.
    if (slots === null || (this.#length + 1) * 2 > slots.length) slots = this.#grow();
    const mask = slots.length - 1;
    let id = this.#last;
    do id = id >= this.#idMax ? 1 : id + 1;
    while (slots[id & mask] !== null);
    this.#last = id;
    request.id = id;
    slots[id & mask] = request;
    this.#length++;
  }

  /** Takes an id without keeping it: no answer is expected. */
  skip(): number {
    let id = this.#last;
    do id = id >= this.#idMax ? 1 : id + 1;
    while (this.#find(id) !== null);
    this.#last = id;
    return id;
  }

  /** The request with this id, which is free from now on; null when there is none. */
  take(id: number): Request | null {
    const slots = this.#slots;
    if (slots === null) return null;
    const slot = id & (slots.length - 1);
    const request = slots[slot] ?? null;
    if (request === null || request.id !== id) return null;
    slots[slot] = null;
    this.#length--;
    return request;
  }

  /** A request does not wait any more. Its id stays taken until the answer comes, or too many such answers are due. */
  giveUp(request: Request): void {
    request.isGivenUp = true;
    const givenUp = (this.#givenUp ??= []);
    if (givenUp.length < LATE_ANSWERS_MAX) {
      givenUp.push(request.id);
      return;
    }
    const oldest = givenUp[this.#givenUpAt] ?? 0;
    givenUp[this.#givenUpAt] = request.id;
    this.#givenUpAt = (this.#givenUpAt + 1) % LATE_ANSWERS_MAX;
    if (this.#find(oldest)?.isGivenUp === true) this.take(oldest);
  }

  #find(id: number): Request | null {
    const request = this.#slots === null ? null : (this.#slots[id & (this.#slots.length - 1)] ?? null);
    return request !== null && request.id === id ? request : null;
  }

  #grow(): (Request | null)[] {
    const old = this.#slots;
    const slots = new Array<Request | null>(old === null ? ID_SLOTS_MIN : old.length * 2).fill(null);
    // Ids that differ in their low bits differ in more of them too.
    for (const request of old ?? []) if (request !== null) slots[request.id & (slots.length - 1)] = request;
    this.#slots = slots;
    return slots;
  }
}
