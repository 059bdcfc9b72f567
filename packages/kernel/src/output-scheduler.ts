/** Something whose output leaves at the end of the turn. */
export interface Flushable {
  flush(): void;
}

/**
 * Collects who has output in this turn of the event loop and flushes each once, right after all reads of the turn:
 * a thousand frames to one peer leave in one system call. One per worker.
 */
export class OutputScheduler {
  #dirty: Flushable[] = [];
  #flushing: Flushable[] = [];
  #isScheduled: boolean = false;
  readonly #onTurnEnd: () => void;

  constructor() {
    this.#onTurnEnd = () => this.flushAll();
  }

  /** `flushable.flush` is called once before the turn ends. Call once per turn and flushable. */
  add(flushable: Flushable): void {
    this.#dirty.push(flushable);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#onTurnEnd);
  }

  /** Flushes everything now. What flushing makes dirty again waits for the next turn. */
  flushAll(): void {
    this.#isScheduled = false;
    const flushing = this.#dirty;
    this.#dirty = this.#flushing;
    this.#flushing = flushing;
    for (let index = 0; index < flushing.length; index++) flushing[index]?.flush();
    flushing.length = 0;
  }
}
