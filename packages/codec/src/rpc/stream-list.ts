/** What a list of streams holds. */
export interface ListedStream {
  /** Where in the list it is; -1 while in none. Only the list writes it. */
  place: number;
}

/** The open streams of a connection in no order: adding and removing costs the same however many there are. */
export class StreamList<Stream extends ListedStream> {
  /** Two to begin with: an array that grows from none takes room for 17, on each of many quiet connections. */
  readonly #streams: (Stream | null)[] = [null, null];
  #length: number = 0;

  get length(): number {
    return this.#length;
  }

  add(stream: Stream): void {
    stream.place = this.#length;
    this.#streams[this.#length++] = stream;
  }

  /** Removes a stream; false when it is not in the list. */
  delete(stream: Stream): boolean {
    const { place } = stream;
    if (place < 0) return false;
    stream.place = -1;
    const last = this.#streams[--this.#length] as Stream;
    this.#streams[this.#length] = null;
    if (last !== stream) {
      last.place = place;
      this.#streams[place] = last;
    }
    return true;
  }

  /** All streams, to go through while they come and go. */
  list(): Stream[] {
    return this.#streams.slice(0, this.#length) as Stream[];
  }
}
