/** Something that has to be done at the end of the turn. */
export interface Flushable {
  flush(): void;
}

/**
 * Collects who has output in this turn of the event loop and flushes each once, right after all reads of the turn: a
 * thousand frames to one peer leave in one system call, and peers are woken when there is something to do for many.
 * One per worker.
 *
 * While only one task is open nobody can add to its output: it leaves with the read that brought it about. Measured
 * with one connection that is a tenth of the CPU per request; with 64 of them it would cost as much, since peers are
 * woken for each write.
 */
export class OutputScheduler {
  /** Requests and the like that are open now; whoever opens and ends them counts. */
  openTasks: number = 0;
  #dirty: Flushable[] = [];
  #flushing: Flushable[] = [];
  #isScheduled: boolean = false;
  #isReading: boolean = false;
  readonly #onTurnEnd: () => void;

  constructor() {
    this.#onTurnEnd = () => this.flushAll();
  }

  /** `flushable.flush` is called once before the turn ends. Call once per turn and flushable. */
  add(flushable: Flushable): void {
    this.#dirty.push(flushable);
    if (!this.#isReading) this.#schedule();
  }

  /** Bytes that one connection read are being worked on, until `endRead`. */
  beginRead(): void {
    this.#isReading = true;
  }

  endRead(): void {
    this.#isReading = false;
    if (this.#dirty.length === 0) return;
    if (this.openTasks <= 1 && !this.#isScheduled) this.flushAll();
    else this.#schedule();
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

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#onTurnEnd);
  }
}
