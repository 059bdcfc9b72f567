/** What a table of streams holds. */
export interface NumberedStream {
  readonly id: number;
}

const SLOTS_MIN = 8;

/**
 * The open streams of a connection by number. Open addressing: stream numbers count up in steps of two, so their
 * halves spread over the slots by themselves and most look-ups end at the first slot.
 */
export class StreamTable<Stream extends NumberedStream> {
  /** Streams in the table. */
  length: number = 0;
  #slots: (Stream | undefined)[] | null = null;

  get(id: number): Stream | undefined {
    const slots = this.#slots;
    if (slots === null) return undefined;
    const mask = slots.length - 1;
    for (let slot = (id >>> 1) & mask; ; slot = (slot + 1) & mask) {
      const stream = slots[slot];
      if (stream === undefined || stream.id === id) return stream;
    }
  }

  /** Adds a stream whose number is not in the table. */
  add(stream: Stream): void {
    let slots = this.#slots;
    // At most half full: a search always meets an empty slot soon.
    if (slots === null || (this.length + 1) * 2 > slots.length) slots = this.#grow();
    place(slots, stream);
    this.length++;
  }

  /** Removes the stream with this number, if it is there. */
  delete(id: number): boolean {
    const slots = this.#slots;
    if (slots === null) return false;
    const mask = slots.length - 1;
    let hole = (id >>> 1) & mask;
    for (; slots[hole]?.id !== id; hole = (hole + 1) & mask) if (slots[hole] === undefined) return false;
    slots[hole] = undefined;
    this.length--;
    // Streams behind the hole move up if their search would now end at it.
    for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
      const stream = slots[slot];
      if (stream === undefined) return true;
      const distance = (slot - (stream.id >>> 1)) & mask;
      if (distance < ((slot - hole) & mask)) continue;
      slots[hole] = stream;
      slots[slot] = undefined;
      hole = slot;
    }
  }

  /** All streams, lowest number first. */
  list(): Stream[] {
    const streams: Stream[] = [];
    for (const stream of this.#slots ?? []) if (stream !== undefined) streams.push(stream);
    return streams.sort((left, right) => left.id - right.id);
  }

  #grow(): (Stream | undefined)[] {
    const old = this.#slots;
    const slots = new Array<Stream | undefined>(old === null ? SLOTS_MIN : old.length * 2).fill(undefined);
    if (old !== null) for (const stream of old) if (stream !== undefined) place(slots, stream);
    this.#slots = slots;
    return slots;
  }
}

function place<Stream extends NumberedStream>(slots: (Stream | undefined)[], stream: Stream): void {
  const mask = slots.length - 1;
  let slot = (stream.id >>> 1) & mask;
  while (slots[slot] !== undefined) slot = (slot + 1) & mask;
  slots[slot] = stream;
}
